/* on_result: what it is told, by whom, in which order, and how it stops a job. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "promises.h"

enum { COUNT = 300 };

/* What a callback saw; written on the calling thread alone. */
struct seen {
    pthread_t caller;
    bool inside;
    unsigned calls, workers;
    unsigned times[COUNT];
    size_t order[COUNT];
    furrow_outcome outcome[COUNT];
    size_t out_size;
};

/* What every result shall be. */
static void note(struct seen *seen, const furrow_result *result)
{
    CHECK(pthread_equal(seen->caller, pthread_self()));
    CHECK(!seen->inside);
    seen->inside = true;
    if (CHECK(result->index < COUNT) && CHECK(seen->calls < COUNT)) {
        seen->times[result->index]++;
        seen->outcome[result->index] = result->outcome;
        seen->order[seen->calls] = result->index;
    }
    seen->calls++;
    CHECK(result->outcome == FURROW_DONE || result->outcome == FURROW_FAILED);
    CHECK(result->seconds >= 0 && result->seconds < 1e6);
    CHECK(result->worker >= 0 && result->worker < (int)seen->workers);
    CHECK(result->host != NULL && result->host[0] != '\0');
    CHECK(result->message != NULL);
    CHECK((result->out == NULL) == (result->out_size == 0));
    CHECK_EQ(result->out_size, seen->out_size);
    seen->inside = false;
}

static void seen_once(const struct seen *seen)
{
    size_t not_once = 0;

    for (size_t i = 0; i < COUNT; i++)
        not_once += seen->times[i] != 1;
    CHECK_EQ(not_once, 0);
    CHECK_EQ(seen->calls, COUNT);
}

static void seen_in_order(const struct seen *seen)
{
    size_t wrong = 0;

    for (size_t i = 0; i < seen->calls; i++)
        wrong += seen->order[i] != i;
    CHECK_EQ(wrong, 0);
}

static struct seen seen_of(const struct row *row, size_t out_size)
{
    return (struct seen){ .caller = pthread_self(),
                          .workers = (unsigned)row->workers,
                          .out_size = out_size };
}

/* -- Results -------------------------------------------------------------- */

static int square(furrow_task *task)
{
    uint64_t *out = task->out;

    out[0] = task->index;
    out[1] = (uint64_t)task->index * task->index;
    return 0;
}

static int note_square(const furrow_result *result, void *user)
{
    const uint64_t *out = result->out;

    note(user, result);
    CHECK_EQ(result->outcome, FURROW_DONE);
    CHECK_EQ(result->code, 0);
    CHECK_EQ(result->attempt, 0);
    CHECK_TEXT(result->message, "");
    if (CHECK(out != NULL)) {
        CHECK_EQ(out[0], result->index);
        CHECK_EQ(out[1], result->index * result->index);
    }
    return 0;
}

/* With the outputs kept by the caller, or for on_result alone. */
static void squares(const struct row *row, uint64_t (*out)[2], bool ordered)
{
    struct seen seen = seen_of(row, 16);
    furrow_config config = row_config(row);
    furrow_job job = { .run = square,
                       .count = COUNT,
                       .out = out,
                       .out_size = 16,
                       .on_result = note_square,
                       .user = &seen,
                       .ordered = ordered };
    size_t wrong = 0;

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    seen_once(&seen);
    if (ordered)
        seen_in_order(&seen);
    for (size_t i = 0; out != NULL && i < COUNT; i++)
        wrong += out[i][0] != i || out[i][1] != i * i;
    CHECK_EQ(wrong, 0);
}

void each_result_once(const struct row *row)
{
    uint64_t out[COUNT][2] = { { 0 } };

    squares(row, out, false);
}

void results_in_order(const struct row *row)
{
    uint64_t out[COUNT][2] = { { 0 } };

    squares(row, out, true);
}

void results_without_outputs(const struct row *row)
{
    squares(row, NULL, false);
    squares(row, NULL, true);
}

static int fail_some(furrow_task *task)
{
    if (task->index % 5 != 2 || (task->index % 2 == 0 && task->attempt > 0))
        return 0;
    return furrow_task_fail(task, 30, "words %zu", task->index);
}

static int note_failure(const furrow_result *result, void *user)
{
    bool tried = result->index % 5 == 2;
    bool failed = tried && result->index % 2 != 0;

    note(user, result);
    CHECK_EQ(result->outcome, failed ? FURROW_FAILED : FURROW_DONE);
    CHECK_EQ(result->code, failed ? 30 : 0);
    CHECK_EQ(result->attempt, tried ? 1 : 0);
    if (failed)
        CHECK_SAYS(result->message, "words ");
    return 0;
}

void results_of_failures(const struct row *row)
{
    struct seen seen = seen_of(row, 0);
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = fail_some, .count = COUNT, .on_result = note_failure, .user = &seen
    };

    config.keep_going = true;
    config.retries = 1;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    seen_once(&seen);

    seen = seen_of(row, 0);
    job.ordered = true;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    seen_once(&seen);
    seen_in_order(&seen);
}

/* -- Stops ---------------------------------------------------------------- */

static int succeed(furrow_task *task)
{
    (void)task;
    return 0;
}

static int refuse_third(const furrow_result *result, void *user)
{
    struct seen *seen = user;

    note(seen, result);
    return seen->calls == 3 ? 99 : 0;
}

void callback_stops(const struct row *row)
{
    struct seen seen = seen_of(row, 0);
    unsigned char outcome[COUNT];
    furrow_config config = row_config(row);
    furrow_job job = { .run = succeed,
                       .count = COUNT,
                       .on_result = refuse_third,
                       .user = &seen,
                       .outcome = outcome };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK_EQ(report.code, 99);
    CHECK_EQ(report.failures, 0);
    CHECK(report.message[0] != '\0');
    CHECK(seen.calls >= 3);
    CHECK(report.done >= 3);
    CHECK_EQ(report.failed, 0);
    check_tally(&report, outcome, COUNT);
}

static int fail_at_40(furrow_task *task)
{
    return task->index == 40 ? 8 : 0;
}

static int just_note(const furrow_result *result, void *user)
{
    note(user, result);
    return 0;
}

void order_stops_at_a_gap(const struct row *row)
{
    struct seen seen = seen_of(row, 0);
    unsigned char outcome[COUNT];
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_at_40,
                       .count = COUNT,
                       .on_result = just_note,
                       .user = &seen,
                       .outcome = outcome,
                       .ordered = true };
    furrow_report report;
    size_t first_skipped = 0;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.code, 8);
    check_tally(&report, outcome, COUNT);
    seen_in_order(&seen);
    while (first_skipped < COUNT && outcome[first_skipped] != FURROW_SKIPPED)
        first_skipped++;
    /* Everything before the gap was handed over, and nothing behind it. */
    CHECK_EQ(seen.calls, first_skipped);
    for (size_t i = 0; i < seen.calls && i < COUNT; i++)
        CHECK_EQ(seen.outcome[i], outcome[i]);
}

/* -- Who runs what -------------------------------------------------------- */

struct caller {
    pthread_t thread;
    pid_t process;
    bool alternates;
};

static int not_the_caller(furrow_task *task)
{
    const struct caller *caller = task->shared;
    bool here = getpid() == caller->process && pthread_equal(pthread_self(), caller->thread);

    CHECK_EQ(here, caller->alternates);
    return 0;
}

void caller_runs_no_task(const struct row *row)
{
    struct caller caller = { pthread_self(), getpid(), row->place == IN_CALLER };
    struct seen seen = seen_of(row, 0);
    furrow_config config = row_config(row);
    furrow_job job = { .run = not_the_caller,
                       .count = COUNT,
                       .shared = &caller,
                       .shared_size = sizeof caller,
                       .on_result = just_note,
                       .user = &seen };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, row->workers);
    seen_once(&seen);
}

static int here_too(furrow_task *task)
{
    CHECK(pthread_equal(pthread_self(), *(const pthread_t *)task->shared));
    return 0;
}

/* Starts a job that would like threads. */
static int start_job(const furrow_result *result, void *user)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    pthread_t self = pthread_self();
    furrow_job job = { .run = here_too, .count = 20, .shared = &self };
    furrow_report report;

    (void)user;
    if (result->index % 10 != 0)
        return 0;
    config.jobs = 2;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_TEXT(report.backend, "sequential");
    CHECK_EQ(report.workers, 1);
    CHECK_EQ(report.done, 20);
    return 0;
}

void job_in_a_callback(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = succeed, .count = 50, .on_result = start_job };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}
