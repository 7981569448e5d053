/* Cancelling, time limits, which status wins, and that the next job works. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "promises.h"

/* -- furrow_cancel() ------------------------------------------------------ */

struct scene {
    atomic_uint started, expired;
};

/* Until the job is to stop; that it is not is a failure, not a hang. */
static bool until_expired(const furrow_task *task)
{
    const struct timespec step = { 0, 200000 };
    double end = now() + (CONTRACT_SANITIZED ? 60 : 20);

    while (!furrow_task_expired(task)) {
        if (now() > end)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

static int run_until_cancelled(furrow_task *task)
{
    struct scene *scene = (struct scene *)task->shared;

    atomic_fetch_add(&scene->started, 1);
    if (CHECK(until_expired(task)))
        atomic_fetch_add(&scene->expired, 1);
    return 0;
}

static void *cancel_when_started(void *argument)
{
    struct scene *scene = argument;

    CHECK(wait_until(&scene->started, 1));
    furrow_cancel();
    return NULL;
}

static int succeed(furrow_task *task)
{
    *(int *)task->out = (int)task->index + 1;
    return 0;
}

/* The next job works. */
static void next_job_works(const struct row *row)
{
    int out[50] = { 0 };
    furrow_config config = row_config(row);
    furrow_job job = { .run = succeed, .count = 50, .out = out, .out_size = sizeof *out };
    furrow_report report;
    int wrong = 0;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_TEXT(report.backend, row->backend);
    CHECK_EQ(report.workers, row->workers);
    for (int i = 0; i < 50; i++)
        wrong += out[i] != i + 1;
    CHECK_EQ(wrong, 0);
}

static int ignore(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

/* Runs a job that lasts until it is cancelled. */
static void cancelled_job(const struct row *row, struct scene *scene, bool serve)
{
    unsigned char outcome[1000];
    furrow_config config = row_config(row);
    furrow_job job = { .run = run_until_cancelled,
                       .count = 1000,
                       .shared = scene,
                       .outcome = outcome,
                       .on_result = serve ? ignore : NULL };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    check_tally(&report, outcome, 1000);
    CHECK(report.skipped >= 1000 - (uint64_t)row->workers);
    CHECK(report.message[0] != '\0');
    CHECK_EQ(look(&scene->expired), look(&scene->started));
}

void cancel_from_a_thread(const struct row *row)
{
    for (int serve = 0; serve < 2; serve++) {
        struct scene *scene = board(sizeof *scene);
        pthread_t canceller;

        if (!CHECK(pthread_create(&canceller, NULL, cancel_when_started, scene) == 0))
            return;
        cancelled_job(row, scene, serve);
        pthread_join(canceller, NULL);
        next_job_works(row);
    }
}

static void cancel_here(int number)
{
    (void)number;
    furrow_cancel();
}

static pthread_t target;

static void *signal_when_started(void *argument)
{
    struct scene *scene = argument;

    CHECK(wait_until(&scene->started, 1));
    pthread_kill(target, SIGUSR1);
    return NULL;
}

void cancel_from_a_signal(const struct row *row)
{
    struct sigaction action = { .sa_handler = cancel_here }, before;

    sigaction(SIGUSR1, &action, &before);
    target = pthread_self();
    for (int serve = 0; serve < 2; serve++) {
        struct scene *scene = board(sizeof *scene);
        pthread_t sender;

        if (!CHECK(pthread_create(&sender, NULL, signal_when_started, scene) == 0))
            break;
        cancelled_job(row, scene, serve);
        pthread_join(sender, NULL);
        next_job_works(row);
    }
    sigaction(SIGUSR1, &before, NULL);
}

static int cancel_at_five(furrow_task *task)
{
    if (task->index != 5)
        return 0;
    furrow_cancel();
    CHECK(furrow_task_expired(task));
    return 0;
}

void cancel_from_a_task(const struct row *row)
{
    unsigned char outcome[100];
    furrow_config config = row_config(row);
    furrow_job job = { .run = cancel_at_five, .count = 100, .outcome = outcome };
    furrow_report report;

    if (row->place == PROCESSES) {
        skip("a task is in another process than the job");
        return;
    }
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK_EQ(outcome[5], FURROW_DONE);
    check_tally(&report, outcome, 100);
    if (row->place == IN_CALLER)
        CHECK_EQ(report.done, 6);
    next_job_works(row);
}

void cancel_before(const struct row *row)
{
    furrow_cancel();
    next_job_works(row);
}

/* -- Time limits ---------------------------------------------------------- */

static int late_at_four(furrow_task *task)
{
    if (task->index != 4 || task->attempt > 0)
        return 0;
    CHECK(!furrow_task_expired(task));
    CHECK(until_expired(task));
    return 0;
}

static void check_late(const furrow_report *report, const unsigned char *outcome)
{
    check_tally(report, outcome, 20);
    CHECK_EQ(outcome[4], FURROW_TIMED_OUT);
    CHECK_EQ(report->timed_out, 1);
    CHECK_EQ(report->failures, 1);
    CHECK_EQ(report->failure[0].index, 4);
    CHECK_EQ(report->failure[0].outcome, FURROW_TIMED_OUT);
}

void late_task_times_out(const struct row *row)
{
    unsigned char outcome[20];
    furrow_config config = row_config(row);
    furrow_job job = { .run = late_at_four, .count = 20, .outcome = outcome };
    furrow_report report;

    config.timeout = 0.5;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETIMEDOUT);
    check_late(&report, outcome);

    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETIMEDOUT);
    check_late(&report, outcome);
    CHECK_EQ(report.done, 19);

    config.retries = 1;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 20);
    CHECK_EQ(report.retried, 1);
    next_job_works(row);
}

static int note_late(const furrow_result *result, void *user)
{
    ++*(unsigned *)user;
    CHECK_EQ(result->outcome, result->index == 4 ? FURROW_TIMED_OUT : FURROW_DONE);
    CHECK(result->index != 4 || result->seconds >= 0.5);
    return 0;
}

void late_result(const struct row *row)
{
    unsigned calls = 0;
    furrow_config config = row_config(row);
    furrow_job job = { .run = late_at_four, .count = 20, .on_result = note_late, .user = &calls };

    config.timeout = 0.5;
    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETIMEDOUT);
    CHECK_EQ(calls, 20);
}

static int sleep_at_four(furrow_task *task)
{
    while (task->index == 4)
        pause();
    return 0;
}

void stuck_task_is_ended(const struct row *row)
{
    unsigned char outcome[20];
    furrow_config config = row_config(row);
    furrow_job job = { .run = sleep_at_four, .count = 20, .outcome = outcome };
    furrow_report report;

    if (row->place != PROCESSES) {
        skip("threads can't be ended");
        return;
    }
    config.timeout = 0.5;
    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETIMEDOUT);
    check_late(&report, outcome);
    CHECK_EQ(report.done, 19);
    next_job_works(row);
}

/* -- Which status --------------------------------------------------------- */

static int late_and_failing(furrow_task *task)
{
    if (task->index == 6)
        return 9;
    return late_at_four(task);
}

static int fail_at_six(furrow_task *task)
{
    return task->index == 6 ? 9 : 0;
}

static int bad_end(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    return 2;
}

static int refuse_failure(const furrow_result *result, void *user)
{
    (void)user;
    return result->outcome == FURROW_FAILED ? 44 : 0;
}

void first_status_wins(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = late_and_failing, .count = 20 };
    furrow_report report;

    config.keep_going = true;
    config.timeout = 0.5;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETIMEDOUT);
    CHECK_EQ(report.status, FURROW_ETIMEDOUT);
    CHECK_EQ(report.failed, 1);

    config.timeout = 0;
    job.run = fail_at_six;
    job.worker_end = bad_end;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK_EQ(report.failed, 1);

    job.worker_end = NULL;
    job.on_result = refuse_failure;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.failed, 1);
}

/* -- Afterwards ----------------------------------------------------------- */

static int refuse_all(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 1;
}

void next_job_after_any_status(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_at_six, .count = 20 };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    next_job_works(row);
    job.on_result = refuse_all;
    job.count = 6; /* without the one that fails */
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ECANCELLED);
    next_job_works(row);
    job = (furrow_job){ .run = fail_at_six, .count = 5, .worker_begin = bad_end };
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EWORKER);
    next_job_works(row);
    config.jobs = 0;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    next_job_works(row);
    config.jobs = 1;
    config.backend = "nosuch";
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EBACKEND);
    next_job_works(row);
}

struct running {
    atomic_uint now;
};

static int count_running(furrow_task *task)
{
    struct running *running = (struct running *)task->shared;
    const struct timespec step = { 0, 100000 };

    atomic_fetch_add(&running->now, 1);
    nanosleep(&step, NULL);
    atomic_fetch_sub(&running->now, 1);
    return task->index == 9;
}

void nothing_runs_on(const struct row *row)
{
    struct running *running = board(sizeof *running);
    furrow_config config = row_config(row);
    furrow_job job = { .run = count_running, .count = 100, .shared = running };

    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
        CHECK_EQ(look(&running->now), 0);
    }
}
