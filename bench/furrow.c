/* furrow through its public interface. A task function of furrow_map() is
 * called through the job; the body of furrow_for() is a range and calls each
 * task through a pointer, as the other contestants do. */
#include <furrow/furrow.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "mapped.h"

/* A benchmark of something that failed is worth nothing. */
static void must(furrow_status status)
{
    if (status != FURROW_OK) {
        fprintf(stderr, "furrow: %s: %s\n", furrow_strerror(status), furrow_message());
        exit(1);
    }
}

static furrow_config config_on(const char *backend, int workers)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = backend;
    config.jobs = workers;
    config.strict = true;
    return config;
}

static furrow_config config_for(int workers)
{
    return config_on("openmp", workers);
}

/* -- furrow_map ---------------------------------------------------------- */

static int task_store(furrow_task *task)
{
    *(double *)task->out = (double)task->index;
    return 0;
}

static int task_mark(furrow_task *task)
{
    const struct bench_loop *loop = task->shared;

    bench_spin(loop->turns_all);
    *(double *)task->out = bench_thread_mark();
    return 0;
}

static int task_nap(furrow_task *task)
{
    bench_nap(task->index, task->shared);
    return 0;
}

static int task_bytes(furrow_task *task)
{
    bench_fill(task->index, task->out);
    return 0;
}

static int task_stamp(furrow_task *task)
{
    bench_stamp(task->shared);
    return 0;
}

static int task_naps(furrow_task *task)
{
    bench_tasks[BENCH_NAPS](task->index, task->shared);
    return 0;
}

static const furrow_task_fn tasks[BENCH_KINDS] = {
    [BENCH_EMPTY] = mapped_empty, [BENCH_STORE] = task_store, [BENCH_SPIN] = mapped_spin,
    [BENCH_SPINS] = mapped_spins, [BENCH_MARK] = task_mark,   [BENCH_NAP] = task_nap,
    [BENCH_BYTES] = task_bytes, [BENCH_STAMP] = task_stamp, [BENCH_NAPS] = task_naps,
};

/* Bytes of a task's result. */
static size_t result_of(enum bench_kind kind)
{
    switch (kind) {
    case BENCH_STORE:
    case BENCH_MARK:
        return sizeof(double);
    case BENCH_BYTES:
        return BENCH_RESULT;
    default:
        return 0;
    }
}

static furrow_job job_for(const struct bench_loop *loop)
{
    furrow_job job = { .run = tasks[loop->kind], .count = loop->count, .shared = loop };

    job.out_size = result_of(loop->kind);
    if (job.out_size > 0)
        job.out = loop->out;
    return job;
}

static void run_map(const struct bench_loop *loop, int workers)
{
    const furrow_job job = job_for(loop);
    const furrow_config config = config_for(workers);

    must(furrow_map(&job, &config, NULL));
}

static void run_fork(const struct bench_loop *loop, int workers)
{
    const furrow_job job = job_for(loop);
    const furrow_config config = config_on("fork", workers);

    must(furrow_map(&job, &config, NULL));
}

static int task_stuck(furrow_task *task)
{
    (void)task;
    for (;;)
        (void)pause();
    return 0;
}

static void limited_fork(double limit)
{
    const furrow_job job = { .run = task_stuck, .count = 1 };
    furrow_config config = config_on("fork", 1);

    config.timeout = limit;
    if (furrow_map(&job, &config, NULL) == FURROW_OK) {
        fprintf(stderr, "furrow: a task that never ends was done\n");
        exit(1);
    }
}

static void run_map_cost(const struct bench_loop *loop, int workers)
{
    const furrow_config config = config_for(workers);
    furrow_job job = job_for(loop);

    job.cost = loop->cost;
    must(furrow_map(&job, &config, NULL));
}

/* As many empty tasks as workers, of a job that furrow has not seen before:
 * there is no evidence that its tasks are short. */
static void region_map(int workers)
{
    static char fresh[1 << 22];
    static size_t next;
    const furrow_job job = { .run = mapped_empty,
                             .count = (size_t)workers,
                             .shared = &fresh[next++ % sizeof fresh] };
    const furrow_config config = config_for(workers);

    must(furrow_map(&job, &config, NULL));
}

/* -- furrow_for ---------------------------------------------------------- */

static void each_in_range(size_t begin, size_t end, void *user)
{
    const struct bench_loop *loop = user;
    bench_task *const call = loop->call;

    for (size_t i = begin; i < end; i++)
        call(i, loop);
}

static void run_for(const struct bench_loop *loop, int workers)
{
    const furrow_config config = config_for(workers);

    must(furrow_for(loop->count, each_in_range, (void *)loop, &config));
}

static void fill_range(size_t begin, size_t end, void *user)
{
    bench_range(begin, end, user);
}

static void range_for(size_t count, double *out, int workers)
{
    const furrow_config config = config_for(workers);

    must(furrow_for(count, fill_range, out, &config));
}

/* -- Nested -------------------------------------------------------------- */

struct inner {
    size_t times;
    double *ns; /* out: what they took */
};

static int inner_jobs(furrow_task *task)
{
    const struct inner *inner = task->shared;
    const furrow_job job = { .run = mapped_empty, .count = 2 };
    double start;

    must(furrow_map(&job, NULL, NULL));
    start = bench_now();
    for (size_t k = 0; k < inner->times; k++)
        must(furrow_map(&job, NULL, NULL));
    *inner->ns = bench_now() - start;
    return 0;
}

/* One outer task, which leases all CPUs. */
static double nested_map(size_t times)
{
    double ns = 0;
    const struct inner inner = { times, &ns };
    const furrow_job job = { .run = inner_jobs, .count = 1, .shared = &inner };
    const furrow_config config = config_for(1);

    must(furrow_map(&job, &config, NULL));
    return ns;
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = {
        { .name = "map", .run = run_map, .region = region_map, .nested = nested_map },
        { .name = "for", .run = run_for, .range = range_for },
        { .name = "map,cost", .run = run_map_cost },
        { .name = "fork", .run = run_fork, .limited = limited_fork },
        { .name = "fork,alloc", .run = run_fork, .alloc = furrow_alloc },
    };

    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
