/* Each kind of death, in each place: no finished result is lost, no task runs
 * twice without a retry, the report names the task and how its worker ended. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 60, WORKERS = 2 };

/* -- Kinds ----------------------------------------------------------------- */

static void by_signal(void)
{
    (void)raise(SIGTERM);
}

static void by_segv(void)
{
    volatile int *nowhere = NULL;

    *nowhere = 1;
}

static void by_abort(void)
{
    abort();
}

static void by_exit_0(void)
{
    exit(0);
}

static void by_exit_7(void)
{
    exit(7);
}

static void by_fast_exit(void)
{
    _exit(3);
}

static void by_kill(void)
{
    (void)kill(getpid(), SIGKILL);
}

/* From outside: a process of its own does it. */
static void by_another(void)
{
    const pid_t self = getpid();

    if (fork() == 0) {
        (void)kill(self, SIGKILL);
        _exit(0);
    }
    for (;;)
        (void)pause();
}

static int descend(int n)
{
    volatile char page[4096];

    memset((void *)page, n, sizeof page);
    return n > 0 ? descend(n + 1) + page[n % 4096] : 0;
}

static void by_stack(void)
{
    (void)descend(1);
}

/* What a program makes of memory it does not get. */
static void by_memory(void)
{
    struct rlimit limit = { (rlim_t)1 << 20, (rlim_t)1 << 20 };
    char *p;

    (void)setrlimit(RLIMIT_AS, &limit);
    p = malloc((size_t)64 << 20);
    if (p == NULL)
        abort();
    p[0] = 1;
    _exit(p[0]);
}

static void by_exec(void)
{
    (void)execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
}

static const struct kind {
    const char *name;
    void (*die)(void);
    int code;
    bool plain; /* not where a sanitizer has its own way to end */
} kinds[] = {
    { "a signal", by_signal, SIGTERM, false },
    { "segmentation fault", by_segv, SIGSEGV, true },
    { "abort()", by_abort, SIGABRT, true },
    { "exit(0)", by_exit_0, 0, false },
    { "exit(7)", by_exit_7, -7, false },
    { "_exit(3)", by_fast_exit, -3, false },
    { "SIGKILL", by_kill, SIGKILL, false },
    { "SIGKILL by another process", by_another, SIGKILL, false },
    { "stack overflow", by_stack, SIGSEGV, true },
    { "no memory", by_memory, SIGABRT, true },
    { "exec", by_exec, -5, false },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* -- Places ---------------------------------------------------------------- */

struct board {
    atomic_uint ran[TASKS]; /* times each task function was entered */
    atomic_uint idle;       /* pid of a worker that has run its task, + 1 */
    atomic_uint begins, killed;
};
static struct board *board;
static const struct kind *kind;
static size_t victim;  /* task whose worker dies; TASKS: none */
static unsigned tries; /* of the victim that end so */

static int work_or_die(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index == victim && task->attempt < tries)
        kind->die();
    *(size_t *)task->out = task->index * 3 + 1;
    return 0;
}

static furrow_status run(size_t batch, int retries, unsigned char *outcome, size_t *out,
                         furrow_report *report)
{
    furrow_config config = fault_config(WORKERS);
    const furrow_job job = {
        .run = work_or_die, .count = TASKS, .out = out, .out_size = sizeof *out, .outcome = outcome
    };

    memset(board, 0, sizeof *board);
    memset(out, 0xFF, TASKS * sizeof *out);
    config.batch = batch;
    config.retries = retries;
    return furrow_map(&job, &config, report);
}

/* All but the victim are DONE, right, and ran once. */
static void check_others(const unsigned char *outcome, const size_t *out)
{
    for (size_t i = 0; i < TASKS; i++) {
        if (i == victim)
            continue;
        CHECK_EQ(outcome[i], FURROW_DONE);
        CHECK_EQ(out[i], i * 3 + 1);
        CHECK_EQ(atomic_load(&board->ran[i]), 1);
    }
}

static void dies_once(const char *place, size_t task, size_t batch)
{
    unsigned char outcome[TASKS];
    size_t out[TASKS];
    furrow_report report;

    fault_case("%s, %s", kind->name, place);
    victim = task;
    tries = 1;
    CHECK_EQ(run(batch, 0, outcome, out, &report), FURROW_EWORKER);
    check_others(outcome, out);
    CHECK_EQ(outcome[victim], FURROW_CRASHED);
    CHECK_EQ(out[victim], SIZE_MAX);
    CHECK_EQ(atomic_load(&board->ran[victim]), 1);
    CHECK_EQ(report.crashed, 1);
    CHECK_EQ(report.done, TASKS - 1);
    CHECK_EQ(report.failure[0].index, victim);
    CHECK_EQ(report.failure[0].code, kind->code);
    CHECK_SAYS(report.message, "task");
}

static void is_retried(size_t task)
{
    unsigned char outcome[TASKS];
    size_t out[TASKS];
    furrow_report report;

    fault_case("%s, retried", kind->name);
    victim = task;
    tries = 2;
    CHECK_EQ(run(0, 2, outcome, out, &report), FURROW_OK);
    check_others(outcome, out);
    CHECK_EQ(outcome[victim], FURROW_DONE);
    CHECK_EQ(atomic_load(&board->ran[victim]), 3);
    CHECK_EQ(report.retried, 2);

    fault_case("%s, on every try", kind->name);
    tries = 100;
    CHECK_EQ(run(0, 2, outcome, out, &report), FURROW_EWORKER);
    check_others(outcome, out);
    CHECK_EQ(outcome[victim], FURROW_CRASHED);
    CHECK_EQ(atomic_load(&board->ran[victim]), 3);
}

/* -- In worker_begin ------------------------------------------------------- */

static int begin_or_die(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    if (atomic_fetch_add(&board->begins, 1) < tries)
        kind->die();
    return 0;
}

static furrow_status run_begin(unsigned deaths, unsigned char *outcome, furrow_report *report)
{
    furrow_config config = fault_config(1);
    static size_t out[TASKS];
    const furrow_job job = { .run = work_or_die,
                             .count = TASKS,
                             .out = out,
                             .out_size = sizeof out[0],
                             .outcome = outcome,
                             .worker_begin = begin_or_die };

    memset(board, 0, sizeof *board);
    victim = TASKS;
    tries = deaths;
    return furrow_map(&job, &config, report);
}

static void dies_in_begin(void)
{
    unsigned char outcome[TASKS];
    furrow_report report;

    fault_case("%s, twice in worker_begin", kind->name);
    CHECK_EQ(run_begin(2, outcome, &report), FURROW_OK);
    CHECK_EQ(report.done, TASKS);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(atomic_load(&board->ran[i]), 1);

    fault_case("%s, always in worker_begin", kind->name);
    CHECK_EQ(run_begin(1000, outcome, &report), FURROW_EWORKER);
    CHECK_EQ(report.done, 0);
    CHECK_EQ(report.skipped, TASKS);
    CHECK_EQ(atomic_load(&board->begins), 3);
    CHECK_SAYS(report.message, "worker_begin");
}

static int end_and_die(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    kind->die();
    return 0;
}

static void dies_in_end(void)
{
    furrow_config config = fault_config(1);
    static size_t out[TASKS];
    const furrow_job job = { .run = work_or_die,
                             .count = TASKS,
                             .out = out,
                             .out_size = sizeof out[0],
                             .worker_end = end_and_die };
    furrow_report report;

    fault_case("%s, in worker_end", kind->name);
    memset(board, 0, sizeof *board);
    victim = TASKS;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK_EQ(report.done, TASKS);
    CHECK_EQ(report.crashed, 0);
    CHECK_SAYS(report.message, "worker_end");
}

/* -- Idle ------------------------------------------------------------------ */

/* Two tasks whose results are handed over: one ends, so that its worker waits
 * for more; the other waits until that one has been killed. */
static int idle_or_wait(furrow_task *task)
{
    *(size_t *)task->out = task->index;
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index == 0) {
        CHECK(fault_await(&board->ran[1], 1)); /* by the other worker */
        atomic_store(&board->idle, (unsigned)getpid());
        return 0;
    }
    CHECK(fault_await(&board->killed, 1));
    return 0;
}

/* The worker of the first task, once that has a result: until then it runs it. */
static void *kill_idle(void *unused)
{
    const struct timespec later = { 0, 20000000 };

    (void)unused;
    if (CHECK(fault_await(&board->idle, 1))) {
        (void)nanosleep(&later, NULL); /* it looks for work and finds none */
        CHECK_EQ(kill((pid_t)atomic_load(&board->idle), SIGKILL), 0);
        CHECK(fault_await_gone((pid_t)atomic_load(&board->idle)));
    }
    atomic_store(&board->killed, 1);
    return NULL;
}

static int take_any(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

static void dies_idle(void)
{
    furrow_config config = fault_config(WORKERS);
    size_t out[2] = { 9, 9 };
    unsigned char outcome[2];
    const furrow_job job = { .run = idle_or_wait,
                             .count = 2,
                             .out = out,
                             .out_size = sizeof out[0],
                             .outcome = outcome,
                             .on_result = take_any };
    furrow_report report;
    pthread_t killer;

    fault_case("killed while idle");
    memset(board, 0, sizeof *board);
    if (!CHECK(pthread_create(&killer, NULL, kill_idle, NULL) == 0))
        return;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    (void)pthread_join(killer, NULL);
    CHECK_EQ(report.done, 2);
    CHECK_EQ(out[0] == 0 && out[1] == 1, true);
    CHECK_EQ(atomic_load(&board->ran[0]) + atomic_load(&board->ran[1]), 2);
}

/* -- With results handed over ------------------------------------------------ */

static int note_result(const furrow_result *result, void *user)
{
    unsigned *seen = user;

    seen[result->index]++;
    CHECK_EQ(result->outcome, result->index == victim ? FURROW_CRASHED : FURROW_DONE);
    if (result->index == victim)
        CHECK_EQ(result->code, kind->code);
    else
        CHECK_EQ(*(const size_t *)result->out, result->index * 3 + 1);
    return 0;
}

static void dies_in_stream(bool ordered)
{
    furrow_config config = fault_config(WORKERS);
    unsigned seen[TASKS] = { 0 };
    unsigned char outcome[TASKS];
    size_t out[TASKS];
    const furrow_job job = { .run = work_or_die,
                             .count = TASKS,
                             .out = out,
                             .out_size = sizeof out[0],
                             .outcome = outcome,
                             .on_result = note_result,
                             .user = seen,
                             .ordered = ordered };
    furrow_report report;

    fault_case("%s, with %s results", kind->name, ordered ? "ordered" : "unordered");
    memset(board, 0, sizeof *board);
    memset(out, 0xFF, sizeof out);
    victim = 30;
    tries = 1;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_EWORKER);
    check_others(outcome, out);
    CHECK_EQ(out[victim], SIZE_MAX);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(seen[i], 1);
}

int main(void)
{
    struct census before, after;

    board = fault_board(sizeof *board);
    kind = &kinds[0];
    dies_idle(); /* what the first job loads stays */
    before = fault_census();
    for (int k = 0; k < KINDS; k++) {
        kind = &kinds[k];
        if (kind->plain && FAULT_SANITIZED)
            continue;
        dies_once("in the first task", 0, 0);
        dies_once("in the last task", TASKS - 1, 0);
        dies_once("in the middle of a batch", 7, 15);
        is_retried(20);
        dies_in_begin();
        dies_in_end();
        dies_in_stream(false);
        dies_in_stream(true);
    }
    dies_idle();
    after = fault_census();
    fault_case("afterwards");
    fault_same(&before, &after, 2);
    return fault_end();
}
