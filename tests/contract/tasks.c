/* Which tasks run, and what they see and leave. */
#include <stdlib.h>

#include "promises.h"

/* -- How many ------------------------------------------------------------- */

static int hit(furrow_task *task)
{
    atomic_uint *hits = (atomic_uint *)task->shared;

    atomic_fetch_add(&hits[task->index], 1);
    return 0;
}

static int hit_nothing(furrow_task *task)
{
    (void)task;
    CHECK(!"a task of a job without tasks");
    return 0;
}

static int no_begin(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    CHECK(!"a worker of a job without tasks");
    return 0;
}

static int no_result(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    CHECK(!"a result of a job without tasks");
    return 0;
}

/* Runs `count` tasks with this config and checks that each ran once. */
static void hit_each(size_t count, const furrow_config *config, furrow_report *report)
{
    atomic_uint *hits = board(count * sizeof *hits);
    unsigned char *outcome = malloc(count);
    furrow_job job = { .run = hit, .count = count, .shared = hits, .outcome = outcome };
    size_t not_once = 0;

    memset(outcome, 0xAA, count);
    CHECK_STATUS(furrow_map(&job, config, report), FURROW_OK);
    for (size_t i = 0; i < count; i++)
        not_once += look(&hits[i]) != 1;
    CHECK_EQ(not_once, 0);
    CHECK_EQ(report->done, count);
    CHECK_EQ(report->status, FURROW_OK);
    check_tally(report, outcome, count);
    free(outcome);
}

void each_task_once(const struct row *row)
{
    static const size_t counts[] = { 1, 2, 7, 1000, 100003 };
    furrow_config config = row_config(row);
    furrow_report report;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        hit_each(counts[i], &config, &report);
        CHECK_TEXT(report.backend, row->backend);
        CHECK_TEXT(report.message, "");
    }
}

void every_batch(const struct row *row)
{
    static const size_t batches[] = { 1, 7, 0, 5000 };
    furrow_config config = row_config(row);
    furrow_report report;

    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        config.batch = batches[i];
        hit_each(1009, &config, &report);
        CHECK(report.batch >= 1);
        CHECK(batches[i] == 0 || report.batch <= batches[i]);
    }
}

void zero_tasks(const struct row *row)
{
    furrow_job job = { .run = hit_nothing, .worker_begin = no_begin, .on_result = no_result };
    furrow_config config = row_config(row);
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    check_tally(&report, NULL, 0);
    job.on_result = NULL;
    job.worker_begin = NULL;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

void one_task(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_report report;

    hit_each(1, &config, &report);
    CHECK_EQ(report.workers, 1);
    CHECK_TEXT(report.backend, row->backend);
}

void more_workers_than_tasks(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_report report;

    config.jobs = 8;
    hit_each(2, &config, &report);
    CHECK_EQ(report.workers, row->place == IN_CALLER ? 1 : 2);
    CHECK_TEXT(report.backend, row->backend);
}

/* -- Inputs and outputs --------------------------------------------------- */

/* A byte that tells task and place apart. */
static unsigned char byte_of(size_t index, size_t place)
{
    return (unsigned char)(index * 31 + place * 7 + (index >> 8) + 1);
}

struct sizes {
    size_t in, out;
};

static int copy(furrow_task *task)
{
    const struct sizes *sizes = task->shared;
    const unsigned char *in = task->in;
    unsigned char *out = task->out;
    size_t wrong = 0;

    for (size_t i = 0; i < sizes->in; i++)
        wrong += in[i] != byte_of(task->index, i);
    CHECK_EQ(wrong, 0);
    for (size_t i = 0; i < sizes->out; i++)
        out[i] = (unsigned char)~byte_of(task->index, i);
    return 0;
}

static void copy_all(const struct row *row, struct sizes sizes)
{
    enum { COUNT = 1021 };
    unsigned char *in = malloc(COUNT * sizes.in), *out = malloc(COUNT * sizes.out + 1);
    furrow_config config = row_config(row);
    furrow_job job = { .run = copy,
                       .count = COUNT,
                       .in = in,
                       .in_size = sizes.in,
                       .out = out,
                       .out_size = sizes.out,
                       .shared = &sizes,
                       .shared_size = sizeof sizes };
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT * sizes.in; i++)
        in[i] = byte_of(i / sizes.in, i % sizes.in);
    memset(out, 0, COUNT * sizes.out);
    out[COUNT * sizes.out] = 0x5A;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    for (size_t i = 0; i < COUNT * sizes.out; i++)
        wrong += out[i] != (unsigned char)~byte_of(i / sizes.out, i % sizes.out);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(out[COUNT * sizes.out], 0x5A);
    free(in);
    free(out);
}

void inputs_and_outputs(const struct row *row)
{
    static const struct sizes sizes[] = { { 3, 5 }, { 8, 1 }, { 1, 64 }, { 13, 200 } };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        copy_all(row, sizes[i]);
}

static int see_nothing(furrow_task *task)
{
    CHECK(task->in == NULL);
    CHECK(task->out == NULL);
    CHECK(task->shared == NULL);
    CHECK(task->state == NULL);
    CHECK_EQ(task->attempt, 0);
    CHECK(task->cpus >= 1);
    CHECK(!furrow_task_expired(task));
    return 0;
}

void nothing_given(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = see_nothing, .count = 50 };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

struct constants {
    double step;
    unsigned char tail[5];
};

static int see_bytes(furrow_task *task)
{
    const struct constants *constants = task->shared;

    CHECK(constants->step == 0.125);
    CHECK(memcmp(constants->tail, "tail", 5) == 0);
    return 0;
}

static const struct constants *where;
static int changed;

static int see_address(furrow_task *task)
{
    CHECK(task->shared == where);
    CHECK_EQ(changed, 17);
    return see_bytes(task);
}

void shared_data(const struct row *row)
{
    struct constants constants = { 0.125, "tail" };
    furrow_config config = row_config(row);
    furrow_job job = { .run = see_bytes,
                       .count = 50,
                       .shared = &constants,
                       .shared_size = sizeof constants };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    /* An address, and memory as it is when the job starts. */
    where = &constants;
    changed = 17;
    job.run = see_address;
    job.shared_size = 0;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    changed = 0;
}

static int aligned(furrow_task *task)
{
    size_t size = *(const size_t *)task->shared;

    CHECK_EQ(((uintptr_t)task->out - task->index * size) % 64, 0);
    memset(task->out, 1, size);
    return 0;
}

void outputs_on_cache_lines(const struct row *row)
{
    static unsigned char out[300 * 24 + 1];
    size_t size = 24;
    furrow_config config = row_config(row);
    furrow_job job = { .run = aligned,
                       .count = 300,
                       .out = out + 1,
                       .out_size = size,
                       .shared = &size,
                       .shared_size = sizeof size };

    if (row->place != PROCESSES) {
        skip("tasks write to the caller's memory");
        return;
    }
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(out[1], 1);
    CHECK_EQ(out[300 * 24], 1);
}

/* -- Seeds ---------------------------------------------------------------- */

static int keep_seed(furrow_task *task)
{
    *(uint64_t *)task->out = task->seed;
    /* Fails the first time: a retry has the same seed. */
    return task->index % 10 == 0 && task->attempt == 0;
}

void seeds(const struct row *row)
{
    static uint64_t out[500];
    furrow_config config = row_config(row);
    furrow_job job = { .run = keep_seed,
                       .count = 500,
                       .out = out,
                       .out_size = sizeof *out,
                       .seed = 20240229 };
    size_t wrong = 0;

    config.retries = 1;
    memset(out, 0, sizeof out);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    for (size_t i = 0; i < 500; i++)
        wrong += out[i] != furrow_seed(20240229, i);
    CHECK_EQ(wrong, 0);
    /* SplitMix64's published values for the state 0. */
    CHECK(furrow_seed(0, 0) == UINT64_C(0xE220A8397B1DCDAF));
    CHECK(furrow_seed(0, 1) == UINT64_C(0x6E789E6AA1B965F4));
    CHECK(furrow_seed(0, 2) == UINT64_C(0x06C45D188009454F));
}

/* -- The report ----------------------------------------------------------- */

static void check_whole(const furrow_report *report, furrow_status status)
{
    uint64_t reserved = 0;

    for (size_t i = 0; i < 8; i++)
        reserved |= report->reserved[i];
    CHECK_EQ(reserved, 0);
    CHECK_EQ(report->status, status);
    CHECK(report->backend != NULL && report->backend[0] != '\0');
    CHECK(memchr(report->reason, '\0', sizeof report->reason) != NULL);
    CHECK(memchr(report->message, '\0', sizeof report->message) != NULL);
    CHECK(report->wall_seconds >= 0 && report->wall_seconds < 1e6);
    CHECK(report->busy_seconds >= 0 && report->busy_seconds < 1e6);
    CHECK(report->failures >= 0 && report->failures <= FURROW_FAILURES);
    CHECK((report->message[0] == '\0') == (status == FURROW_OK));
}

static int fail_at_three(furrow_task *task)
{
    return task->index == 3 ? 5 : 0;
}

void report_whole(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_at_three, .count = 3 };
    furrow_report report;

    memset(&report, 0xAA, sizeof report);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    check_whole(&report, FURROW_OK);
    CHECK_EQ(report.failures, 0);
    CHECK_EQ(report.code, 0);
    CHECK_EQ(report.done, 3);
    CHECK_EQ(report.retried, 0);
    CHECK_EQ(report.level, 0);

    job.count = 10;
    memset(&report, 0xAA, sizeof report);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    check_whole(&report, FURROW_ETASK);
    CHECK_EQ(report.failures, 1);

    job.run = NULL;
    memset(&report, 0xAA, sizeof report);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EINVAL);
    check_whole(&report, FURROW_EINVAL);
    CHECK_TEXT(report.backend, "none");
    check_tally(&report, NULL, 0);

    /* Nobody has to want one. */
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
}

static void check_plan(const furrow_job *job, const furrow_config *config)
{
    furrow_report plan, report;

    memset(&plan, 0xAA, sizeof plan);
    CHECK_STATUS(furrow_plan(job, config, &plan), FURROW_OK);
    check_whole(&plan, FURROW_OK);
    check_tally(&plan, NULL, 0);
    CHECK_STATUS(furrow_map(job, config, &report), FURROW_OK);
    CHECK_TEXT(plan.backend, report.backend);
    CHECK_EQ(plan.level, report.level);
    CHECK_EQ(plan.workers, report.workers);
    CHECK_EQ(plan.cpus_min, report.cpus_min);
    CHECK_EQ(plan.cpus_max, report.cpus_max);
}

void plan_is_what_runs(const struct row *row)
{
    furrow_config config = row_config(row);
    int cpus = furrow_cpu_count(0), workers = row->workers;
    furrow_job job = { .run = see_nothing, .count = 40 };
    furrow_report plan;

    check_plan(&job, &config);
    CHECK_STATUS(furrow_plan(NULL, &config, &plan), FURROW_OK);
    CHECK_TEXT(plan.backend, row->backend);
    CHECK_EQ(plan.workers, workers);
    /* Leases differ by at most one CPU and sum to what there is; more workers
     * than CPUs have one each. */
    CHECK_EQ(plan.cpus_min, workers > cpus ? 1 : cpus / workers);
    CHECK_EQ(plan.cpus_max, workers > cpus ? 1 : (cpus + workers - 1) / workers);
    job.count = 1;
    check_plan(&job, &config);
}
