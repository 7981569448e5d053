/* Backends of one's own: which tables are taken, and what becomes of odd ones. */
#include <stdio.h>
#include <stdlib.h>

#include "promises.h"

/* -- A table -------------------------------------------------------------- */

static int capacity_of_two(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return 2;
}

static int runs; /* calls of run_here() */

static furrow_status run_here(const furrow_crew *crew, furrow_work *work)
{
    (void)crew;
    runs++;
    furrow_work_run(work, 0);
    return FURROW_OK;
}

static furrow_backend table(const char *name)
{
    return (furrow_backend){ .size = sizeof(furrow_backend),
                             .name = name,
                             .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE,
                             .capacity = capacity_of_two,
                             .run = run_here };
}

/* -- What is refused ------------------------------------------------------ */

static void refuse(const furrow_backend *backend, const char *word)
{
    CHECK_STATUS(furrow_backend_register(backend), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "furrow_backend_register");
    CHECK_SAYS(furrow_message(), word);
}

void bad_tables(const struct row *row)
{
    static const char *const names[] = { "",     "Upper", "with-dash", "with space", "caf\xC3\xA9",
                                         "none", "tab\t", "a/b",       "x=y" };
    static char longest[65];
    furrow_backend backend;

    (void)row;
    refuse(NULL, "NULL");
    backend = table("bad"), backend.size = 0;
    refuse(&backend, "size");
    backend = table("bad"), backend.size = sizeof backend + 8;
    refuse(&backend, "size");
    backend = table("bad"), backend.capacity = NULL;
    refuse(&backend, "capacity");
    backend = table("bad"), backend.run = NULL;
    refuse(&backend, "run");
    backend = table(NULL);
    refuse(&backend, "name");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        backend = table(names[i]);
        refuse(&backend, "name");
    }
    memset(longest, 'x', 64);
    backend = table(longest);
    refuse(&backend, "63");
}

void taken_names(const struct row *row)
{
    furrow_backend backend;

    backend = table(row->backend);
    refuse(&backend, row->backend);
    backend = table("sequential");
    refuse(&backend, "sequential");
    backend = table("openmp");
    refuse(&backend, "openmp");
    refuse(&posix_backend, "posix");
}

/* -- Many ----------------------------------------------------------------- */

static int see_name(furrow_task *task)
{
    CHECK_TEXT(furrow_backend_name(), task->shared);
    return 0;
}

static void runs_by_name(const char *name)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = see_name, .count = 10, .shared = name };
    furrow_report report;

    config.backend = name;
    config.strict = true;
    for (int jobs = 0; jobs < 4; jobs++) { /* also those that are known to be small */
        const int before = runs;

        CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
        CHECK_TEXT(report.backend, name);
        CHECK_EQ(runs, before + 1);
    }
}

/* As many as there is room for; one more is refused, and all of them run. */
void fill_registry(const struct row *row)
{
    enum { MOST = 32 };
    static furrow_backend backends[MOST + 1];
    static char names[MOST + 1][16];
    furrow_status status = FURROW_OK;
    int n = 0;

    (void)row;
    for (; n <= MOST && status == FURROW_OK; n++) {
        snprintf(names[n], sizeof names[n], "own_%d", n);
        backends[n] = table(names[n]);
        status = furrow_backend_register(&backends[n]);
    }
    n--;
    CHECK_EQ(status, FURROW_ENOMEM);
    CHECK_SAYS(furrow_message(), "32");
    CHECK(n >= MOST - 2); /* the rows' own are among them */
    for (int i = 0; i < n; i++)
        runs_by_name(names[i]);
}

void many_backends(const struct row *row)
{
    static const char *const variables[] = { NULL };

    check_apart(row, "fill_registry", variables, NULL);
}

/* -- Odd ones ------------------------------------------------------------- */

static int capacity_of_none(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config;
    snprintf(why, FURROW_MESSAGE, "the moon is not full");
    return 0;
}

static furrow_status fail_to_run(const furrow_crew *crew, furrow_work *work)
{
    return furrow_work_fail(work, FURROW_ESYS, "no %d workers today", crew->workers);
}

/* Of several workers it makes one. */
static furrow_status run_with_fewer(const furrow_crew *crew, furrow_work *work)
{
    CHECK_EQ(crew->workers, 2);
    CHECK_EQ(crew->level, 0);
    CHECK(!crew->caller_serves);
    for (int i = 0; i < crew->workers; i++) {
        CHECK(crew->lease[i].cpus >= 1);
        CHECK(crew->lease[i].cpuset != NULL && crew->lease[i].cpuset[0] != '\0');
    }
    CHECK(!furrow_work_stopping(work));
    furrow_work_run(work, 1);
    return FURROW_OK;
}

static const furrow_backend absent = { .size = sizeof(furrow_backend),
                                       .name = "absent",
                                       .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE,
                                       .capacity = capacity_of_none,
                                       .run = run_here };
static const furrow_backend failing = { .size = sizeof(furrow_backend),
                                        .name = "failing",
                                        .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE,
                                        .capacity = capacity_of_two,
                                        .run = fail_to_run };
static const furrow_backend fewer = { .size = sizeof(furrow_backend),
                                      .name = "fewer",
                                      .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE,
                                      .capacity = capacity_of_two,
                                      .run = run_with_fewer };

static int count(furrow_task *task)
{
    atomic_fetch_add((atomic_uint *)task->shared, 1);
    return 0;
}

static void check_absent(furrow_job job, atomic_uint *ran)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_report report;

    config.backend = "absent";
    config.jobs = 2;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_TEXT(report.backend, "openmp");
    CHECK_SAYS(report.reason, "the moon is not full");
    CHECK_EQ(look(ran), job.count);
    config.strict = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EBACKEND);
    CHECK_SAYS(report.message, "the moon is not full");
    CHECK_EQ(look(ran), job.count);
}

static void check_failing(furrow_job job, atomic_uint *ran)
{
    unsigned char outcome[20];
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_report report;

    config.backend = "failing";
    config.jobs = 2;
    job.outcome = outcome;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ESYS);
    CHECK_SAYS(report.message, "no 2 workers today");
    CHECK_TEXT(furrow_message(), report.message);
    CHECK_EQ(report.skipped, job.count);
    check_tally(&report, outcome, job.count);
    CHECK_EQ(look(ran), 0);
}

static void check_fewer(furrow_job job, atomic_uint *ran)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_report report;

    config.backend = "fewer";
    config.jobs = 5; /* more than it could have */
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, 2);
    CHECK_SAYS(report.reason, "2 of 5");
    CHECK_EQ(report.done, job.count);
    CHECK_EQ(look(ran), job.count);
}

/* In a process of its own: the names are not there for other promises. */
void use_odd_backends(const struct row *row)
{
    atomic_uint *ran = board(3 * sizeof *ran);
    furrow_job job = { .run = count, .count = 20, .shared = ran };

    (void)row;
    CHECK_STATUS(furrow_backend_register(&absent), FURROW_OK);
    CHECK_STATUS(furrow_backend_register(&failing), FURROW_OK);
    CHECK_STATUS(furrow_backend_register(&fewer), FURROW_OK);
    check_absent(job, ran);
    job.shared = ran + 1;
    check_failing(job, ran + 1);
    job.shared = ran + 2;
    check_fewer(job, ran + 2);
}

void odd_backends(const struct row *row)
{
    static const char *const variables[] = { "FURROW_LOG=quiet", NULL };

    check_apart(row, "use_odd_backends", variables, NULL);
}
