/* The stop signal in a worker (a batch system sends it to every process): its
 * job is drained, and jobs inside its tasks run to their end, also those that a
 * task starts on a thread of its own. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

enum { TASKS = 20, INNER = 50 };

static struct board {
    atomic_uint inner; /* tasks of inner jobs that ran */
} *board;

static int count(furrow_task *task)
{
    (void)task;
    atomic_fetch_add(&board->inner, 1);
    return 0;
}

static void *run_inner(void *unused)
{
    const furrow_job job = { .name = "inner", .run = count, .count = INNER };
    furrow_report report;

    (void)unused;
    CHECK_EQ(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK_EQ(report.done, INNER);
    return NULL;
}

static int stop_and_go_on(furrow_task *task)
{
    pthread_t thread;

    (void)task;
    CHECK_EQ(raise(SIGUSR2), 0);
    (void)run_inner(NULL);
    if (CHECK(pthread_create(&thread, NULL, run_inner, NULL) == 0))
        CHECK_EQ(pthread_join(thread, NULL), 0);
    return 0;
}

int main(void)
{
    const furrow_job job = { .name = "outer", .run = stop_and_go_on, .count = TASKS };
    furrow_config config = fault_config(1);
    furrow_report report;

    board = fault_board(sizeof *board);
    setenv("FURROW_STOP_SIGNAL", "USR2", 1);
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK_EQ(report.done, 1); /* the first task drains the job and ends well */
    CHECK_EQ(report.skipped, TASKS - 1);
    CHECK_EQ(atomic_load(&board->inner), 2 * INNER);
    CHECK_SAYS(report.message, "SIGUSR2");
    return fault_end();
}
