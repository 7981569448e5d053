/* A task that eats more memory than its control group has: the kernel kills its
 * worker, the outcome says so, and the rest of the job goes on. Needs to make a
 * group with a limit (version 1 or 2): skipped where that is refused. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 40, LIMIT = 96 << 20, WANTS = 400 << 20 };

/* -- The group ---------------------------------------------------------------- */

/* What differs between versions. */
static const struct version {
    const char *mount, *limit, *swap, *controllers;
} versions[] = {
    { "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", NULL },
    { "/sys/fs/cgroup", "memory.max", "memory.swap.max", "cgroup.subtree_control" },
};

static char group[200], why[500];

static bool put(const char *folder, const char *name, const char *text)
{
    char path[300];
    const size_t length = strlen(text);
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    n = fd >= 0 ? write(fd, text, length) : -1;
    if (n != (ssize_t)length)
        (void)snprintf(why, sizeof why, "%s can't be written (%s)", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return n == (ssize_t)length;
}

static bool make_group(const struct version *version)
{
    char limit[32];

    if (version->controllers != NULL)
        (void)put(version->mount, version->controllers, "+memory");
    (void)snprintf(group, sizeof group, "%s/furrow-oom-%ld", version->mount, (long)getpid());
    if (mkdir(group, 0755) != 0) {
        (void)snprintf(why, sizeof why, "%s can't be made (%s)", group, strerror(errno));
        return false;
    }
    (void)snprintf(limit, sizeof limit, "%d", LIMIT);
    if (put(group, version->limit, limit)) {
        /* Where there is swap it shall not help. Version 1 counts memory in it. */
        (void)put(group, version->swap, version->controllers != NULL ? "0" : limit);
        return true;
    }
    (void)rmdir(group);
    return false;
}

/* -- The job -------------------------------------------------------------------- */

struct board {
    atomic_uint ran[TASKS];
    atomic_uint begins, idle; /* idle: pid of a worker that has run its task */
    atomic_uint outlived;     /* who ate the rest still runs, and the idle one does not */
};
static struct board *board;
static size_t hungry;  /* the task that eats, */
static unsigned meals; /* in so many of its tries */

static void swallow(size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (size_t i = 0; p != MAP_FAILED && i < size; i += 4096)
        ((volatile char *)p)[i] = 1;
}

static int eat(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index == hungry && task->attempt < meals)
        swallow(WANTS);
    *(size_t *)task->out = task->index + 5;
    return 0;
}

static int take(const furrow_result *result, void *user)
{
    unsigned *said = user;

    if (result->outcome == FURROW_CRASHED)
        *said += strstr(result->message, "out of memory") != NULL;
    return 0;
}

static furrow_status run(size_t batch, int retries, unsigned *said, unsigned char *outcome,
                         size_t *out, furrow_report *report)
{
    furrow_config config = fault_config(2);
    const furrow_job job = { .run = eat,
                             .count = TASKS,
                             .out = out,
                             .out_size = sizeof *out,
                             .outcome = outcome,
                             .on_result = said != NULL ? take : NULL,
                             .user = said };

    memset(board, 0, sizeof *board);
    config.batch = batch;
    config.retries = retries;
    return furrow_map(&job, &config, report);
}

static void check_rest(const unsigned char *outcome, const size_t *out)
{
    for (size_t i = 0; i < TASKS; i++) {
        if (i == hungry)
            continue;
        CHECK_EQ(outcome[i], FURROW_DONE);
        CHECK_EQ(out[i], i + 5);
        CHECK_EQ(atomic_load(&board->ran[i]), 1);
    }
}

static void is_killed(size_t task, size_t batch, bool handed)
{
    unsigned char outcome[TASKS];
    size_t out[TASKS];
    unsigned said = 0;
    furrow_report report;

    fault_case("out of memory in task %zu%s", task, handed ? ", with results" : "");
    hungry = task;
    meals = 100;
    CHECK_EQ(run(batch, 0, handed ? &said : NULL, outcome, out, &report), FURROW_EWORKER);
    check_rest(outcome, out);
    CHECK_EQ(outcome[hungry], FURROW_CRASHED);
    CHECK_EQ(atomic_load(&board->ran[hungry]), 1);
    CHECK_EQ(report.failure[0].index, hungry);
    CHECK_EQ(report.failure[0].code, SIGKILL);
    CHECK_SAYS(report.failure[0].message, "out of memory");
    CHECK_SAYS(report.message, "out of memory");
    CHECK_EQ(said, handed);
}

static void is_tried_again(void)
{
    unsigned char outcome[TASKS];
    size_t out[TASKS];
    furrow_report report;

    fault_case("out of memory at the first try");
    meals = 1;
    CHECK_EQ(run(0, 1, NULL, outcome, out, &report), FURROW_OK);
    check_rest(outcome, out);
    CHECK_EQ(out[hungry], hungry + 5);
    CHECK_EQ(report.retried, 1);
}

/* A kill that is nobody's shortage is not called one. */
static int kill_self(furrow_task *task)
{
    if (task->index == hungry)
        (void)kill(getpid(), SIGKILL);
    return 0;
}

static void is_no_shortage(void)
{
    furrow_config config = fault_config(2);
    const furrow_job job = { .run = kill_self, .count = TASKS };
    furrow_report report;

    fault_case("SIGKILL after others were out of memory");
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK(strstr(report.failure[0].message, "out of memory") == NULL);
}

/* -- Between tasks ------------------------------------------------------------- */

static int eat_at_begin(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    if (atomic_fetch_add(&board->begins, 1) < meals)
        swallow(WANTS);
    return 0;
}

static furrow_status run_begin(unsigned deaths, furrow_report *report)
{
    furrow_config config = fault_config(1);
    static size_t out[TASKS];
    const furrow_job job = {
        .run = eat, .count = TASKS, .out = out, .out_size = sizeof *out, .worker_begin = eat_at_begin
    };

    memset(board, 0, sizeof *board);
    hungry = TASKS;
    meals = deaths;
    return furrow_map(&job, &config, report);
}

static void is_killed_in_begin(void)
{
    furrow_report report;

    fault_case("out of memory twice in worker_begin");
    CHECK_EQ(run_begin(2, &report), FURROW_OK);
    CHECK_EQ(report.done, TASKS);
    for (size_t i = 0; i < TASKS; i++)
        CHECK_EQ(atomic_load(&board->ran[i]), 1);

    fault_case("out of memory in every worker_begin");
    CHECK_EQ(run_begin(1000, &report), FURROW_EWORKER);
    CHECK_EQ(report.skipped, TASKS);
    CHECK_EQ(atomic_load(&board->begins), 3);
    CHECK_SAYS(report.message, "worker_begin");
}

/* The kernel takes the process that has most: the one that rests. */
static int rest_or_eat(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index == 0) {
        swallow((size_t)LIMIT / 8 * 5);
        (void)fault_await(&board->ran[1], 1); /* by the other worker */
        atomic_store(&board->idle, (unsigned)getpid());
        return 0;
    }
    if (fault_await(&board->idle, 1)) {
        const pid_t idle = (pid_t)atomic_load(&board->idle);

        for (int asleep = 0; asleep < 20 && kill(idle, 0) == 0;) {
            (void)usleep(1000);
            asleep = fault_state(idle) == 'S' ? asleep + 1 : 0;
        }
        swallow((size_t)LIMIT / 2);
        atomic_store(&board->outlived, fault_await_gone(idle));
    }
    return 0;
}

static int take_any(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

static void is_killed_idle(void)
{
    furrow_config config = fault_config(2);
    unsigned char outcome[2];
    const furrow_job job = { .run = rest_or_eat, .count = 2, .outcome = outcome, .on_result = take_any };
    furrow_report report;

    fault_case("out of memory beside an idle worker");
    memset(board, 0, sizeof *board);
    config.batch = 1;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 2);
    CHECK_EQ(atomic_load(&board->ran[0]), 1);
    CHECK_EQ(atomic_load(&board->ran[1]), 1);
    CHECK_EQ(atomic_load(&board->outlived), 1);
}

/* The program of the group: its control group is asked for once in its life. */
static int in_group(void)
{
    char self[32];

    (void)snprintf(self, sizeof self, "%ld", (long)getpid());
    if (!put(group, "cgroup.procs", self))
        return 77;
    is_killed(0, 0, false);
    is_killed(TASKS - 1, 0, false);
    is_killed(7, 15, false);
    is_killed(17, 0, true);
    is_tried_again();
    is_no_shortage();
    is_killed_in_begin();
    is_killed_idle();
    return fault_end();
}

int main(void)
{
    bool made = false;
    int status;
    pid_t pid;

    if (FAULT_SANITIZED)
        fault_skip("a sanitizer needs more memory than the group has");
    board = fault_board(sizeof *board);
    for (size_t v = 0; v < sizeof versions / sizeof versions[0] && !made; v++)
        made = make_group(&versions[v]);
    if (!made)
        fault_skip(why);
    pid = fork();
    if (pid == 0)
        _exit(in_group());
    status = pid > 0 ? fault_reap(pid) : -1;
    for (int tries = 0; rmdir(group) != 0 && errno == EBUSY && tries < 1000; tries++)
        (void)usleep(1000);
    CHECK(access(group, F_OK) != 0);
    if (CHECK(WIFEXITED(status)) && WEXITSTATUS(status) == 77)
        fault_skip("this process may not enter a group that it made");
    CHECK_EQ(WEXITSTATUS(status), 0);
    return fault_end();
}
