/* The signal that drains a served program whose job has callbacks: what other
 * ranks run finishes, and is not told to return. */
#include <signal.h>

#include "ranks.h"

static const double here = 0.05, elsewhere = 1; /* seconds of a task */
static bool answered;    /* another rank has sent a result */
static bool drained;
static size_t finished;  /* by other ranks, after that */

static int draw(void *in, void *user)
{
    (void)in, (void)user;
    return FURROW_NEXT_ONE;
}

/* Short on rank 0; elsewhere so long that it runs when rank 0 drains. */
static int watch(furrow_task *task)
{
    const double end = now() + (rank == 0 ? here : elsewhere);

    while (now() < end) {
        if (furrow_task_expired(task))
            return 5;
        spend(0.001);
    }
    return 0;
}

/* Another rank that has answered is in its next task when rank 0's one ends. */
static int take(const furrow_result *result, void *user)
{
    (void)user;
    if (result->worker > 0) {
        answered = true;
        finished += drained && result->outcome == FURROW_DONE;
    } else if (answered && !drained) {
        drained = true;
        CHECK(raise(SIGUSR2) == 0);
    }
    return 0;
}

int main(int argc, char **argv)
{
    furrow_config config = on_mpi();
    furrow_job job = { .name = "drained", .run = watch, .next = draw, .on_result = take };
    furrow_report report;

    setenv("FURROW_STOP_SIGNAL", "USR2", 1);
    begin(&argc, &argv);
    if (!CHECK(ranks > 1))
        return 1;
    CHECK_STATUS(furrow_mpi_serve(), FURROW_OK);
    config.jobs = ranks;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK(report.failed == 0);
    CHECK(finished > 0);
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    return wrong > 0;
}
