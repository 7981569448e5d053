/* Tasks that fail, their words, and their further tries. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "promises.h"

/* -- One failure ---------------------------------------------------------- */

static int fail_at_13(furrow_task *task)
{
    *(size_t *)task->out = task->index;
    if (task->index != 13)
        return 0;
    return furrow_task_fail(task, 42, "no convergence at x = %g", 0.5);
}

void failure_stops(const struct row *row)
{
    enum { COUNT = 5000 };
    static size_t out[COUNT];
    static unsigned char outcome[COUNT];
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_at_13,
                       .count = COUNT,
                       .out = out,
                       .out_size = sizeof *out,
                       .outcome = outcome };
    furrow_report report;
    size_t lost = 0;

    memset(out, 0xFF, sizeof out);
    memset(outcome, FURROW_PENDING, sizeof outcome);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.status, FURROW_ETASK);
    CHECK_EQ(report.code, 42);
    CHECK_EQ(report.failed, 1);
    CHECK_EQ(outcome[13], FURROW_FAILED);
    check_tally(&report, outcome, COUNT);
    if (row->place == IN_CALLER)
        CHECK_EQ(report.done, 13);

    /* Tasks that were done keep their results. */
    for (size_t i = 0; i < COUNT; i++)
        lost += outcome[i] == FURROW_DONE && out[i] != i;
    CHECK_EQ(lost, 0);

    CHECK_EQ(report.failures, 1);
    CHECK_EQ(report.failure[0].index, 13);
    CHECK_EQ(report.failure[0].outcome, FURROW_FAILED);
    CHECK_EQ(report.failure[0].code, 42);
    CHECK(report.failure[0].worker >= 0 && report.failure[0].worker < report.workers);
    CHECK(report.failure[0].host[0] != '\0');
    CHECK_TEXT(report.failure[0].message, "no convergence at x = 0.5");
    CHECK_SAYS(report.message, "no convergence at x = 0.5");
    CHECK_SAYS(report.message, "13");
    CHECK_TEXT(furrow_message(), report.message);
}

static int fill_and_fail(furrow_task *task)
{
    memset(task->out, 1, 16);
    return task->index % 3 == 0;
}

void failed_slot_untouched(const struct row *row)
{
    static unsigned char out[300 * 16];
    furrow_config config = row_config(row);
    furrow_job job = { .run = fill_and_fail, .count = 300, .out = out, .out_size = 16 };
    size_t wrong = 0;

    if (row->place != PROCESSES) {
        skip("tasks write to the caller's memory");
        return;
    }
    config.keep_going = true;
    memset(out, 0x5A, sizeof out);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    for (size_t i = 0; i < sizeof out; i++)
        wrong += out[i] != (i / 16 % 3 == 0 ? 0x5A : 1);
    CHECK_EQ(wrong, 0);
}

/* -- keep_going ----------------------------------------------------------- */

static int fail_sevenths(furrow_task *task)
{
    atomic_fetch_add((atomic_uint *)task->shared, 1);
    if (task->index % 7 != 3)
        return 0;
    return furrow_task_fail(task, (int)task->index + 1, "sorry for %zu", task->index);
}

void keep_going(const struct row *row)
{
    enum { COUNT = 1000, BAD = 143 };
    static unsigned char outcome[COUNT];
    atomic_uint *ran = board(sizeof *ran);
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_sevenths, .count = COUNT, .shared = ran, .outcome = outcome };
    furrow_report report;
    size_t seen = 0;
    char words[32];

    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(look(ran), COUNT);
    CHECK_EQ(report.failed, BAD);
    CHECK_EQ(report.done, COUNT - BAD);
    check_tally(&report, outcome, COUNT);

    /* The eight lowest indices, each once. */
    CHECK_EQ(report.failures, FURROW_FAILURES);
    for (int i = 0; i < report.failures; i++) {
        const furrow_failure *failure = &report.failure[i];

        CHECK_EQ(failure->index % 7, 3);
        CHECK(failure->index < FURROW_FAILURES * 7);
        CHECK_EQ(failure->code, failure->index + 1);
        CHECK_EQ(failure->outcome, FURROW_FAILED);
        snprintf(words, sizeof words, "sorry for %zu", failure->index);
        CHECK_TEXT(failure->message, words);
        seen |= (size_t)1 << failure->index / 7;
    }
    CHECK_EQ(seen, 0xFF);
}

/* -- Retries -------------------------------------------------------------- */

enum { TRIED = 200 };

struct tries {
    atomic_uint count[TRIED], attempts[TRIED];
};

/* Task 10 k needs two tries, 10 k + 1 three; 10 k + 2 fails always. */
static int try_again(furrow_task *task)
{
    struct tries *tries = (struct tries *)task->shared;
    unsigned needs = task->index % 10 == 0 ? 1 : task->index % 10 == 1 ? 2 : 0;

    CHECK_EQ(atomic_fetch_add(&tries->count[task->index], 1), task->attempt);
    atomic_fetch_or(&tries->attempts[task->index], 1u << task->attempt);
    if (task->index % 10 == 2)
        return furrow_task_fail(task, 9, "try %u", task->attempt);
    return task->attempt < needs;
}

void retries(const struct row *row)
{
    struct tries *tries = board(sizeof *tries);
    unsigned char outcome[TRIED];
    furrow_config config = row_config(row);
    furrow_job job = { .run = try_again, .count = TRIED, .shared = tries, .outcome = outcome };
    furrow_report report;

    config.retries = 2;
    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    for (size_t i = 0; i < TRIED; i++) {
        unsigned want = i % 10 == 0 ? 2 : i % 10 == 1 || i % 10 == 2 ? 3 : 1;

        CHECK_EQ(look(&tries->count[i]), want);
        CHECK_EQ(look(&tries->attempts[i]), (1u << want) - 1);
        CHECK_EQ(outcome[i], i % 10 == 2 ? FURROW_FAILED : FURROW_DONE);
    }
    check_tally(&report, outcome, TRIED);
    CHECK_EQ(report.failed, TRIED / 10);
    CHECK_EQ(report.failures, FURROW_FAILURES);
    CHECK_TEXT(report.failure[0].message, "try 2");
}

static int second_time(furrow_task *task)
{
    return task->attempt == 0 && task->index % 4 == 0 ? 3 : 0;
}

void retried_is_success(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = second_time, .count = 100 };
    furrow_report report;

    config.retries = 1;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 100);
    CHECK_EQ(report.retried, 25);
    CHECK_EQ(report.failed, 0);
    CHECK_EQ(report.failures, 0);
    CHECK_TEXT(report.message, "");
}

/* -- Words ---------------------------------------------------------------- */

static int say_much(furrow_task *task)
{
    char text[400];

    switch (task->index) {
    case 0: /* cut */
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        return furrow_task_fail(task, 2, "%s", text);
    case 1: /* one line */
        return furrow_task_fail(task, 2, "first\nsecond");
    case 2: /* no NUL, blanks at the end as Fortran has them */
        return furrow_task_fail_text(task, 2, "abc   xyz", 6);
    case 3: /* 0 would be a success */
        return furrow_task_fail(task, 0, "zero");
    case 4: /* the last words count */
        furrow_task_fail(task, 3, "before");
        return furrow_task_fail(task, 2, "after");
    default:
        furrow_task_fail(task, 3, "no failure after all");
        return 0;
    }
}

static void check_words(const furrow_failure *failure)
{
    static const char *const words[] = { "", "first second", "abc", "zero", "after" };

    CHECK_EQ(failure->code, failure->index == 3 ? 1 : 2);
    if (failure->index > 0) {
        CHECK_TEXT(failure->message, words[failure->index]);
        return;
    }
    CHECK_EQ(strlen(failure->message), FURROW_MESSAGE - 1);
    CHECK_EQ(strspn(failure->message, "x"), FURROW_MESSAGE - 1);
}

void words_of_tasks(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = say_much, .count = 6 };
    furrow_report report;

    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.done, 1);
    CHECK_EQ(report.failures, 5);
    for (int i = 0; i < report.failures; i++) {
        CHECK(report.failure[i].index < 5);
        if (report.failure[i].index < 5)
            check_words(&report.failure[i]);
    }
}

/* Its furrow call fails, and it passes that on or says something better. */
static int call_furrow(furrow_task *task)
{
    char(*said)[FURROW_MESSAGE] = (char(*)[FURROW_MESSAGE])task->shared;
    furrow_job job = { .name = "inner", .count = 1 };

    if (task->index > 1)
        return 6;
    if (furrow_map(&job, NULL, NULL) == FURROW_OK)
        return 0;
    snprintf(said[task->index], FURROW_MESSAGE, "%s", furrow_message());
    return task->index == 0 ? 5 : furrow_task_fail(task, 5, "my own words");
}

static int keep_words(const furrow_result *result, void *user)
{
    char(*words)[FURROW_MESSAGE] = user;

    CHECK(result->message != NULL);
    snprintf(words[result->index], FURROW_MESSAGE, "%s", result->message);
    return 0;
}

void words_of_nested_calls(const struct row *row)
{
    char(*said)[FURROW_MESSAGE] = board(10 * FURROW_MESSAGE);
    char words[10][FURROW_MESSAGE] = { "" };
    furrow_config config = row_config(row);
    furrow_job job = { .run = call_furrow,
                       .count = 10,
                       .shared = said,
                       .on_result = keep_words,
                       .user = words };

    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    CHECK_SAYS(said[0], "run");
    CHECK_TEXT(words[0], said[0]);
    CHECK_TEXT(words[1], "my own words");
    for (int i = 2; i < 10; i++) /* words of another task are not theirs */
        CHECK_TEXT(words[i], "");
}

/* -- Deaths --------------------------------------------------------------- */

static int die(furrow_task *task)
{
    *(size_t *)task->out = task->index;
    if (task->attempt > 0)
        return 0;
    if (task->index == 20)
        raise(SIGKILL);
    if (task->index == 40)
        _exit(3);
    return 0;
}

/* Runs a job of which two tasks end their workers. */
static void die_twice(const struct row *row, int tries, furrow_status status)
{
    static size_t out[60];
    unsigned char outcome[60];
    furrow_config config = row_config(row);
    furrow_job job = { .run = die,
                       .count = 60,
                       .out = out,
                       .out_size = sizeof *out,
                       .outcome = outcome,
                       .isolate = true };
    furrow_report report;
    size_t lost = 0;

    config.keep_going = true;
    config.retries = tries;
    memset(out, 0xFF, sizeof out);
    CHECK_STATUS(furrow_map(&job, &config, &report), status);
    check_tally(&report, outcome, 60);
    CHECK_EQ(report.crashed, status == FURROW_OK ? 0 : 2);
    CHECK_EQ(report.failures, report.crashed);
    for (int i = 0; i < report.failures; i++) {
        const furrow_failure *failure = &report.failure[i];

        CHECK(failure->index == 20 || failure->index == 40);
        CHECK_EQ(failure->code, failure->index == 20 ? SIGKILL : -3);
        CHECK_EQ(failure->outcome, FURROW_CRASHED);
    }
    for (size_t i = 0; i < 60; i++)
        lost += out[i] != (outcome[i] == FURROW_DONE ? i : SIZE_MAX);
    CHECK_EQ(lost, 0);
}

void death_costs_one_task(const struct row *row)
{
    if (row->place != PROCESSES) {
        skip("workers are not processes");
        return;
    }
    die_twice(row, 0, FURROW_EWORKER);
    die_twice(row, 1, FURROW_OK);
}

static int die_at_begin(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    _exit(9);
}

void deaths_before_tasks(const struct row *row)
{
    unsigned char outcome[60], out[60 * sizeof(size_t)];
    furrow_config config = row_config(row);
    furrow_job job = { .run = die,
                       .count = 60,
                       .out = out,
                       .out_size = sizeof(size_t),
                       .outcome = outcome,
                       .worker_begin = die_at_begin };
    furrow_report report;

    if (row->place != PROCESSES) {
        skip("workers are not processes");
        return;
    }
    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EWORKER);
    check_tally(&report, outcome, 60);
    CHECK_EQ(report.done, 0);
}
