/* A program that knows nothing of MPI but three calls: the other ranks serve. */
#include <signal.h>

#include "ranks.h"

enum { COUNT = 5000 };

static double in[COUNT], out[COUNT];
static unsigned char outcome[COUNT];
static int set_by_main;

struct constants {
    double factor;
    char text[24];
};

static int begin_worker(int worker, const void *shared, void **state)
{
    static double made;

    (void)worker;
    made = ((const struct constants *)shared)->factor + 1;
    *state = &made;
    return 0;
}

static int use_state(furrow_task *task)
{
    const struct constants *constants = task->shared;

    if (strcmp(constants->text, "by value") != 0)
        return 4;
    *(double *)task->out = *(const double *)task->in * *(double *)task->state;
    return 0;
}

static void arrays_travel(void)
{
    const struct constants constants = { 2, "by value" };
    furrow_job job = { .name = "served", .run = use_state, .count = COUNT, .in = in, .in_size = sizeof *in,
                       .out = out, .out_size = sizeof *out, .shared = &constants, .shared_size = sizeof constants,
                       .outcome = outcome, .worker_begin = begin_worker };
    furrow_report report;
    size_t bad = 0;

    for (size_t i = 0; i < COUNT; i++)
        in[i] = (double)i;
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK); /* names nothing */
    CHECK(strcmp(report.backend, ranks > 1 ? "mpi" : "openmp") == 0 || ranks == 1);
    CHECK(ranks == 1 || report.workers >= 2);
    for (size_t i = 0; i < COUNT; i++)
        bad += out[i] < 3 * in[i] || out[i] > 3 * in[i] || outcome[i] != FURROW_DONE;
    CHECK(bad == 0);
}

static size_t handed, elsewhere;

static int take(const furrow_result *result, void *user)
{
    (void)user;
    handed++;
    elsewhere += result->worker > 0;
    if (result->out_size != result->index % 1000 || (result->out_size > 0 && *(const char *)result->out != 'x'))
        return 1;
    return 0;
}

static int reply(furrow_task *task)
{
    char text[1000];

    memset(text, 'x', sizeof text);
    spend(0.0001);
    return furrow_task_reply(task, text, task->index % 1000);
}

static void replies_come_back(void)
{
    furrow_job job = { .run = reply, .count = 2000, .on_result = take };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK(handed == 2000);
    CHECK(ranks == 1 || elsewhere > 0);
}

static int see_address(furrow_task *task)
{
    return *(const int *)task->shared == 17 ? 0 : 5;
}

static void addresses_stay(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = see_address, .count = 100, .shared = &set_by_main };
    furrow_report report;

    set_by_main = 17;
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK(strcmp(report.backend, "mpi") != 0);
    if (ranks == 1)
        return;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EBACKEND);
    CHECK_SAYS(report.message, "job.shared");
}

/* Rotates by the bits of `shared`: the order shows. */
struct turn {
    unsigned bits;
    char large[200000]; /* not all of it fits a small message */
};

/* What is reduced, and which ranks folded some of it. */
struct mixed {
    uint64_t sum, folders;
};

static uint64_t turned(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static int fold_turns(size_t begin, size_t end, void *acc, const void *shared)
{
    const struct turn *turn = shared;
    struct mixed *mixed = acc;

    if (turn->large[sizeof turn->large - 1] != 'z')
        return 9;
    for (size_t i = begin; i < end; i++)
        mixed->sum = turned(mixed->sum, turn->bits) + furrow_seed(3, i);
    mixed->folders |= (uint64_t)1 << rank;
    spend(0.0002);
    return 0;
}

static void join_turns(void *acc, const void *later, const void *shared)
{
    const struct turn *turn = shared;
    struct mixed *mixed = acc;

    mixed->sum = turned(mixed->sum, turn->bits) ^ ((const struct mixed *)later)->sum;
    mixed->folders |= ((const struct mixed *)later)->folders;
}

static struct mixed reduce_turns(furrow_reduction reduction, const furrow_config *config, bool across)
{
    struct mixed result = { 0x0123456789ABCDEF, 0 };
    furrow_report report;

    reduction.result = &result;
    CHECK_STATUS(furrow_reduce(&reduction, config, &report), FURROW_OK);
    CHECK(ranks == 1 || (strcmp(report.backend, "mpi") == 0) == across);
    return result;
}

/* The identity, `shared` by value and both functions are where the tasks are. */
static void reductions_travel(void)
{
    static struct turn turn = { .bits = 7 };
    furrow_config alone = FURROW_CONFIG_DEFAULT, config = on_mpi(), forked = on_mpi();
    furrow_reduction reduction = { .name = "turns", .count = 20001, .fold = fold_turns, .combine = join_turns,
                                   .size = sizeof(struct mixed), .shared = &turn, .shared_size = sizeof turn, .grain = 20 };
    struct mixed want, got;

    turn.large[sizeof turn.large - 1] = 'z';
    alone.backend = "sequential";
    want = reduce_turns(reduction, &alone, false);
    got = reduce_turns(reduction, NULL, true); /* names nothing */
    CHECK(got.sum == want.sum);
    CHECK(ranks == 1 || got.folders != 1);
    config.jobs = ranks;
    CHECK(reduce_turns(reduction, &config, true).sum == want.sum);
    forked.timeout = 30;
    CHECK(reduce_turns(reduction, &forked, true).sum == want.sum);
    reduction.shared_size = 0; /* an address of rank 0 */
    got = reduce_turns(reduction, NULL, false);
    CHECK(got.sum == want.sum && got.folders == 1);
    if (ranks == 1)
        return;
    reduction.result = &got;
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_EBACKEND);
}

static int fold_to_700(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)acc, (void)shared;
    return begin <= 700 && end > 700 ? 70 : 0;
}

static void reductions_fail(void)
{
    struct mixed result = { 5, 6 };
    furrow_config config = on_mpi();
    furrow_reduction reduction = { .count = 1000, .fold = fold_to_700, .combine = join_turns, .result = &result,
                                   .size = sizeof result, .grain = 1 };
    furrow_report report;

    CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_ETASK);
    CHECK(report.code == 70 && result.sum == 5 && result.folders == 6);
    CHECK_SAYS(report.message, "700");
    reduction.size = 0;
    CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_EINVAL);
    CHECK_SAYS(report.message, "reduction.size");
    reduction.size = SIZE_MAX >> 17; /* of which no thousand fit */
    CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_ENOMEM);
    reductions_travel();
}

static int fail_or_crash(furrow_task *task)
{
    if (task->index == 30)
        raise(SIGKILL);
    return task->index == 60 ? furrow_task_fail(task, 3, "sixty") : 0;
}

static void failures_come_back(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = fail_or_crash, .count = 100, .isolate = true, .outcome = outcome };
    furrow_report report;

    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK(report.crashed == 1 && report.failed == 1 && report.done == 98);
    CHECK(outcome[30] == FURROW_CRASHED && outcome[60] == FURROW_FAILED);
    job.run = NULL;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EINVAL);
    arrays_travel();
}

static void loops_are_local(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = see_address, .count = 4, .shared = &set_by_main, .shared_memory = true };

    config.strict = false;
    config.jobs = 1;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

/* "own": the program calls MPI_Init() itself, and rank 0 MPI_Finalize(). */
int main(int argc, char **argv)
{
    const bool own_mpi = argc > 1 && strcmp(argv[1], "own") == 0;

    if (own_mpi)
        MPI_Init(&argc, &argv);
    begin(&argc, &argv);
    if (rank == 0)
        set_by_main = 1;
    CHECK_STATUS(furrow_mpi_serve(), FURROW_OK);
    if (!CHECK(rank == 0)) /* the others never come here */
        return 1;
    arrays_travel();
    replies_come_back();
    addresses_stay();
    reductions_travel();
    reductions_fail();
    failures_come_back();
    loops_are_local();
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    if (own_mpi)
        MPI_Finalize();
    return wrong > 0;
}
