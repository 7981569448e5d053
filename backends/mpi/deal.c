#include "deal.h"

#include <limits.h>

#include "runtime/engine.h"

int fw_deal_offer(int cpus, int inner_threads)
{
    const int offer = inner_threads > 0 ? cpus / inner_threads : 1;

    return offer > 1 ? offer : 1;
}

static long long capped(int offer, int each)
{
    return offer < each ? offer : each;
}

/* Workers where no rank has more than `each`. */
static long long dealt(const struct fw_peer *peer, int ranks, int inner_threads, int each)
{
    long long sum = 0;

    for (int r = 0; r < ranks; r++)
        sum += capped(fw_deal_offer(peer[r].cpus, inner_threads), each);
    return sum;
}

int fw_deal_wanted(const struct fw_peer *peer, int ranks, int jobs, int inner_threads)
{
    const long long wanted = jobs > 0 ? jobs : dealt(peer, ranks, inner_threads, INT_MAX) + 1 + jobs;

    return wanted < 1 ? 1 : wanted > INT_MAX ? INT_MAX : (int)wanted;
}

int fw_deal_cpus(const struct fw_peer *peer, int ranks)
{
    long long sum = 0;

    for (int r = 0; r < ranks; r++)
        sum += peer[r].cpus;
    return sum > INT_MAX ? INT_MAX : (int)sum;
}

/* How the workers are dealt: whole rounds, and what is over. */
struct rounds {
    int each;       /* so many rounds, as far as a rank offers as much */
    long long rest; /* ranks from the first on that have one more, of those that offer it */
    long long over; /* beyond all offers: evenly */
};

static struct rounds count_rounds(const struct fw_peer *peer, int ranks, int workers, int inner_threads)
{
    const long long all = dealt(peer, ranks, inner_threads, INT_MAX);
    struct rounds rounds = { INT_MAX, 0, 0 };
    int low = 0, high = workers;

    if (workers >= all) {
        rounds.over = workers - all;
        return rounds;
    }
    while (low < high) { /* the most rounds that `workers` suffice for */
        const int mid = low + (high - low + 1) / 2;

        if (dealt(peer, ranks, inner_threads, mid) <= workers)
            low = mid;
        else
            high = mid - 1;
    }
    rounds.each = low;
    rounds.rest = workers - dealt(peer, ranks, inner_threads, low);
    return rounds;
}

/* Workers of one rank; called for the ranks in order: uses up rounds->rest. */
static int of_rank(struct rounds *rounds, int offer, int rank, int ranks)
{
    int own = (int)capped(offer, rounds->each);

    if (offer > rounds->each && rounds->rest > 0) {
        rounds->rest--;
        own++;
    }
    return own + (int)(rounds->over / ranks) + (rank < rounds->over % ranks);
}

struct fw_share_of_rank fw_deal(const struct fw_peer *peer, int ranks, int rank, int workers, int inner_threads)
{
    struct rounds rounds = count_rounds(peer, ranks, workers, inner_threads);
    struct fw_share_of_rank share = { 0, 0, 0, 0 };

    for (int r = 0; r < ranks; r++) {
        const int own = of_rank(&rounds, fw_deal_offer(peer[r].cpus, inner_threads), r, ranks);
        const bool beside = peer[r].leader == peer[rank].leader;

        if (r == rank)
            share.own = own;
        if (r < rank) {
            share.number += own;
            share.line += beside ? own : 0;
        }
        share.node_workers += beside ? own : 0;
    }
    return share;
}

void fw_deal_leases(const struct fw_peer *peer, int ranks, int workers, int inner_threads, int *least, int *most)
{
    struct rounds rounds = count_rounds(peer, ranks, workers, inner_threads);

    *least = INT_MAX;
    *most = 0;
    for (int r = 0; r < ranks; r++) {
        const int own = of_rank(&rounds, fw_deal_offer(peer[r].cpus, inner_threads), r, ranks);
        int first, small, large;

        if (own == 0)
            continue;
        large = fw_plan_share(peer[r].cpus, own, 0, &first);
        small = fw_plan_share(peer[r].cpus, own, own - 1, &first);
        *least = small < *least ? small : *least;
        *most = large > *most ? large : *most;
    }
}
