/* Jobs like one before: what is remembered of them, and small ones that stay on
 * the caller. Evidence is set by hand, so that nothing depends on how fast this
 * machine is. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "runtime/small.h"

enum { COUNT = 64, PATIENCE = 20 };

/* What a task saw. */
struct seen {
    pthread_t thread;
    int level, cpus, limit;
    char backend[16];
};

static atomic_int runs[COUNT];
static struct seen seen[COUNT];
static atomic_int elsewhere; /* tasks that another thread than the caller ran */
static pthread_t caller;

static int look(furrow_task *task)
{
    struct seen *me = &seen[task->index];

    atomic_fetch_add(&runs[task->index], 1);
    me->thread = pthread_self();
    me->level = furrow_level();
    me->cpus = furrow_cpu_count(0);
    me->limit = task->cpus;
    strncpy(me->backend, furrow_backend_name(), sizeof me->backend - 1);
    return 0;
}

static furrow_config two_threads(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = "openmp";
    config.jobs = 2;
    return config;
}

static void run(furrow_task_fn task, size_t count, furrow_report *report)
{
    const furrow_config config = two_threads();
    const furrow_job job = { .run = task, .count = count };

    caller = pthread_self();
    memset(runs, 0, sizeof runs);
    cr_assert_eq(furrow_map(&job, &config, report), FURROW_OK, "%s", furrow_message());
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(atomic_load(&runs[i]), 1, "task %zu ran %d times", i, atomic_load(&runs[i]));
}

static int ran_here(size_t count)
{
    int here = 0;

    for (size_t i = 0; i < count; i++)
        here += pthread_equal(seen[i].thread, caller) != 0;
    return here;
}

/* A small job of two tasks. A thread that loses its CPU in the middle of one
 * makes it long, so it may take several tries. */
static void run_small(furrow_report *report)
{
    int tries = 100;

    run(look, 2, NULL);
    do {
        fw_habit_last()->tasks.longest_ns = 900;
        run(look, 2, report);
    } while (ran_here(2) < 2 && --tries > 0);
    cr_assert_eq(ran_here(2), 2);
}

Test(small, jobs_with_evidence_stay_on_the_caller)
{
    furrow_report report;

    run_small(&report);
    cr_assert_str_eq(report.backend, "openmp");
    cr_assert_eq(report.workers, 2);
    cr_assert_eq(report.done, 2);
    cr_assert_eq(report.skipped, 0);
}

Test(small, jobs_show_their_tasks_what_a_worker_shows)
{
    struct seen before[2];

    run(look, 2, NULL);
    memcpy(before, seen, sizeof before);
    run_small(NULL);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(seen[i].level, before[i].level);
        cr_assert_eq(seen[i].cpus, before[i].cpus);
        cr_assert_eq(seen[i].limit, before[i].limit);
        cr_assert_str_eq(seen[i].backend, before[i].backend);
    }
    cr_assert_eq(furrow_level(), 0);
}

Test(small, jobs_need_evidence_for_all_their_tasks)
{
    struct fw_habit *habit;

    run(look, 2, NULL);
    habit = fw_habit_last();
    habit->tasks.longest_ns = 2000;
    cr_assert(fw_habit_last()->known);
    cr_assert(fw_small_fits(habit, 2, false));
    cr_assert_not(fw_small_fits(habit, 3, false), "6 us are not small");
    cr_assert(fw_small_fits(habit, 20, true), "but are beside waking a thread");
    cr_assert_not(fw_small_fits(habit, 21, true));
    cr_assert_not(fw_small_fits(habit, SIZE_MAX, true));
    habit->tasks.longest_ns = 0;
    cr_assert_not(fw_small_fits(habit, 1, false), "without evidence no task is delayed");
    cr_assert_not(fw_small_fits(habit, 1, true));
}

Test(small, evidence_is_not_spoilt_by_a_pause)
{
    static const struct {
        struct fw_evidence before;
        uint64_t ns;
        bool paused;
        struct fw_evidence after;
    } rows[] = {
        { { 0, false }, 30, false, { 30, false } },          /* the first */
        { { 0, false }, 3000, true, { 3000, true } },
        { { 3000, true }, 30, false, { 30, false } },        /* what a pause may explain is forgotten */
        { { 3000, true }, 4000, true, { 3000, true } },
        { { 3000, false }, 30, false, { 2625, false } },     /* one slow moment fades */
        { { 30, false }, 3000, false, { 3000, false } },     /* tasks became longer */
        { { 30, false }, 25030, true, { 30, false } },       /* so much is the caches' */
        { { 30, false }, 25031, true, { 25031, false } },    /* more is not */
        { { 3000, false }, 30, true, { 2625, false } },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct fw_evidence after = fw_evidence_after(rows[i].before, rows[i].ns, rows[i].paused);

        cr_assert_eq(after.longest_ns, rows[i].after.longest_ns, "row %zu: %lu", i, (unsigned long)after.longest_ns);
        cr_assert_eq(after.cold, rows[i].after.cold, "row %zu", i);
    }
}

static int add(furrow_task *task)
{
    *(int *)task->out = *(const int *)task->in + (int)task->index;
    return 0;
}

/* What a job like the one before must not take over from it. */
Test(small, jobs_like_the_one_before_have_their_own_arrays_and_outcomes)
{
    const furrow_config config = two_threads();
    int in[2][2] = { { 10, 20 }, { 30, 40 } }, out[2][2] = { { 0 } };
    unsigned char outcome[2][2];
    furrow_report report;

    for (int i = 0; i < 64; i++) {
        const int k = i % 2;
        const furrow_job job = { .run = add, .count = 2, .in = in[k], .in_size = sizeof(int), .out = out[k],
                                 .out_size = sizeof(int), .outcome = outcome[k] };

        memset(out, 0, sizeof out);
        memset(outcome, 99, sizeof outcome);
        cr_assert_eq(furrow_map(&job, &config, i % 3 == 0 ? &report : NULL), FURROW_OK);
        cr_assert_eq(out[k][0], in[k][0]);
        cr_assert_eq(out[k][1], in[k][1] + 1);
        cr_assert_eq(out[1 - k][0], 0);
        cr_assert_eq(outcome[k][1], FURROW_DONE);
        cr_assert_eq(outcome[1 - k][1], 99);
        if (i % 3 == 0)
            cr_assert_eq(report.done, 2);
        fw_habit_last()->tasks.longest_ns = 10;
    }
}

/* What was right the last time is looked at again where it differs. */
Test(small, jobs_almost_like_the_one_before_are_checked)
{
    furrow_config config = two_threads();
    furrow_job job = { .run = look, .count = 2 };
    furrow_config odd = config;
    char name[] = "openmp";

    for (int i = 0; i < 3; i++) {
        cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_OK);
        fw_habit_last()->tasks.longest_ns = 900;
    }
    job.in_size = 8;
    cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    job.in_size = 0;
    job.reserved[3] = 1;
    cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    job.reserved[3] = 0;
    job.run = NULL;
    cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    job.run = look;
    odd.jobs = 0;
    cr_assert_eq(furrow_map(&job, &odd, NULL), FURROW_EINVAL);
    odd = config;
    odd.timeout = NAN;
    cr_assert_eq(furrow_map(&job, &odd, NULL), FURROW_EINVAL);
    config.backend = name;
    cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_OK);
    name[0] = 'x'; /* the same address, another name */
    cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_EBACKEND);
    cr_assert(strstr(furrow_message(), "xpenmp") != NULL);
}

/* The first task lasts until a further one has started on another thread: on the
 * caller alone it would last for ever. */
static int wait_for_company(furrow_task *task)
{
    const struct timespec step = { 0, 100000 };
    const time_t end = time(NULL) + PATIENCE;

    look(task);
    if (task->index > 1) {
        if (!pthread_equal(pthread_self(), caller))
            atomic_fetch_add(&elsewhere, 1);
        return 0;
    }
    if (task->index == 0) { /* far beyond ten times the evidence */
        nanosleep(&step, NULL);
        return 0;
    }
    while (atomic_load(&elsewhere) == 0 && time(NULL) < end)
        nanosleep(&step, NULL);
    return 0;
}

Test(small, jobs_whose_tasks_become_long_go_on_at_the_backend)
{
    furrow_report report;

    atomic_store(&elsewhere, 1);
    run(wait_for_company, COUNT, NULL);
    fw_habit_last()->tasks.longest_ns = 10;
    atomic_store(&elsewhere, 0);
    run(wait_for_company, COUNT, &report);
    cr_assert_gt(atomic_load(&elsewhere), 0, "the caller ran all tasks by itself");
    cr_assert_eq(report.done, COUNT);
    cr_assert(pthread_equal(seen[0].thread, caller), "the first task stayed on the caller");
}

/* In a thread of its own, while another job holds all CPUs. */
static void *run_with_what_is_left(void *unused)
{
    int cpus;

    run(look, 2, NULL);
    cpus = seen[0].cpus;
    cr_assert_not(fw_habit_last()->all_free);
    fw_habit_last()->tasks.longest_ns = 900;
    run(look, 2, NULL);
    cr_assert_eq(seen[0].cpus, cpus);
    return unused;
}

static int run_beside(furrow_task *task)
{
    pthread_t other;

    (void)task;
    cr_assert_eq(pthread_create(&other, NULL, run_with_what_is_left, NULL), 0);
    cr_assert_eq(pthread_join(other, NULL), 0);
    return 0;
}

Test(small, jobs_beside_another_one_have_what_it_leaves)
{
    const furrow_config config = two_threads();
    const furrow_job outer = { .run = run_beside, .count = 1 };

    cr_assert_eq(furrow_map(&outer, &config, NULL), FURROW_OK);
}

Test(small, jobs_are_told_apart_by_what_they_are)
{
    const furrow_config config = two_threads();
    const furrow_job other = { .run = look, .count = 2, .user = &elsewhere };
    struct fw_habit *habit;

    run(look, 2, NULL);
    habit = fw_habit_last();
    cr_assert_eq(furrow_map(&other, &config, NULL), FURROW_OK);
    cr_assert_neq(fw_habit_last(), habit, "another user pointer is another job");
    run(look, 2, NULL);
    cr_assert_eq(fw_habit_last(), habit);
    run(look, 3, NULL);
    cr_assert_neq(fw_habit_last(), habit, "another number of tasks is another job");
}

Test(small, jobs_with_ever_new_data_use_the_plan_of_one_like_them)
{
    const furrow_config config = two_threads();
    furrow_job job = { .run = look, .count = 2 };
    struct fw_habit *first, *habit;
    char data[100];

    run(look, 2, NULL);
    run(look, 2, NULL);
    first = fw_habit_last(); /* came again */
    for (int i = 0; i < 100; i++) {
        job.user = &data[i];
        memset(runs, 0, sizeof runs);
        cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_OK);
        cr_assert_eq(atomic_load(&runs[0]) + atomic_load(&runs[1]), 2);
        habit = fw_habit_last();
        cr_assert_neq(habit, first, "one that came again keeps its place");
        cr_assert_eq(habit->user, job.user);
    }
    run(look, 2, NULL);
    cr_assert_eq(fw_habit_last(), first);
    job.user = &data[50];
    cr_assert_eq(furrow_map(&job, &config, NULL), FURROW_OK);
    cr_assert_eq(fw_habit_last()->again, 0, "what is new has no evidence");
}

static int fail(furrow_task *task)
{
    atomic_fetch_add(&runs[task->index], 1);
    return task->index == 1 ? furrow_task_fail(task, 7, "no luck") : 0;
}

Test(small, jobs_that_failed_leave_nothing_to_the_next_one)
{
    const furrow_config config = two_threads();
    furrow_job job = { .run = fail, .count = 2 };
    furrow_report report;

    for (int i = 0; i < 4; i++) {
        cr_assert_eq(furrow_map(&job, &config, &report), FURROW_ETASK);
        cr_assert_eq(report.failed, 1);
        cr_assert_eq(report.failures, 1);
        cr_assert_eq(report.code, 7);
        cr_assert(strstr(report.message, "no luck") != NULL);
        fw_habit_last()->tasks.longest_ns = 10;
        job.count = 1; /* the failing one is not there */
        cr_assert_eq(furrow_map(&job, &config, &report), FURROW_OK);
        cr_assert_eq(report.failed, 0);
        cr_assert_eq(report.failures, 0);
        cr_assert_str_eq(report.message, "");
        job.count = 2;
    }
}
