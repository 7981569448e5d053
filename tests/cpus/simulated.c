/* Jobs on machines that are not this one.
 *   nested  what jobs inside tasks get is what `furrow plan` says
 *   broken  a machine that can't be had is an error of every job, not this machine */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <furrow/furrow.h>

#include "../common/check.h"
#include "cli/levels.h"
#include "runtime/lease.h"

/* -- nested -------------------------------------------------------------- */

enum { TASKS = 200, WORKERS = 9, CPUS = 64 };

struct seen {
    int cpus, counted, level;
    furrow_report plan, inner;
};

static int look_inside(furrow_task *task)
{
    return furrow_plan(NULL, NULL, task->out) == FURROW_OK ? 0 : 1;
}

static int look(furrow_task *task)
{
    const furrow_job inner = { .run = look_inside, .count = 1, .out = &((struct seen *)task->out)->inner,
                               .out_size = sizeof(furrow_report) };
    struct seen *seen = task->out;
    furrow_config named = FURROW_CONFIG_DEFAULT;

    named.backend = "openmp"; /* one worker, and a level all the same */
    seen->cpus = task->cpus;
    seen->counted = furrow_cpu_count(0);
    seen->level = furrow_level();
    return furrow_plan(NULL, NULL, &seen->plan) == FURROW_OK && furrow_map(&inner, &named, NULL) == FURROW_OK ? 0 : 1;
}

static void check_like(const furrow_report *got, const struct fw_plan *want)
{
    CHECK(strcmp(got->backend, want->backend->name) == 0, "%s, not %s", got->backend, want->backend->name);
    CHECK(got->level == want->level, "level %d, not %d", got->level, want->level);
}

static int nested(void)
{
    static struct seen seen[TASKS];
    static struct cli_levels levels;
    const struct cli_machine machine = { .cpus = fw_cpus(), .here = true };
    const furrow_job job = { .run = look, .count = TASKS, .out = seen, .out_size = sizeof *seen };
    struct cli_ask ask = { .job = job, .config = FURROW_CONFIG_DEFAULT };
    furrow_report report;

    CHECK(furrow_cpu_count(0) == CPUS && furrow_cpu_count(FURROW_PHYSICAL) == CPUS / 2, "%d CPUs", furrow_cpu_count(0));
    ask.config.jobs = WORKERS;
    CHECK(cli_levels_make(&machine, &ask, &levels) == FURROW_OK && levels.n == 3, "%s", furrow_message());
    CHECK(furrow_map(&job, &ask.config, &report) == FURROW_OK, "%s", report.message);
    check_like(&report, &levels.level[0].plan);
    CHECK(report.workers == WORKERS && report.cpus_min == 7 && report.cpus_max == 8, "%d workers", report.workers);
    for (int i = 0; i < TASKS && check_end() == 0; i++) {
        CHECK(seen[i].cpus == 7 || seen[i].cpus == 8, "task %d has %d CPUs", i, seen[i].cpus);
        CHECK(seen[i].counted == seen[i].cpus && seen[i].level == 1, "task %d counts %d", i, seen[i].counted);
        check_like(&seen[i].plan, &levels.level[1].plan);
        CHECK(seen[i].plan.workers == seen[i].cpus, "%d workers inside task %d", seen[i].plan.workers, i);
        check_like(&seen[i].inner, &levels.level[2].plan);
    }
    cli_levels_free(&levels);
    return check_end();
}

/* -- broken -------------------------------------------------------------- */

static int never(furrow_task *task)
{
    (void)task;
    return 1;
}

static void body(size_t begin, size_t end, void *user)
{
    (void)begin, (void)end, (void)user;
    atomic_fetch_add(&failed_checks, 1);
}

static int broken(void)
{
    const furrow_job job = { .run = never, .count = 4 };
    furrow_report report;

    for (int round = 0; round < 2; round++) {
        CHECK(furrow_map(&job, NULL, &report) == FURROW_EINVAL, "%d", (int)report.status);
        CHECK(strstr(report.message, "HWLOC_XMLFILE") != NULL, "%s", report.message);
        CHECK(furrow_plan(NULL, NULL, &report) == FURROW_EINVAL, "%d", (int)report.status);
        CHECK(furrow_for(4, body, NULL, NULL) == FURROW_EINVAL, "%s", furrow_message());
        CHECK(furrow_cpu_count(0) == 1, "%d CPUs", furrow_cpu_count(0));
    }
    return check_end();
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "nested") == 0 && setenv("HWLOC_SYNTHETIC", "pack:2 numa:2 core:8 pu:2", 1) == 0)
        return nested();
    if (argc == 2 && strcmp(argv[1], "broken") == 0 && setenv("HWLOC_XMLFILE", "/nonexistent/machine.xml", 1) == 0)
        return broken();
    fputs("usage: simulated nested | broken\n", stderr);
    return 2;
}
