/* Time limits and furrow_cancel(): what runs too long ends, with all that it
 * started, and nothing else does. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 40, MOST = 400 };

struct board {
    atomic_uint ran[MOST];
    _Atomic double took[MOST]; /* seconds until its function returned; 0: it did not */
    atomic_uint child[MOST];   /* a process that the task started */
    atomic_uint started, released;
    atomic_uint worker; /* pid of one that waits */
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

static void start_child(size_t index)
{
    const pid_t pid = fork();

    if (pid == 0)
        wait_for_ever();
    atomic_store(&board->child[index], (unsigned)pid);
}

static void children_gone(void)
{
    for (int i = 0; i < MOST; i++)
        if (atomic_load(&board->child[i]) != 0)
            CHECK(fault_gone((pid_t)atomic_load(&board->child[i])));
}

static void rest(double seconds)
{
    const struct timespec time = { .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };

    (void)nanosleep(&time, NULL);
}

/* -- A task after one that was tried again ----------------------------------- */

/* Together longer than the limit, each by itself far below it. */
static int fails_once(furrow_task *task)
{
    if (task->index == 0 && task->attempt == 0)
        return 7;
    if (task->index < 2)
        rest(1.2);
    return 0;
}

/* The clock of a task starts when it does, not before the tries of the one before. */
static void after_tries(const char *backend)
{
    furrow_config config = fault_config(1);
    unsigned char outcome[TASKS];
    const furrow_job job = { .run = fails_once, .count = TASKS, .outcome = outcome };
    furrow_report report;

    fault_case("after a task that was tried again, %s", backend);
    config.backend = backend;
    config.retries = 1;
    config.batch = TASKS; /* in one claim */
    config.timeout = 2;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, TASKS);
    CHECK_EQ(report.retried, 1);
}

/* -- A stuck task ------------------------------------------------------------ */

static int stuck_at_five(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index % 10 == 0)
        start_child(task->index); /* and leaves it behind */
    if (task->index != 5 || task->attempt > 0)
        return 0;
    start_child(task->index);
    wait_for_ever();
    return 0;
}

static void stuck(int retries)
{
    furrow_config config = fault_config(2);
    unsigned char outcome[TASKS];
    const furrow_job job = { .run = stuck_at_five, .count = TASKS, .outcome = outcome };
    furrow_report report;
    double start = fault_now();

    fault_case("a stuck task, %d retries", retries);
    clear();
    config.timeout = 1; /* its neighbours fork, which takes long where the machine is busy */
    config.retries = retries;
    CHECK_EQ(furrow_map(&job, &config, &report), retries ? FURROW_OK : FURROW_ETIMEDOUT);
    CHECK(fault_now() - start >= 1);
    for (int i = 0; i < TASKS; i++) {
        CHECK_EQ(outcome[i], i == 5 && retries == 0 ? FURROW_TIMED_OUT : FURROW_DONE);
        CHECK_EQ(atomic_load(&board->ran[i]), i == 5 ? 1 + retries : 1);
    }
    children_gone();
}

/* -- Tasks that end about when their limit does -------------------------------- */

static int about_the_limit(furrow_task *task)
{
    const double start = fault_now();

    atomic_fetch_add(&board->ran[task->index], 1);
    rest(0.016 + (double)(task->seed % 10000000) * 1e-9);
    atomic_store(&board->took[task->index], fault_now() - start);
    return 0;
}

/* Under load a first touch of the board may take longer than the limit. */
static int touch_board(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    atomic_fetch_add(&board->started, 0);
    for (int i = 0; i < MOST; i += 256)
        atomic_fetch_add(&board->ran[i], 0);
    return 0;
}

static void neighbours(void)
{
    furrow_config config = fault_config(4);
    static unsigned char outcome[MOST];
    const furrow_job job = {
        .run = about_the_limit, .count = MOST, .outcome = outcome, .seed = 11, .worker_begin = touch_board
    };
    furrow_report report;

    fault_case("tasks that end about when their limit does");
    clear();
    config.timeout = 0.02;
    (void)furrow_map(&job, &config, &report);
    for (int i = 0; i < MOST; i++) {
        const double took = atomic_load(&board->took[i]);

        CHECK_EQ(atomic_load(&board->ran[i]), 1); /* none is killed for the one before it */
        CHECK(outcome[i] == FURROW_DONE || outcome[i] == FURROW_TIMED_OUT);
        CHECK(outcome[i] == FURROW_TIMED_OUT || took > 0);
        /* The worker's clock starts before the task's own. */
        CHECK(outcome[i] == FURROW_DONE || took == 0 || took > config.timeout - 0.015);
    }
    CHECK_EQ(report.crashed, 0);
}

/* -- Stopped workers ----------------------------------------------------------- */

static size_t stops_in; /* this task */

static int tell_and_wait(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    if (task->index == stops_in) {
        atomic_store(&board->worker, (unsigned)getpid());
        CHECK(fault_await(&board->released, 1));
    }
    return 0;
}

static void *stop_it(void *again)
{
    if (!CHECK(fault_await(&board->worker, 1)))
        return NULL;
    CHECK_EQ(kill((pid_t)atomic_load(&board->worker), SIGSTOP), 0);
    rest(0.05);
    if (again != NULL) {
        atomic_store(&board->released, 1);
        CHECK_EQ(kill((pid_t)atomic_load(&board->worker), SIGCONT), 0);
    }
    return NULL;
}

static void stopped(bool goes_on, size_t task, size_t batch)
{
    furrow_config config = fault_config(2);
    unsigned char outcome[TASKS];
    const furrow_job job = { .run = tell_and_wait, .count = TASKS, .outcome = outcome };
    furrow_report report;
    pthread_t stopper;
    int yes;

    fault_case("a worker that is stopped in task %zu%s", task, goes_on ? " and goes on" : " past its limit");
    clear();
    stops_in = task;
    config.batch = batch;
    config.timeout = goes_on ? 0 : 0.3;
    if (!CHECK(pthread_create(&stopper, NULL, stop_it, goes_on ? &yes : NULL) == 0))
        return;
    CHECK_EQ(furrow_map(&job, &config, &report), goes_on ? FURROW_OK : FURROW_ETIMEDOUT);
    (void)pthread_join(stopper, NULL);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(outcome[i], (size_t)i == task && !goes_on ? FURROW_TIMED_OUT : FURROW_DONE);
}

/* -- Stopped workers without a task ------------------------------------------- */

/* The first of all stops itself; what replaces it does not. */
static int stop_first(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    if (atomic_fetch_add(&board->started, 1) == 0) {
        atomic_store(&board->worker, (unsigned)getpid());
        (void)raise(SIGSTOP);
    }
    return 0;
}

static int count_run(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    return 0;
}

/* Its tasks are there for others, once each. */
static void all_ran_once(const unsigned char *outcome)
{
    for (int i = 0; i < TASKS; i++) {
        CHECK_EQ(outcome[i], FURROW_DONE);
        CHECK_EQ(atomic_load(&board->ran[i]), 1);
    }
    CHECK(fault_gone((pid_t)atomic_load(&board->worker)));
}

static void stopped_at_begin(void)
{
    const furrow_config config = fault_config(2);
    unsigned char outcome[TASKS];
    const furrow_job job = {
        .run = count_run, .count = TASKS, .outcome = outcome, .worker_begin = stop_first
    };

    fault_case("a worker that is stopped in worker_begin");
    clear();
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK(atomic_load(&board->started) >= 2);
    all_ran_once(outcome);
}

static int tell_worker(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    atomic_store(&board->worker, (unsigned)getpid());
    return 0;
}

/* It sleeps: between tasks, where these do nothing; false: not within 30 s. */
static bool await_sleep(pid_t pid)
{
    const double start = fault_now();

    while (fault_now() - start < 30) {
        if (fault_state(pid) == 'S')
            return true;
        (void)usleep(1000);
    }
    return false;
}

/* The second task comes when the first has ended and its worker waits, stopped. */
static int stop_between(void *in, void *user)
{
    size_t *given = user;
    const pid_t worker = (pid_t)atomic_load(&board->worker);

    (void)in;
    if (*given == 1 && atomic_load(&board->released) == 0)
        return FURROW_NEXT_LATER;
    if (*given == 1) {
        CHECK(await_sleep(worker));
        CHECK_EQ(kill(worker, SIGSTOP), 0);
    }
    return (*given)++ < TASKS ? FURROW_NEXT_ONE : FURROW_NEXT_END;
}

static int take_one(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    atomic_fetch_add(&board->released, 1);
    return 0;
}

static void stopped_idle(void)
{
    const furrow_config config = fault_config(1);
    furrow_report report;
    size_t given = 0;
    const furrow_job job = { .run = count_run,
                             .in_size = sizeof(int),
                             .next = stop_between,
                             .on_result = take_one,
                             .user = &given,
                             .worker_begin = tell_worker };

    fault_case("a worker that is stopped while it waits for a task");
    clear();
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, TASKS);
    CHECK_EQ(report.crashed, 0);
    CHECK(fault_gone((pid_t)atomic_load(&board->worker)));
}

/* -- Cancelling ---------------------------------------------------------------- */

static int until_expired_or_stuck(furrow_task *task)
{
    atomic_fetch_add(&board->started, 1);
    if (task->index % 2 == 0) {
        start_child(task->index);
        wait_for_ever();
    }
    while (!furrow_task_expired(task))
        (void)usleep(200);
    atomic_fetch_add(&board->released, 1);
    return 0;
}

static void *cancel_twice(void *unused)
{
    (void)unused;
    CHECK(fault_await(&board->started, 2));
    furrow_cancel();
    CHECK(fault_await(&board->released, 1)); /* stops in order: whoever asks returns */
    furrow_cancel();
    return NULL;
}

static int take(const furrow_result *result, void *user)
{
    (void)result;
    ++*(unsigned *)user;
    return 0;
}

static void cancelled(bool streamed)
{
    furrow_config config = fault_config(2);
    unsigned char outcome[TASKS];
    unsigned results = 0;
    const furrow_job job = { .run = until_expired_or_stuck,
                             .count = TASKS,
                             .outcome = outcome,
                             .on_result = streamed ? take : NULL,
                             .user = &results };
    furrow_report report;
    pthread_t canceller;

    fault_case("furrow_cancel() twice%s", streamed ? ", with results" : "");
    clear();
    config.batch = 1;
    if (!CHECK(pthread_create(&canceller, NULL, cancel_twice, NULL) == 0))
        return;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    (void)pthread_join(canceller, NULL);
    CHECK_EQ(report.crashed, 0);
    CHECK_EQ(report.done, 1);
    CHECK_EQ(report.skipped, TASKS - 1);
    CHECK_EQ(results, streamed ? 1 : 0);
    children_gone();
}

int main(void)
{
    struct census before, after;

    board = fault_board(sizeof *board);
    stuck(0);
    before = fault_census();
    stuck(1);
    neighbours();
    after_tries("sequential");
    after_tries("fork");
    stopped(false, 0, 0);
    stopped(false, TASKS - 1, 0);
    stopped(false, 3, 5);
    stopped(true, 3, 0);
    stopped_at_begin();
    stopped_idle();
    cancelled(false);
    cancelled(true);
    after = fault_census();
    fault_case("afterwards");
    fault_same(&before, &after, 4);
    return fault_end();
}
