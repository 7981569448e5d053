/* Rounds in which each rank gets one more PU, as in a matching: where all it may
 * use are taken, one whose owner can have another in its place. So the counts
 * are as even as the masks allow. Then ranks of one mask sort out who has which. */
#include "ranks.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct dealing {
    const bool *may;
    int ranks, npus;
    int *owner;
    int *from;  /* by PU, in a search: the rank that would give up the one it has for it; -1: not reached */
    int *queue; /* ranks to look from */
    int *via;   /* by rank: the PU of it that was reached; -1: the one that searches; -2: not reached */
};

static bool may_use(const struct dealing *d, int rank, int pu)
{
    return d->may[(size_t)rank * (size_t)d->npus + (size_t)pu];
}

/* Hands PUs on along the way that a search found, which ends at a free one. */
static void hand_on(struct dealing *d, int pu)
{
    while (pu >= 0) {
        const int rank = d->from[pu];

        d->owner[pu] = rank;
        pu = d->via[rank];
    }
}

/* One more PU for this rank; false: there is none, also by exchange. */
static bool give_one(struct dealing *d, int rank)
{
    int head = 0, tail = 0;

    for (int p = 0; p < d->npus; p++)
        d->from[p] = -1;
    for (int r = 0; r < d->ranks; r++)
        d->via[r] = -2;
    d->via[rank] = -1;
    d->queue[tail++] = rank;
    while (head < tail) {
        const int r = d->queue[head++];

        for (int p = 0; p < d->npus; p++) {
            if (!may_use(d, r, p) || d->from[p] >= 0 || d->owner[p] == r)
                continue;
            d->from[p] = r;
            if (d->owner[p] < 0) {
                hand_on(d, p);
                return true;
            }
            if (d->via[d->owner[p]] == -2) {
                d->via[d->owner[p]] = p;
                d->queue[tail++] = d->owner[p];
            }
        }
    }
    return false;
}

static void deal_rounds(struct dealing *d, bool *more)
{
    bool some = true;

    for (int r = 0; r < d->ranks; r++)
        more[r] = true;
    while (some) {
        some = false;
        for (int r = 0; r < d->ranks; r++)
            if (more[r])
                some |= more[r] = give_one(d, r);
    }
}

static bool same_mask(const struct dealing *d, int a, int b)
{
    return memcmp(&d->may[(size_t)a * (size_t)d->npus], &d->may[(size_t)b * (size_t)d->npus],
                  (size_t)d->npus * sizeof *d->may) == 0;
}

static bool all_the_same(const struct dealing *d)
{
    for (int r = 1; r < d->ranks; r++)
        if (!same_mask(d, 0, r))
            return false;
    return true;
}

/* All ranks have one mask: nothing is to be searched for. */
static void deal_evenly(struct dealing *d)
{
    int n = 0;

    for (int p = 0; p < d->npus; p++)
        d->owner[p] = may_use(d, 0, p) ? n++ % d->ranks : -1;
}

/* The PUs of the ranks that have the mask of `first`, in order: neighbours for
 * each. `first` is the lowest of them. */
static void sort_out(struct dealing *d, int first)
{
    int *const count = d->queue; /* by rank */
    int rank = first;

    memset(count, 0, (size_t)d->ranks * sizeof *count);
    for (int p = 0; p < d->npus; p++)
        if (d->owner[p] >= 0)
            count[d->owner[p]]++;
    for (int p = 0; p < d->npus; p++) {
        if (d->owner[p] < 0 || !same_mask(d, first, d->owner[p]))
            continue;
        while (count[rank] == 0 || !same_mask(d, first, rank))
            rank++;
        d->owner[p] = rank;
        count[rank]--;
    }
}

static bool is_first(const struct dealing *d, int rank)
{
    for (int r = 0; r < rank; r++)
        if (same_mask(d, r, rank))
            return false;
    return true;
}

furrow_status fw_ranks_deal(const bool *may, int ranks, int npus, int *owner)
{
    const size_t all = (size_t)npus + 2 * (size_t)ranks;
    struct dealing d = { may, ranks, npus, owner, NULL, NULL, NULL };
    int *memory = fw_malloc(all * sizeof *memory + (size_t)ranks * sizeof(bool));

    if (memory == NULL)
        return fw_fail(FURROW_ENOMEM, "no memory to deal %d CPUs to %d ranks", npus, ranks);
    d.from = memory;
    d.queue = memory + npus;
    d.via = d.queue + ranks;
    for (int p = 0; p < npus; p++)
        owner[p] = -1;
    if (all_the_same(&d))
        deal_evenly(&d);
    else
        deal_rounds(&d, (bool *)(memory + all));
    for (int r = 0; r < ranks; r++)
        if (is_first(&d, r))
            sort_out(&d, r);
    fw_free(memory);
    return FURROW_OK;
}
