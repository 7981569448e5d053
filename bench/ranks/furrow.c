/* furrow on the backend mpi: collective, a scheme as those written by hand, and
 * served, where rank 0 alone runs the measuring program. */
#include <furrow/mpi.h>

#include <stdio.h>

#include "follow.h"
#include "mapped.h"
#include "served.h"

static void must(furrow_status status)
{
    if (status != FURROW_OK)
        ranks_fail(furrow_message());
}

static furrow_config config_for_ranks(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = "mpi";
    config.strict = true;
    return config;
}

/* -- Collective: each rank has the loop already ---------------------------- */

static int task_naps(furrow_task *task)
{
    follow_nap(task->index, task->shared);
    return 0;
}

static const furrow_task_fn collective[BENCH_KINDS] = {
    [BENCH_EMPTY] = mapped_empty,
    [BENCH_SPIN] = mapped_spin,
    [BENCH_SPINS] = mapped_spins,
    [BENCH_NAPS] = task_naps,
};

static size_t run_collective(const struct bench_loop *loop)
{
    const furrow_config config = config_for_ranks();
    const furrow_job job = { .run = collective[loop->kind], .count = loop->count, .shared = loop };
    furrow_report report;

    must(furrow_map(&job, &config, &report));
    return report.done;
}

static void begin_collective(void)
{
    must(furrow_mpi_use(MPI_COMM_WORLD));
}

static void end_collective(void)
{
    must(furrow_mpi_finalize());
}

const struct scheme ranks_furrow = {
    .name = "furrow", .begin = begin_collective, .end = end_collective, .run = run_collective
};

/* -- Served: lengths travel as inputs --------------------------------------- */

static int served_spin(furrow_task *task)
{
    bench_spin(*(const uint32_t *)task->shared);
    return 0;
}

static int served_spins(furrow_task *task)
{
    bench_spin(*(const uint32_t *)task->in);
    return 0;
}

static int served_naps(furrow_task *task)
{
    const struct bench_loop one = { .count = 1, .turns = task->in };

    follow_nap(0, &one);
    return 0;
}

static const furrow_task_fn served[BENCH_KINDS] = {
    [BENCH_EMPTY] = mapped_empty,
    [BENCH_SPIN] = served_spin,
    [BENCH_SPINS] = served_spins,
    [BENCH_NAPS] = served_naps,
};

void served_run(const struct bench_loop *loop, int workers)
{
    const furrow_config config = config_for_ranks();
    const uint32_t turns = loop->turns_all;
    furrow_job job = { .run = served[loop->kind], .count = loop->count };

    (void)workers;
    if (loop->kind == BENCH_SPIN) {
        job.shared = &turns;
        job.shared_size = sizeof turns;
    }
    if (loop->turns != NULL) {
        job.in = loop->turns;
        job.in_size = sizeof *loop->turns;
    }
    must(furrow_map(&job, &config, NULL));
}

void served_begin(int *argc, char ***argv)
{
    must(furrow_mpi_init(argc, argv));
}

void served_serve(void)
{
    must(furrow_mpi_serve());
}

void served_end(void)
{
    must(furrow_mpi_finalize());
}
