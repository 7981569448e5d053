/* However the program ends, nothing of a job stays: no process, also none that a
 * task started, and no file. And a nursery that is killed is replaced. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

enum { WORKERS = 3, TASKS = 300 };

struct board {
    atomic_uint worker[WORKERS]; /* pid + 0 */
    atomic_uint child[WORKERS];
    atomic_uint nursery;
    atomic_uint waiting; /* tasks that wait */
    atomic_uint released;
    atomic_uint status; /* of the job, + 1 */
    atomic_uint done;
    atomic_uint ran[TASKS];
};
static struct board *board;

static void clear(void)
{
    memset(board, 0, sizeof *board);
}

static void wait_for_ever(void)
{
    for (;;)
        (void)pause();
}

/* -- The program is killed ----------------------------------------------------- */

static int start_child_and_wait(furrow_task *task)
{
    const pid_t pid = fork();

    if (pid == 0)
        wait_for_ever();
    atomic_store(&board->child[task->index], (unsigned)pid);
    atomic_store(&board->worker[task->index], (unsigned)getpid());
    atomic_store(&board->nursery, (unsigned)getppid());
    atomic_fetch_add(&board->waiting, 1);
    wait_for_ever();
    return 0;
}

/* This process adopts what a killed program leaves, and reaps it. */
static void gone(const atomic_uint *pid)
{
    CHECK(fault_await_gone((pid_t)atomic_load(pid)));
    (void)waitpid((pid_t)atomic_load(pid), NULL, WNOHANG);
    CHECK(fault_unregistered((pid_t)atomic_load(pid)));
}

static void all_gone(void)
{
    gone(&board->nursery);
    for (int w = 0; w < WORKERS; w++) {
        gone(&board->worker[w]);
        gone(&board->child[w]);
    }
}

static void program_is_killed(int number)
{
    const furrow_config config = fault_config(WORKERS);
    const furrow_job job = { .run = start_child_and_wait, .count = WORKERS };
    pid_t program;
    int status = 0;

    fault_case("the program ends by signal %d", number);
    clear();
    program = fork();
    if (program == 0) {
        (void)furrow_map(&job, &config, NULL);
        _exit(1);
    }
    CHECK(fault_await(&board->waiting, WORKERS));
    CHECK_EQ(kill(program, number), 0);
    CHECK_EQ(waitpid(program, &status, 0), program);
    CHECK(WIFSIGNALED(status));
    all_gone();
    CHECK(fault_unregistered(program));
}

/* -- SIGINT at the terminal ------------------------------------------------------ */

static void cancel(int number)
{
    (void)number;
    furrow_cancel();
}

static int wait_until_released(furrow_task *task)
{
    (void)task;
    atomic_fetch_add(&board->waiting, 1);
    CHECK(fault_await(&board->released, 1));
    return 0;
}

/* A terminal sends it to the group in the foreground: the program's. */
static void interrupted(bool twice)
{
    const furrow_config config = fault_config(WORKERS);
    const furrow_job job = { .run = twice ? start_child_and_wait : wait_until_released,
                             .count = twice ? WORKERS : 1000 };
    furrow_report report;
    pid_t program;
    int status = 0;

    fault_case("SIGINT %s", twice ? "twice" : "once");
    clear();
    program = fork();
    if (program == 0) {
        (void)setpgid(0, 0);
        (void)signal(SIGINT, cancel);
        atomic_store(&board->status, 1 + (unsigned)furrow_map(&job, &config, &report));
        atomic_store(&board->done, (unsigned)report.done);
        exit(report.crashed > 0);
    }
    CHECK(fault_await(&board->waiting, WORKERS));
    CHECK_EQ(kill(-program, SIGINT), 0);
    if (twice)
        do
            CHECK_EQ(kill(-program, SIGINT), 0);
        while (waitpid(program, &status, WNOHANG) == 0 && usleep(1000) == 0);
    atomic_store(&board->released, 1);
    if (!twice)
        CHECK_EQ(waitpid(program, &status, 0), program);
    CHECK_EQ(status, 0);
    CHECK_EQ(atomic_load(&board->status), 1 + FURROW_ECANCELLED);
    CHECK_EQ(atomic_load(&board->done), twice ? 0 : atomic_load(&board->waiting));
    if (twice)
        all_gone();
}

/* -- The nursery is killed --------------------------------------------------------- */

static int kill_nursery(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index == 100 && task->attempt == 0) {
        atomic_store(&board->nursery, (unsigned)getppid());
        (void)kill(getppid(), SIGKILL);
        wait_for_ever();
    }
    *(size_t *)task->out = task->index;
    return 0;
}

static void nursery_is_killed(int retries)
{
    furrow_config config = fault_config(WORKERS);
    unsigned char outcome[TASKS];
    size_t out[TASKS];
    const furrow_job job = { .run = kill_nursery,
                             .count = TASKS,
                             .outcome = outcome,
                             .out = out,
                             .out_size = sizeof out[0] };
    furrow_report report;

    fault_case("the nursery is killed, %d retries", retries);
    clear();
    config.retries = retries;
    CHECK_EQ(furrow_map(&job, &config, &report), retries > 0 ? FURROW_OK : FURROW_EWORKER);
    for (size_t i = 0; i < TASKS; i++) {
        CHECK(outcome[i] == FURROW_DONE || (retries == 0 && outcome[i] == FURROW_CRASHED));
        CHECK(outcome[i] != FURROW_DONE || out[i] == i);
        CHECK(retries > 0 || atomic_load(&board->ran[i]) == 1);
    }
    CHECK(report.crashed <= WORKERS);
    gone(&board->nursery);
}

int main(void)
{
    struct census before, after;

    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    board = fault_board(sizeof *board);
    nursery_is_killed(0);
    before = fault_census();
    nursery_is_killed(2);
    program_is_killed(SIGKILL);
    program_is_killed(SIGTERM);
    interrupted(false);
    interrupted(true);
    after = fault_census();
    fault_case("afterwards");
    fault_same(&before, &after, 2);
    return fault_end();
}
