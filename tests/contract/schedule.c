/* Who runs what when: very many tasks, tasks of known cost, slow patches. */
#include <math.h>
#include <sched.h>
#include <stdlib.h>

#include "promises.h"

static const size_t huge = ((size_t)1 << 32) + 5;

/* -- 2^32 + 5 tasks ------------------------------------------------------- */

static int unexpected(furrow_task *task)
{
    (void)task;
    CHECK(!"a task of a job that was only planned");
    return 0;
}

void huge_planned(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = unexpected, .count = huge };
    furrow_report report;

    CHECK_STATUS(furrow_plan(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, row->workers);
    CHECK_TEXT(report.backend, row->backend);
    CHECK_EQ(report.done, 0);
}

static int fail_at_once(furrow_task *task)
{
    return furrow_task_fail(task, 7, "%zu", task->index);
}

static int fail_at_five(furrow_task *task)
{
    return task->index == 5 ? furrow_task_fail(task, 7, "%zu", task->index) : 0;
}

/* A failure says in its words which task it was. */
static void check_failures(const furrow_report *report)
{
    CHECK_EQ(report->failures, report->failed);
    for (int i = 0; i < report->failures; i++) {
        CHECK_EQ(report->failure[i].index, strtoull(report->failure[i].message, NULL, 10));
        CHECK(report->failure[i].index < huge);
        CHECK_EQ(report->failure[i].code, 7);
    }
}

void huge_stops(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_at_five, .count = huge };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    check_tally(&report, NULL, huge);
    check_failures(&report);
    CHECK_EQ(report.failed, 1);
    CHECK_EQ(report.failure[0].index, 5);
    if (row->place == IN_CALLER)
        CHECK_EQ(report.done, 5);

    job.run = fail_at_once;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    check_tally(&report, NULL, huge);
    check_failures(&report);
    CHECK(report.failed >= 1 && report.failed <= (uint64_t)row->workers);
    CHECK_EQ(report.done, 0);
}

/* -- Costs ---------------------------------------------------------------- */

struct starts {
    atomic_uint started; /* tasks */
    unsigned workers;
    atomic_uint rank[64]; /* how many had started before this one */
};

/* The first `workers` tasks wait for each other, so that a worker that is slow
 * to begin does not hide what it took first. */
static int note_start(furrow_task *task)
{
    struct starts *starts = (struct starts *)task->shared;
    unsigned rank = atomic_fetch_add(&starts->started, 1);

    atomic_store(&starts->rank[task->index], rank);
    if (rank < starts->workers)
        CHECK(wait_until(&starts->started, starts->workers));
    return 0;
}

void dear_task_first(const struct row *row)
{
    struct starts *starts = board(sizeof *starts);
    furrow_config config = row_config(row);
    float cost[64];
    furrow_job job = { .run = note_start, .count = 64, .shared = starts, .cost = cost };

    for (int i = 0; i < 64; i++)
        cost[i] = 1;
    cost[63] = 100;
    starts->workers = (unsigned)row->workers;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK(look(&starts->rank[63]) < starts->workers);
    CHECK_EQ(look(&starts->started), 64);
}

static int note_rank(furrow_task *task)
{
    struct starts *starts = (struct starts *)task->shared;

    atomic_store(&starts->rank[task->index], atomic_fetch_add(&starts->started, 1));
    return 0;
}

void dear_tasks_in_order(const struct row *row)
{
    struct starts *starts = board(sizeof *starts);
    furrow_config config = row_config(row);
    float cost[64] = { 0 };
    furrow_job job = { .run = note_rank, .count = 64, .shared = starts, .cost = cost };

    config.jobs = 1;
    cost[20] = 50;
    cost[40] = 100;
    cost[60] = 75;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(look(&starts->rank[40]), 0);
    CHECK_EQ(look(&starts->rank[60]), 1);
    CHECK_EQ(look(&starts->rank[20]), 2);
    CHECK_EQ(look(&starts->started), 64);
}

void costs_without_meaning(const struct row *row)
{
    static const float bad[] = { -1.0f, NAN, INFINITY };
    furrow_config config = row_config(row);
    float cost[10] = { 0 };
    furrow_job job = { .run = unexpected, .count = 10, .cost = cost };
    furrow_report report;

    for (int i = 0; i < 3; i++) {
        cost[7] = bad[i];
        CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EINVAL);
        CHECK_SAYS(report.message, "cost");
        CHECK_SAYS(report.message, "7");
        CHECK_TEXT(furrow_message(), report.message);
    }
}

/* -- A patch of slow tasks in a field of fast ones ------------------------ */

enum { FIELD = 400000, PATCH = 100000, SLOW = 64, MOST_WORKERS = 16 };

struct field {
    atomic_uint started[MOST_WORKERS]; /* tasks, by worker */
    atomic_uint left;                  /* tasks not started yet */
    atomic_uint alone[MOST_WORKERS];   /* the worker's last slow task ran alone */
    atomic_uint alone_twice;           /* slow tasks that ran alone, as the worker's slow task before */
    atomic_uint slow;
};

static int name_worker(int worker, const void *shared, void **state)
{
    static unsigned numbers[MOST_WORKERS];

    (void)shared;
    numbers[worker] = (unsigned)worker;
    *state = &numbers[worker];
    return 0;
}

static unsigned started_elsewhere(const struct field *field, unsigned me)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < MOST_WORKERS; i++)
        if (i != me)
            sum += look(&field->started[i]);
    return sum;
}

/* Lasts until another worker starts a task or none is left to start. Where that
 * does not come soon the others have nothing to do, although there are tasks:
 * may happen once, until this worker looks up. */
static bool left_alone(const struct field *field, unsigned me)
{
    unsigned before = started_elsewhere(field, me);
    double end = now() + 0.5;

    while (started_elsewhere(field, me) == before && look(&field->left) > 0) {
        if (now() > end)
            return true;
        sched_yield();
    }
    return false;
}

static int walk(furrow_task *task)
{
    struct field *field = (struct field *)task->shared;
    unsigned me = *(unsigned *)task->state;
    bool alone;

    atomic_fetch_add(&field->started[me], 1);
    atomic_fetch_sub(&field->left, 1);
    if (task->index < PATCH || task->index >= PATCH + SLOW)
        return 0;
    atomic_fetch_add(&field->slow, 1);
    alone = left_alone(field, me);
    if (alone && look(&field->alone[me]))
        atomic_fetch_add(&field->alone_twice, 1);
    atomic_store(&field->alone[me], alone);
    return 0;
}

void nobody_idles(const struct row *row)
{
    furrow_config config = row_config(row);
    struct field *field;
    furrow_job job = { .run = walk, .count = FIELD, .worker_begin = name_worker };

    if (row->workers == 1) {
        skip("one worker");
        return;
    }
    field = board(sizeof *field);
    job.shared = field;
    atomic_store(&field->left, FIELD);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(look(&field->left), 0);
    CHECK_EQ(look(&field->slow), SLOW);
    CHECK_EQ(look(&field->alone_twice), 0);
}
