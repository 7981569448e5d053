/* The program forks while jobs run: the child has none of them. It may have all
 * CPUs for jobs of its own, and what it cancels is its own. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

enum { CPUS = 8 };

static struct board {
    atomic_uint started, released;
} *board;

static int wait_for_release(furrow_task *task)
{
    atomic_fetch_add(&board->started, 1);
    CHECK(fault_await(&board->released, 1));
    return task->cpus != 1; /* a worker on each of the CPUs */
}

/* A job that holds all CPUs until it is released. */
static void *run_job(void *backend)
{
    const furrow_job job = { .run = wait_for_release, .count = CPUS };
    furrow_config config = fault_config(CPUS);
    furrow_report report;

    config.backend = backend;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, CPUS);
    return NULL;
}

static int succeed(furrow_task *task)
{
    (void)task;
    return 0;
}

static void check_child(void)
{
    const furrow_job job = { .run = succeed, .count = 100 };
    const furrow_config config = fault_config(-1);
    furrow_report report;

    CHECK_EQ(furrow_plan(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, CPUS);
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, CPUS);
    CHECK_EQ(report.done, 100);
    furrow_cancel();
}

static void fork_beside(const char *backend)
{
    pthread_t thread;
    furrow_report report;
    pid_t child;

    fault_case("a job on %s runs", backend);
    memset(board, 0, sizeof *board);
    if (!CHECK(pthread_create(&thread, NULL, run_job, (void *)backend) == 0))
        return;
    CHECK(fault_await(&board->started, 1));
    CHECK_EQ(furrow_plan(NULL, NULL, &report), FURROW_OK);
    CHECK_EQ(report.workers, 1); /* the job has the others, too */
    child = fork();
    if (child == 0) {
        check_child();
        _exit(0);
    }
    CHECK_EQ(fault_reap(child), 0);
    atomic_store(&board->released, 1);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(furrow_plan(NULL, NULL, &report), FURROW_OK);
    CHECK_EQ(report.workers, CPUS);
}

int main(void)
{
    board = fault_board(sizeof *board);
    setenv("HWLOC_SYNTHETIC", "pack:1 core:8 pu:1", 1);
    fork_beside("openmp");
    fork_beside("fork");
    return fault_end();
}
