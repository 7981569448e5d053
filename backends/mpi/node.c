#include "node.h"

#include <string.h>

#include "agree.h"
#include "given.h"
#include "world.h"

/* Jobs that need no more use memory that stays between jobs: making it anew
 * costs more than a small job. There are two, in turn: when the leader fills one,
 * a rank may still be in the job before, whose stop it may write (furrow_cancel(),
 * after all tasks have ended), but not in the one before that: its own part in
 * the job between, which the leader has seen, came after. */
enum { KEPT = 1 << 20 };

/* What the leader tells the node. */
struct place {
    struct fw_window_address at;
    int32_t turn; /* of the kept ones; -1: the job's own */
};

/* Bytes of outputs on their way to rank 0's array: above, the stage is emptied
 * while the job runs. */
static const uint64_t stage_most = (uint64_t)24 << 20;

/* Where the parts are; offsets are the same in all ranks of the node. */
struct parts {
    struct fw_common *common;
    struct fw_ranges *ranges;
    size_t *dear, *dear_sorted;
    unsigned char *outcome;
    char *in, *shared, *out;
    size_t bytes;
    bool fits; /* into the address space */
};

/* A line for each worker, and one that is fed where tasks come from elsewhere. */
static int lines(const struct fw_job *job)
{
    return job->deal.node_workers + (fw_world.nodes > 1);
}

static struct parts carve(const struct fw_job *job, char *base)
{
    const struct fw_card *card = &job->card;
    struct fw_carver c = { base, 0, false };
    struct parts p;
    const bool streamed = fw_job_streams(job);
    const bool copies = fw_world.node_size > 1 || fw_world.rank > 0; /* rank 0 has its own */
    const size_t count = streamed ? 0 : (size_t)card->count;
    const bool results = (card->flags & (FW_CARD_OUT | FW_CARD_OUTCOME)) != 0 || fw_job_forks(job);

    p.common = fw_carve(&c, 1, sizeof *p.common, FW_CACHE_LINE);
    p.ranges = fw_carve(&c, 1, fw_ranges_bytes(lines(job)), FW_CACHE_LINE);
    p.dear = fw_carve(&c, (size_t)card->ndear, sizeof *p.dear, FW_CACHE_LINE);
    p.dear_sorted = fw_carve(&c, (size_t)card->ndear, sizeof *p.dear_sorted, FW_CACHE_LINE);
    p.outcome = fw_carve(&c, results ? count : 0, 1, FW_CACHE_LINE);
    p.in = fw_carve(&c, (card->flags & FW_CARD_IN) != 0 && copies ? count : 0, (size_t)card->in_size, FW_CACHE_LINE);
    p.shared = fw_carve(&c, copies ? (size_t)card->shared_size : 0, 1, FW_CACHE_LINE);
    p.out = fw_carve(&c, (card->flags & FW_CARD_OUT) != 0 ? count : 0, (size_t)card->out_size, 4096);
    p.bytes = c.used;
    p.fits = !c.overflow;
    return p;
}

/* -- The leader --------------------------------------------------------- */

static struct fw_window *window_of(struct fw_job *job, int turn)
{
    return turn < 0 ? &job->window : &fw_world.kept[turn];
}

static bool make(struct fw_job *job, size_t bytes, int *turn)
{
    *turn = -1;
    if (bytes > KEPT)
        return fw_window_make(&job->window, bytes);
    *turn = fw_world.turn = 1 - fw_world.turn;
    return fw_world.kept[*turn].base != NULL || fw_window_make(&fw_world.kept[*turn], KEPT);
}

/* The leader's memory, new or used before, for this job. */
static void fill(const struct fw_job *job, const struct parts *p)
{
    const struct fw_card *card = &job->card;
    const furrow_job *own = &job->request->job;

    memset(p->common, 0, sizeof *p->common);
    fw_ranges_init(p->ranges, (size_t)card->count, lines(job));
    atomic_store(&p->common->more, fw_world.nodes > 1);
    if (fw_world.nodes > 1) {
        fw_ranges_drain(p->ranges);
    } else if (card->ndear > 0 && !fw_job_streams(job)) {
        (void)fw_dear_find(own, card->workers, p->dear, p->dear_sorted);
        fw_ranges_front_fill(p->ranges, (uint32_t)card->ndear);
    }
    if (p->outcome != NULL && job->window.base == NULL)
        memset(p->outcome, FURROW_PENDING, (size_t)card->count);
    if (fw_world.rank > 0) /* in and shared come from rank 0 */
        return;
    if (p->in != NULL)
        memcpy(p->in, own->in, (size_t)card->count * (size_t)card->in_size);
    if (p->shared != NULL)
        fw_given_copy(job->request, p->shared);
}

static furrow_status lead(struct fw_job *job, struct place *place)
{
    struct parts p = carve(job, NULL);
    int turn;

    memset(place, 0, sizeof *place);
    if (!p.fits || !make(job, p.bytes, &turn))
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for %llu tasks that the ranks of a node share; run fewer tasks at a "
                       "time, or give the program more memory", (unsigned long long)job->card.count);
    p = carve(job, window_of(job, turn)->base);
    fill(job, &p);
    place->at = fw_window_address(window_of(job, turn));
    place->turn = turn;
    return FURROW_OK;
}

/* -- The others --------------------------------------------------------- */

static furrow_status join(struct fw_job *job, const struct place *place)
{
    struct fw_window *window;

    if (!place->at.there)
        return fw_fail(FURROW_ENOMEM, "mpi: the first rank of this node has no memory to share");
    window = window_of(job, place->turn);
    if (window->base != NULL || fw_window_open(window, &place->at))
        return FURROW_OK;
    return fw_fail(FURROW_ENOMEM, "mpi: the memory that the ranks of this node share cannot be mapped (%llu bytes)",
                   (unsigned long long)place->at.size);
}

/* -- Both --------------------------------------------------------------- */

furrow_status fw_node_open(struct fw_job *job)
{
    struct place place;
    furrow_status status = fw_world_leads() ? lead(job, &place) : FURROW_OK, sent;
    struct parts p;

    sent = fw_agree_node_bytes(&place, sizeof place);
    if (status == FURROW_OK)
        status = sent;
    if (status == FURROW_OK && !fw_world_leads())
        status = join(job, &place);
    if (status != FURROW_OK)
        return status;
    p = carve(job, window_of(job, place.turn)->base);
    job->outcome = p.outcome;
    job->in = p.in;
    job->shared = p.shared;
    if (fw_job_streams(job)) { /* the rest is each rank's own */
        job->share.forks = fw_job_forks(job);
        return FURROW_OK;
    }
    job->share = (struct fw_share){ .common = p.common,
                                    .ranges = p.ranges,
                                    .outcome = p.outcome,
                                    .out = p.out,
                                    .ndear = fw_world.nodes > 1 ? 0 : (size_t)job->card.ndear,
                                    .dear = p.dear,
                                    .dear_sorted = p.dear_sorted,
                                    .stage_most = stage_most };
    job->share.forks = fw_job_forks(job);
    return FURROW_OK;
}

furrow_status fw_node_deal_again(struct fw_job *job)
{
    char ready = 1;

    if (fw_world_leads()) {
        fw_ranges_init(job->share.ranges, (size_t)job->card.count, lines(job));
        if (fw_world.nodes > 1)
            fw_ranges_drain(job->share.ranges);
        atomic_store(&job->share.common->more, fw_world.nodes > 1);
    }
    if (job->work != NULL)
        fw_work_begin_again(job->work);
    return fw_agree_node_bytes(&ready, sizeof ready);
}

furrow_status fw_node_spread(const struct fw_job *job)
{
    struct fw_given part[FW_GIVEN_MOST];
    const int n = fw_given_list(job->request, part);
    furrow_status status = FURROW_OK;
    char there = 1;

    if (n == 0 || fw_world.nodes == 1)
        return FURROW_OK;
    for (int i = 0; i < n && fw_world_leads() && status == FURROW_OK; i++)
        status = fw_agree_leaders_bytes(fw_world.rank == 0 ? (void *)part[i].at : job->shared + part[i].offset,
                                        part[i].size);
    return status == FURROW_OK ? fw_agree_node_bytes(&there, sizeof there) : status;
}

void fw_node_close(struct fw_job *job)
{
    fw_window_close(&job->window);
}
