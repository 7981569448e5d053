/* faults kill | faults long: what happens to the job when a rank or its host goes
 * away. `kill`: the last rank kills itself in a task. `long`: tasks of 10 ms for
 * some seconds; prints "running" when the first results are there. */
#include <signal.h>

#include "ranks.h"

static int end_rank(furrow_task *task)
{
    spend(0.01);
    if (rank == ranks - 1 && task->index > 0)
        raise(SIGKILL);
    return 0;
}

static int work(furrow_task *task)
{
    spend(0.01);
    *(size_t *)task->out = task->index;
    return 0;
}

static int tell_first(const furrow_result *result, void *user)
{
    (void)user;
    if (result->index == 50) {
        printf("running\n");
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const bool kills = argc > 1 && strcmp(argv[1], "kill") == 0;
    static size_t out[2000];
    furrow_config config = on_mpi();
    furrow_job job = { .name = "fault", .run = kills ? end_rank : work, .count = 2000 };
    furrow_report report;
    size_t bad = 0;

    begin(&argc, &argv);
    if (!kills) {
        job.out = out;
        job.out_size = sizeof *out;
        job.on_result = tell_first;
    }
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    for (size_t i = 0; i < 2000 && rank == 0 && !kills; i++)
        bad += out[i] != i;
    CHECK(bad == 0);
    return end();
}
