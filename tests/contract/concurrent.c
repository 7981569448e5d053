/* Jobs at the same time, from threads of all kinds. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "promises.h"

/* -- All workers at once -------------------------------------------------- */

struct meeting {
    atomic_uint *met;
    unsigned workers;
};

static int meet(furrow_task *task)
{
    const struct meeting *meeting = task->shared;

    atomic_fetch_add(meeting->met, 1);
    CHECK(wait_until(meeting->met, meeting->workers));
    return 0;
}

void met_by_all(const struct row *row, atomic_uint *met)
{
    struct meeting meeting = { met, (unsigned)row->workers };
    furrow_config config = row_config(row);
    furrow_job job = { .run = meet,
                       .count = (size_t)row->workers,
                       .shared = &meeting,
                       .shared_size = sizeof meeting };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(look(met), row->workers);
}

void workers_at_the_same_time(const struct row *row)
{
    for (int i = 0; i < 5; i++)
        met_by_all(row, board(sizeof(atomic_uint)));
}

/* -- From four threads ---------------------------------------------------- */

enum { THREADS_OF_OURS = 4, ROUNDS = 12, COUNT = 300 };

struct caller {
    const struct row *row;
    unsigned number, results;
    atomic_uint *arrived; /* callers that are there */
};

static int mix(furrow_task *task)
{
    const unsigned *number = task->shared;

    *(uint64_t *)task->out = task->index * 7 + *number;
    return 0;
}

static int mix_but_one(furrow_task *task)
{
    const unsigned *number = task->shared;

    if (task->index == 100 + *number)
        return furrow_task_fail(task, 50 + (int)*number, "caller %u", *number);
    return mix(task);
}

static void check_mixed(const struct caller *caller, furrow_job job)
{
    uint64_t out[COUNT] = { 0 };
    furrow_config config = row_config(caller->row);
    furrow_report report;
    size_t wrong = 0;

    job.run = mix;
    job.out = out;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.level, 0);
    CHECK_EQ(report.done, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        wrong += out[i] != i * 7 + caller->number;
    CHECK_EQ(wrong, 0);
}

static void check_failing(const struct caller *caller, furrow_job job)
{
    uint64_t out[COUNT];
    furrow_config config = row_config(caller->row);
    furrow_report report;

    job.run = mix_but_one;
    job.out = out;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.code, 50 + caller->number);
    CHECK_EQ(report.failure[0].index, 100 + caller->number);
    CHECK_TEXT(furrow_message(), report.message); /* this thread's own */
    check_tally(&report, NULL, COUNT);
}

static int take_mixed(const furrow_result *result, void *user)
{
    struct caller *caller = user;

    caller->results++;
    CHECK_EQ(*(const uint64_t *)result->out, result->index * 7 + caller->number);
    return 0;
}

static void *call(void *argument)
{
    struct caller *caller = argument;
    furrow_job job = { .count = COUNT,
                       .out_size = sizeof(uint64_t),
                       .shared = &caller->number,
                       .shared_size = sizeof caller->number,
                       .user = caller };

    atomic_fetch_add(caller->arrived, 1);
    CHECK(wait_until(caller->arrived, THREADS_OF_OURS));
    for (unsigned i = 0; i < ROUNDS; i++) {
        job.on_result = i % 3 == 1 ? take_mixed : NULL;
        if (i % 3 == 2)
            check_failing(caller, job);
        else
            check_mixed(caller, job);
    }
    CHECK_EQ(caller->results, ROUNDS / 3 * COUNT);
    return NULL;
}

void from_four_threads(const struct row *row)
{
    pthread_t thread[THREADS_OF_OURS];
    struct caller caller[THREADS_OF_OURS];
    atomic_uint *arrived = board(sizeof *arrived);
    unsigned made = 0;

    for (; made < THREADS_OF_OURS; made++) {
        caller[made] = (struct caller){ row, made, 0, arrived };
        if (!CHECK(pthread_create(&thread[made], NULL, call, &caller[made]) == 0))
            break;
    }
    for (unsigned i = 0; i < made; i++)
        pthread_join(thread[i], NULL);
}

/* -- From a plain thread -------------------------------------------------- */

static int see_row(furrow_task *task)
{
    const struct row *row = task->shared;

    CHECK_TEXT(furrow_backend_name(), row->backend);
    CHECK_EQ(furrow_level(), row->place == IN_CALLER ? 0 : 1);
    return 0;
}

static void *plain_thread(void *argument)
{
    const struct row *row = argument;
    furrow_config config;
    furrow_job job = { .run = see_row, .count = 40, .shared = row };
    furrow_report report;

    CHECK_EQ(furrow_level(), 0);
    CHECK_TEXT(furrow_backend_name(), "none");
    CHECK_TEXT(furrow_message(), "");
    /* Scopes are the thread's own. */
    CHECK_STATUS(furrow_config_get(&config), FURROW_OK);
    CHECK_EQ(config.retries, 0);
    CHECK_STATUS(furrow_config_pop(), FURROW_EINVAL);
    config = row_config(row);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.level, 0);
    CHECK_EQ(report.workers, row->workers);
    CHECK_EQ(report.done, 40);
    return NULL;
}

void from_a_plain_thread(const struct row *row)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    pthread_t thread;

    config.retries = 5;
    CHECK_STATUS(furrow_config_push(&config), FURROW_OK);
    if (CHECK(pthread_create(&thread, NULL, plain_thread, (void *)row) == 0))
        pthread_join(thread, NULL);
    CHECK_STATUS(furrow_config_pop(), FURROW_OK);
}

/* -- Leases --------------------------------------------------------------- */

/* A job that holds its lease until it is told to end. */
struct holder {
    const struct row *row;
    atomic_uint *words; /* [0]: it runs, [1]: end */
    furrow_report report;
};

static int hold(furrow_task *task)
{
    atomic_uint *words = (atomic_uint *)task->shared;

    atomic_store(&words[0], 1);
    CHECK(wait_until(&words[1], 1));
    return 0;
}

static void *hold_all(void *argument)
{
    struct holder *holder = argument;
    furrow_config config = row_config(holder->row);
    furrow_job job = { .run = hold, .count = 1, .shared = holder->words };

    CHECK_STATUS(furrow_map(&job, &config, &holder->report), FURROW_OK);
    return NULL;
}

static int see_one_cpu(furrow_task *task)
{
    CHECK_EQ(furrow_cpu_count(0), 1);
    CHECK_EQ(task->cpus, 1);
    return 0;
}

void leases_from_free_cpus(const struct row *row)
{
    struct holder holder = { .row = row, .words = board(2 * sizeof(atomic_uint)) };
    int cpus = furrow_cpu_count(0);
    furrow_config config = row_config(row);
    furrow_job job = { .run = see_one_cpu, .count = 20 };
    furrow_report report;
    pthread_t thread;

    if (row->place == IN_CALLER) {
        skip("its jobs lease nothing");
        return;
    }
    if (!CHECK(pthread_create(&thread, NULL, hold_all, &holder) == 0))
        return;
    CHECK(wait_until(&holder.words[0], 1));
    /* All are taken: one for each worker, and one worker where furrow chooses. */
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, row->workers);
    CHECK_EQ(report.cpus_max, 1);
    CHECK_STATUS(furrow_plan(NULL, NULL, &report), FURROW_OK);
    CHECK_EQ(report.workers, 1);
    CHECK_TEXT(report.backend, "sequential");
    /* What the thread may use is the program's. */
    CHECK_EQ(furrow_cpu_count(0), cpus);
    atomic_store(&holder.words[1], 1);
    pthread_join(thread, NULL);
    CHECK_EQ(holder.report.cpus_max, cpus);
    CHECK_STATUS(furrow_plan(NULL, &config, &report), FURROW_OK);
    CHECK_EQ(report.cpus_max, row->workers > cpus ? 1 : (cpus + row->workers - 1) / row->workers);
}

void leases_of_eight(const struct row *row)
{
    static const char *const variables[] = { EIGHT_CPUS, NULL };

    if (row->place == IN_CALLER)
        skip("its jobs lease nothing");
    else
        check_apart(row, "leases_from_free_cpus", variables, NULL);
}

/* -- Threads that a task starts ------------------------------------------- */

static void *thread_of_a_task(void *argument)
{
    furrow_job job = { .run = see_one_cpu, .count = 20 };
    furrow_report report;

    CHECK_EQ(furrow_level(), 0);
    CHECK_TEXT(furrow_backend_name(), "none");
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK_EQ(report.level, 0);
    CHECK_EQ(report.workers, 1);
    CHECK_TEXT(report.backend, "sequential");
    return argument;
}

static int start_thread(furrow_task *task)
{
    pthread_t thread;

    (void)task;
    if (CHECK(pthread_create(&thread, NULL, thread_of_a_task, NULL) == 0))
        pthread_join(thread, NULL);
    return 0;
}

void threads_of_tasks(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = start_thread, .count = 4 };

    if (row->place != THREADS) {
        skip("tasks are not on threads that share the program's CPUs");
        return;
    }
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}
