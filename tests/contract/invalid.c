/* What has no meaning is refused before anything runs, by name and value. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "promises.h"

/* -- The job of all refusals ---------------------------------------------- */

static atomic_uint *ran; /* tasks and callbacks of jobs that were to be refused */
static uint64_t some[4];

static int run_any(furrow_task *task)
{
    (void)task;
    atomic_fetch_add(ran, 1);
    return 0;
}

static int begin_any(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    atomic_fetch_add(ran, 1);
    return 0;
}

static int next_any(void *in, void *user)
{
    (void)in, (void)user;
    atomic_fetch_add(ran, 1);
    return FURROW_NEXT_END;
}

static int take_any(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    atomic_fetch_add(ran, 1);
    return 0;
}

/* -- The table ------------------------------------------------------------ */

#define HUGE_COUNT ((size_t)1 << 62)

/* X(id, status, field, value, what spoils a good job and a good config) */
#define BAD(X)                                                                                     \
    X(no_run, EINVAL, "job.run", "NULL", job->run = NULL)                                          \
    X(in_size_alone, EINVAL, "job.in_size", "24", (job->in = NULL, job->in_size = 24))             \
    X(in_alone, EINVAL, "job.in_size", "0", (job->in = some, job->in_size = 0))                    \
    X(out_size_alone, EINVAL, "job.out_size", "48", (job->out = NULL, job->out_size = 48))         \
    X(out_alone, EINVAL, "job.out_size", "0", (job->out = some, job->out_size = 0))                \
    X(shared_size_alone, EINVAL, "job.shared_size", "16", job->shared_size = 16)                   \
    X(in_overflows, EINVAL, "job.in_size", "4611686018427387904 x 8",                              \
      (job->count = HUGE_COUNT, job->in = some, job->in_size = 8))                                 \
    X(out_overflows, EINVAL, "job.out_size", "4611686018427387904 x 8",                            \
      (job->count = HUGE_COUNT, job->out = some, job->out_size = 8))                               \
    X(shared_and_isolated, EINVAL, "job.shared_memory", "job.isolate",                             \
      (job->shared_memory = true, job->isolate = true))                                            \
    X(order_of_nothing, EINVAL, "job.ordered", "job.on_result", job->ordered = true)               \
    X(next_and_in, EINVAL, "job.in", "job.next",                                                   \
      (job->next = next_any, job->in = some, job->in_size = 8))                                    \
    X(next_and_cost, EINVAL, "job.cost", "job.next", (job->next = next_any, job->cost = costs))    \
    X(next_and_out, EINVAL, "job.out", "count is 0",                                               \
      (job->next = next_any, job->count = 0, job->out = some, job->out_size = 8))                  \
    X(next_and_outcome, EINVAL, "job.outcome", "count is 0",                                       \
      (job->next = next_any, job->count = 0, job->outcome = outcomes))                             \
    X(cost_negative, EINVAL, "job.cost[2]", "-1", (job->cost = costs, costs[2] = -1))              \
    X(cost_nan, EINVAL, "job.cost[1]", "nan", (job->cost = costs, costs[1] = NAN))                 \
    X(job_reserved_0, EINVAL, "job.reserved[0]", "7", job->reserved[0] = 7)                        \
    X(job_reserved_3, EINVAL, "job.reserved[3]", "8", job->reserved[3] = 8)                        \
    X(jobs_0, EINVAL, "config.jobs", "0", config->jobs = 0)                                        \
    X(inner_threads, EINVAL, "config.inner_threads", "-1", config->inner_threads = -1)             \
    X(timeout_negative, EINVAL, "config.timeout", "-2.5", config->timeout = -2.5)                  \
    X(timeout_nan, EINVAL, "config.timeout", "nan", config->timeout = NAN)                         \
    X(timeout_inf, EINVAL, "config.timeout", "inf", config->timeout = INFINITY)                    \
    X(retries, EINVAL, "config.retries", "-4", config->retries = -4)                               \
    X(bind_low, EINVAL, "config.bind", "-1", config->bind = -1)                                    \
    X(bind_high, EINVAL, "config.bind", "3", config->bind = 3)                                     \
    X(config_reserved_0, EINVAL, "config.reserved[0]", "9", config->reserved[0] = 9)               \
    X(config_reserved_3, EINVAL, "config.reserved[3]", "5", config->reserved[3] = 5)               \
    X(unknown, EBACKEND, "nosuch", "sequential", config->backend = "nosuch")                       \
    X(unknown_strict, EBACKEND, "nosuch", "openmp",                                                \
      (config->backend = "nosuch", config->strict = true))                                         \
    X(unknown_empty, EBACKEND, "\"\"", "posix", config->backend = "")                              \
    X(unknown_case, EBACKEND, "OpenMP", "openmp", config->backend = "OpenMP")

enum { TASKS = 3 };
static float costs[TASKS];
static unsigned char outcomes[TASKS];

#define BAD_FUNCTION(id, status, field, value, spoil)                                              \
    static void bad_##id(furrow_job *job, furrow_config *config)                                   \
    {                                                                                              \
        (void)job, (void)config;                                                                   \
        spoil;                                                                                     \
    }
BAD(BAD_FUNCTION)
#undef BAD_FUNCTION

static const struct {
    const char *field, *value;
    furrow_status status;
    void (*spoil)(furrow_job *job, furrow_config *config);
} bad[] = {
#define BAD_ENTRY(id, status, field, value, spoil) { field, value, FURROW_##status, bad_##id },
    BAD(BAD_ENTRY)
#undef BAD_ENTRY
};

/* -- Refusals ------------------------------------------------------------- */

static void check_refused(const furrow_report *report, furrow_status status, const char *field,
                          const char *value)
{
    CHECK_EQ(report->status, status);
    CHECK_SAYS(report->message, field);
    CHECK_SAYS(report->message, value);
    CHECK_TEXT(furrow_message(), report->message);
    CHECK_TEXT(report->backend, "none");
    CHECK_EQ(report->workers, 0);
    CHECK_EQ(report->done, 0);
    CHECK_EQ(report->failures, 0);
    CHECK_EQ(look(ran), 0);
}

static void refuse(const struct row *row, size_t number)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = run_any, .count = TASKS, .worker_begin = begin_any };
    furrow_report report;

    for (int i = 0; i < TASKS; i++)
        costs[i] = 1;
    bad[number].spoil(&job, &config);
    CHECK_STATUS(furrow_map(&job, &config, &report), bad[number].status);
    check_refused(&report, bad[number].status, bad[number].field, bad[number].value);
    CHECK_STATUS(furrow_plan(&job, &config, &report), bad[number].status);
    check_refused(&report, bad[number].status, bad[number].field, bad[number].value);
    CHECK_STATUS(furrow_map(&job, &config, NULL), bad[number].status);
    CHECK_EQ(look(ran), 0);
}

void bad_fields(const struct row *row)
{
    ran = board(sizeof *ran);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(row, i);
}

void no_job(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_report report;

    ran = board(sizeof *ran);
    CHECK_STATUS(furrow_map(NULL, &config, &report), FURROW_EINVAL);
    check_refused(&report, FURROW_EINVAL, "job", "NULL");
    CHECK_STATUS(furrow_plan(NULL, &config, &report), FURROW_OK);
}

/* The same where the callers of a job would have had to look: nothing is left
 * PENDING, and a count of 0 refuses no less. */
void refused_outcomes(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = run_any, .count = TASKS, .outcome = outcomes, .on_result = take_any, .ordered = true
    };

    ran = board(sizeof *ran);
    memset(outcomes, FURROW_PENDING, sizeof outcomes);
    config.jobs = 0;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(outcomes[i], FURROW_SKIPPED);
    job.count = 0;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    CHECK_STATUS(furrow_config_get(NULL), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "config is NULL");
    CHECK_EQ(look(ran), 0);
}

/* -- Needs that no backend meets ------------------------------------------ */

void needs_not_met(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = run_any, .count = TASKS };
    furrow_report report;

    ran = board(sizeof *ran);
    if (row->place == PROCESSES) {
        job.shared_memory = true;
        CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EBACKEND);
        check_refused(&report, FURROW_EBACKEND, row->backend, "memory");
        config.strict = false;
        CHECK_STATUS(furrow_plan(&job, &config, &report), FURROW_OK);
        CHECK_TEXT(report.backend, "openmp");
        CHECK_SAYS(report.reason, row->backend);
        return;
    }
    job.isolate = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EBACKEND);
    check_refused(&report, FURROW_EBACKEND, row->backend, "isolate");
}

/* -- The environment ------------------------------------------------------ */

static void refuse_here(const char *field, const char *value, furrow_status status)
{
    const furrow_config full = { "sequential",  1, 1, 1, 1, 10.0, 1, true, true, FURROW_BIND_NONE,
                                 { 0, 0, 0, 0 } };
    furrow_job job = { .run = run_any, .count = TASKS };
    furrow_config config;
    furrow_report report;

    ran = board(sizeof *ran);
    CHECK_STATUS(furrow_map(&job, NULL, &report), status);
    check_refused(&report, status, field, value);
    CHECK_STATUS(furrow_plan(NULL, NULL, &report), status);
    check_refused(&report, status, field, value);
    if (status != FURROW_EINVAL)
        return;
    CHECK_STATUS(furrow_map(&job, &full, &report), status);
    check_refused(&report, status, field, value);
    CHECK_STATUS(furrow_config_get(&config), status);
    CHECK_SAYS(furrow_message(), field);
}

void environment_jobs_0(const struct row *row)
{
    (void)row;
    refuse_here("FURROW_JOBS", "0", FURROW_EINVAL);
}

void environment_batch(const struct row *row)
{
    (void)row;
    refuse_here("FURROW_BATCH", "-3", FURROW_EINVAL);
}

void environment_timeout(const struct row *row)
{
    (void)row;
    refuse_here("FURROW_TIMEOUT", "soon", FURROW_EINVAL);
}

void environment_backend(const struct row *row)
{
    (void)row;
    refuse_here("nosuch", "sequential", FURROW_EBACKEND);
}

static int see_defaults(furrow_task *task)
{
    furrow_config config;

    (void)task;
    CHECK_STATUS(furrow_config_get(&config), FURROW_OK);
    CHECK(config.backend == NULL);
    CHECK_EQ(config.jobs, -1);
    CHECK_EQ(config.retries, 0);
    CHECK_EQ(config.batch, 0);
    return 0;
}

/* FURROW_BACKEND, FURROW_JOBS, FURROW_RETRIES and FURROW_BATCH are the row's, 3
 * and 4: of level 0 alone. */
void environment_applies(const struct row *row)
{
    furrow_job job = { .run = see_defaults, .count = 20 };
    furrow_config config;
    furrow_report report;

    CHECK_STATUS(furrow_config_get(&config), FURROW_OK);
    CHECK_TEXT(config.backend, row->backend);
    CHECK_EQ(config.jobs, row->workers);
    CHECK_EQ(config.retries, 3);
    CHECK_EQ(config.batch, 4);
    if (row->place == IN_CALLER)
        job.count = 0; /* its tasks are of level 0 */
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK_TEXT(report.backend, row->backend);
    CHECK_EQ(report.workers, row->workers);
    CHECK(report.batch <= 4);
    /* What a config says itself wins. */
    config.backend = "sequential";
    config.jobs = 1;
    CHECK_STATUS(furrow_plan(NULL, &config, &report), FURROW_OK);
    CHECK_TEXT(report.backend, "sequential");
}

void environment_refused(const struct row *row)
{
    static const struct {
        const char *check, *variables[2];
    } bad_variables[] = { { "environment_jobs_0", { "FURROW_JOBS=0", NULL } },
                          { "environment_batch", { "FURROW_BATCH=-3", NULL } },
                          { "environment_timeout", { "FURROW_TIMEOUT=soon", NULL } },
                          { "environment_backend", { "FURROW_BACKEND=nosuch", NULL } } };

    for (size_t i = 0; i < sizeof bad_variables / sizeof *bad_variables; i++)
        check_apart(row, bad_variables[i].check, bad_variables[i].variables, NULL);
}

void environment_of_level_0(const struct row *row)
{
    char backend[80], jobs[40];
    const char *const variables[] = {
        backend, jobs, "FURROW_RETRIES=3", "FURROW_BATCH=4", "FURROW_INNER_THREADS=", NULL
    };

    snprintf(backend, sizeof backend, "FURROW_BACKEND=%s", row->backend);
    snprintf(jobs, sizeof jobs, "FURROW_JOBS=%d", row->workers);
    check_apart(row, "environment_applies", variables, NULL);
}

/* -- FURROW_LOG=info ------------------------------------------------------- */

enum { PLAIN_JOBS = 5 };

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

/* All alike, so that all but the first take the short ways. */
void plain_jobs(const struct row *row)
{
    const furrow_config config = row_config(row);
    const furrow_job job = { .name = "plain", .run = nothing, .count = 20 };
    furrow_report report;

    for (int i = 0; i < PLAIN_JOBS; i++)
        CHECK_STATUS(furrow_map(&job, &config, i % 2 == 0 ? &report : NULL), FURROW_OK);
}

void plans_told(const struct row *row)
{
    static const char *const told[] = { "FURROW_LOG=info", NULL }, *const silent[] = { "FURROW_LOG=warn", NULL };
    char said[SAID], begins[80];
    const char *at = said;
    int lines = 0;

    snprintf(begins, sizeof begins, "furrow: plain: %s: ", row->backend);
    check_apart(row, "plain_jobs", told, said);
    for (; strncmp(at, begins, strlen(begins)) == 0; at += strcspn(at, "\n") + 1)
        lines++;
    CHECK_EQ(lines, PLAIN_JOBS);
    CHECK_TEXT(at, "");
    check_apart(row, "plain_jobs", silent, said);
    CHECK_TEXT(said, "");
}
