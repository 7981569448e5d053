/* Jobs and the program's own OpenMP: inside its parallel regions, beside its
 * settings, around its regions in tasks. The only file of the contract with
 * OpenMP constructs. */
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "promises.h"

enum { TEAM = 2, COUNT = 200 };

static int square(furrow_task *task)
{
    *(uint64_t *)task->out = (uint64_t)task->index * task->index + 1;
    return 0;
}

/* A job with these outputs; as many wrong ones are returned. */
static size_t squares(const furrow_config *config, furrow_report *report)
{
    uint64_t out[COUNT] = { 0 };
    furrow_job job = { .run = square, .count = COUNT, .out = out, .out_size = sizeof *out };
    size_t wrong = 0;

    CHECK_STATUS(furrow_map(&job, config, report), FURROW_OK);
    for (size_t i = 0; i < COUNT; i++)
        wrong += out[i] != i * i + 1;
    return wrong;
}

/* -- In a region ---------------------------------------------------------- */

/* What a job that asks for the row gets where the lease is so large. */
static void check_member(const struct row *row, const furrow_report *report, int lease)
{
    int most = row->workers < lease ? row->workers : lease;
    bool replaced = row->place == PROCESSES;

    CHECK_EQ(report->level, 0);
    CHECK_EQ(report->done, COUNT);
    CHECK_EQ(report->workers, row->place == IN_CALLER ? 1 : most);
    if (!replaced) {
        CHECK_TEXT(report->backend, row->backend);
        return;
    }
    CHECK_TEXT(report->backend, most > 1 ? "openmp" : "sequential");
    CHECK_SAYS(report->reason, row->backend);
    CHECK_SAYS(report->reason, "parallel region");
}

/* Every member of a team starts a job at the same time. */
static void members(const struct row *row, int team)
{
    int cpus = furrow_cpu_count(0);

#pragma omp parallel num_threads(team)
    {
        furrow_config config = row_config(row);
        furrow_report report;
        int size = omp_get_num_threads();

        CHECK_EQ(furrow_level(), 0);
        CHECK_TEXT(furrow_backend_name(), "none");
        config.strict = false;
        CHECK_EQ(squares(&config, &report), 0);
        check_member(row, &report, cpus / size > 1 ? cpus / size : 1);
        config.strict = true;
        if (row->place == PROCESSES)
            CHECK_STATUS(furrow_plan(NULL, &config, NULL), FURROW_EBACKEND);
    }
}

void in_a_region(const struct row *row)
{
    members(row, TEAM);
    members(row, 4);
}

void in_a_region_of_eight(const struct row *row)
{
    static const char *const variables[] = { EIGHT_CPUS, "FURROW_LOG=quiet", NULL };

    check_apart(row, "in_a_region", variables, NULL);
}

static int start_row(furrow_task *task)
{
    const struct row *row = task->shared;
    furrow_config config = row_config(row);
    int lease = furrow_cpu_count(0) / omp_get_num_threads();
    furrow_report report;

    config.strict = false;
    CHECK_EQ(squares(&config, &report), 0);
    check_member(row, &report, lease > 1 ? lease : 1);
    return 0;
}

/* The sequential backend's tasks are where its caller is: in the region. */
void sequential_in_a_region(const struct row *row)
{
#pragma omp parallel num_threads(TEAM)
    {
        furrow_config config = row_config(row_find("sequential"));
        furrow_job job = { .run = start_row, .count = 2, .shared = row };

        CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    }
}

/* -- Settings ------------------------------------------------------------- */

struct settings {
    int threads, levels, dynamic, chunk, level, active;
    omp_sched_t schedule;
};

static struct settings settings_now(void)
{
    struct settings now = { .threads = omp_get_max_threads(),
                            .levels = omp_get_max_active_levels(),
                            .dynamic = omp_get_dynamic(),
                            .level = omp_get_level(),
                            .active = omp_get_active_level() };

    omp_get_schedule(&now.schedule, &now.chunk);
    return now;
}

static void check_settings(const struct settings *before)
{
    struct settings after = settings_now();

    CHECK_EQ(after.threads, before->threads);
    CHECK_EQ(after.levels, before->levels);
    CHECK_EQ(after.dynamic, before->dynamic);
    CHECK_EQ(after.schedule, before->schedule);
    CHECK_EQ(after.chunk, before->chunk);
    CHECK_EQ(after.level, before->level);
    CHECK_EQ(after.active, before->active);
}

static int fail_all(furrow_task *task)
{
    (void)task;
    return 1;
}

static int take(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

static int nested_squares(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    (void)task;
    config.jobs = 2;
    CHECK_EQ(squares(&config, NULL), 0);
    return 0;
}

static void nothing(size_t begin, size_t end, void *user)
{
    (void)begin, (void)end, (void)user;
}

/* Jobs of all kinds leave OpenMP as it is here. */
static void jobs_keep_settings(const struct row *row)
{
    const struct settings before = settings_now();
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_all, .count = COUNT };
    furrow_report report;

    config.strict = false; /* in a region a process backend is replaced */
    CHECK_EQ(squares(&config, &report), 0);
    check_settings(&before);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    check_settings(&before);
    job = (furrow_job){ .run = nested_squares, .count = 10 };
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    check_settings(&before);
    job.on_result = take;
    config.inner_threads = 2;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    check_settings(&before);
    CHECK_STATUS(furrow_for(COUNT, nothing, NULL, &config), FURROW_OK);
    check_settings(&before);
}

void openmp_as_before(const struct row *row)
{
    const struct settings before = settings_now();

    jobs_keep_settings(row);
    omp_set_num_threads(5);
    omp_set_max_active_levels(3);
    omp_set_dynamic(1);
    omp_set_schedule(omp_sched_guided, 7);
    jobs_keep_settings(row);
#pragma omp parallel num_threads(TEAM)
    jobs_keep_settings(row);
    omp_set_num_threads(before.threads);
    omp_set_max_active_levels(before.levels);
    omp_set_dynamic(before.dynamic);
    omp_set_schedule(before.schedule, before.chunk);
}

void all_workers_whatever_openmp_says(const struct row *row)
{
    const struct settings before = settings_now();
    furrow_config config = row_config(row);
    atomic_uint *met = board(sizeof *met);
    furrow_report report;

    omp_set_num_threads(1);
    omp_set_max_active_levels(0);
    omp_set_dynamic(1);
    CHECK_EQ(squares(&config, &report), 0);
    CHECK_EQ(report.workers, row->workers);
    met_by_all(row, met);
    omp_set_num_threads(before.threads);
    omp_set_max_active_levels(before.levels);
    omp_set_dynamic(before.dynamic);
}

/* -- Regions inside tasks ------------------------------------------------- */

struct inner {
    int asked; /* inner threads; 0: the worker's share */
};

static int region_in_task(furrow_task *task)
{
    const struct inner *inner = task->shared;
    int size = 0, below = 0;

    if (inner->asked > 0)
        CHECK_EQ(task->cpus, inner->asked);
    CHECK_EQ(omp_get_max_threads(), task->cpus);
#pragma omp parallel
    {
#pragma omp single
        size = omp_get_num_threads();
#pragma omp parallel reduction(max : below)
        below = omp_get_num_threads();
    }
    CHECK_EQ(size, task->cpus);
    CHECK_EQ(below, 1);
    omp_set_num_threads(9); /* for this task alone */
    return 0;
}

static void regions(const struct row *row, int jobs, int inner_threads)
{
    struct inner inner = { inner_threads };
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = region_in_task, .count = 1, .shared = &inner, .shared_size = sizeof inner
    };

    config.jobs = jobs;
    config.inner_threads = inner_threads;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

void regions_in_tasks(const struct row *row)
{
    const struct settings before = settings_now();

    for (int inner = 1; inner <= 3; inner++) {
        regions(row, 1, inner);
        regions(row, row->workers, inner);
    }
    if (row->place != IN_CALLER) {
        regions(row, 1, 0);
        regions(row, row->workers, 0);
    }
    check_settings(&before);
}

/* -- The threads of the program ------------------------------------------- */

struct member {
    pid_t thread;
    int state;
};

static void note_team(struct member *members, int team, int (*look_at)(void))
{
#pragma omp parallel num_threads(team)
    members[omp_get_thread_num()] = (struct member){ (pid_t)syscall(SYS_gettid), look_at() };
}

/* libgomp ends threads that a smaller team does not need; new ones start with
 * what their maker has. */
void openmp_threads_as_before(int (*look_at)(void), contract_fn *during, const struct row *row)
{
    enum { POOL = 4 };
    struct member before[POOL] = { { 0 } }, after[POOL] = { { 0 } };

    note_team(before, POOL, look_at);
    during(row);
    note_team(after, POOL, look_at);
    for (int i = 0; i < POOL; i++)
        for (int j = 0; j < POOL; j++)
            if (before[i].thread != 0 && before[i].thread == after[j].thread)
                CHECK_EQ(after[j].state, before[i].state);
}
