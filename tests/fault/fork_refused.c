/* The system refuses processes: the job runs with those there are and says so;
 * with none it says what to do. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 500, DUMMIES = 12 };

static int put(furrow_task *task)
{
    *(size_t *)task->out = task->index;
    return 0;
}

/* A user of its own, so that nobody else's processes count. */
static bool become_somebody(void)
{
    const uid_t uid = 1500000000u + (uid_t)getpid();

    return setgid(uid) == 0 && setuid(uid) == 0;
}

/* Processes that count against the limit and do nothing. */
static void make_dummies(pid_t dummy[DUMMIES])
{
    for (int i = 0; i < DUMMIES; i++)
        if ((dummy[i] = fork()) == 0)
            for (;;)
                (void)pause();
}

static void end_dummies(const pid_t dummy[DUMMIES])
{
    for (int i = 0; i < DUMMIES; i++) {
        (void)kill(dummy[i], SIGKILL);
        (void)fault_reap(dummy[i]);
    }
}

/* A job where `room` more threads and processes may be made; returns its
 * status. One is the thread that forks, one the nursery. */
static furrow_status run(rlim_t room, furrow_report *report)
{
    const furrow_config config = fault_config(4);
    static size_t out[TASKS];
    const furrow_job job = { .run = put, .count = TASKS, .out = out, .out_size = sizeof out[0] };
    const struct rlimit limit = { 1 + DUMMIES + room, 1 + DUMMIES + room };
    furrow_status status;

    memset(out, 0xFF, sizeof out);
    CHECK_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
    status = furrow_map(&job, &config, report);
    for (size_t i = 0; i < TASKS && status == FURROW_OK; i++)
        CHECK_EQ(out[i], i);
    return status;
}

/* Child: the lowest limit last, since it can't be raised again. */
static void try_all(void)
{
    furrow_report report;
    pid_t dummy[DUMMIES];

    CHECK(become_somebody());
    make_dummies(dummy);

    fault_case("room for all");
    CHECK_EQ(run(6, &report), FURROW_OK);
    CHECK(strstr(report.reason, "only") == NULL);

    fault_case("room for two of four workers");
    CHECK_EQ(run(4, &report), FURROW_OK);
    CHECK_SAYS(report.reason, "only 2 of 4 workers");
    CHECK_SAYS(report.reason, "ulimit -u");

    fault_case("room for no worker");
    CHECK_EQ(run(2, &report), FURROW_ESYS);
    CHECK_SAYS(report.message, "ulimit -u");
    CHECK_EQ(report.skipped, TASKS);

    fault_case("room for no nursery");
    CHECK_EQ(run(1, &report), FURROW_ESYS);
    CHECK_SAYS(report.message, "ulimit -u");

    fault_case("room for no thread");
    CHECK_EQ(run(0, &report), FURROW_ESYS);
    CHECK_SAYS(report.message, "ulimit -u");
    end_dummies(dummy);

    fault_case("room again");
    CHECK_EQ(run(0, &report), FURROW_OK); /* the dummies' */
}

/* A limit so low that no worker is to be had at all: the plan says so. */
static void try_capacity(void)
{
    const furrow_config config = fault_config(2);
    const struct rlimit limit = { 2, 2 };
    furrow_report report;

    fault_case("a limit of two processes");
    CHECK(become_somebody());
    CHECK_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
    CHECK_EQ(furrow_plan(NULL, &config, &report), FURROW_EBACKEND);
    CHECK_SAYS(report.message, "ulimit -u");
}

static void apart(void (*try)(void))
{
    pid_t pid = fork();

    if (pid == 0) {
        try();
        exit(fault_end());
    }
    CHECK_EQ(fault_reap(pid), 0);
}

int main(void)
{
    if (getuid() != 0)
        fault_skip("only root can become a user without other processes");
    apart(try_all);
    apart(try_capacity);
    return fault_end();
}
