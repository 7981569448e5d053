/* Masks of workers on this machine: installed where the config asks for it and
 * inner teams inherit it, refused elsewhere, and as before when the job ends. */
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <furrow/furrow.h>

#include "../common/check.h"
#include "runtime/bind.h"
#include "runtime/lease.h"

/* -- The choice ---------------------------------------------------------- */

static const struct {
    int asked;
    bool processes, simulated, ours;
    enum fw_bind want;
} choices[] = {
    { FURROW_BIND_AUTO, false, false, true, FW_BIND_KEEP },
    { FURROW_BIND_AUTO, true, false, true, FW_BIND_LEASE },
    { FURROW_BIND_AUTO, true, false, false, FW_BIND_ALLOWED },
    { FURROW_BIND_NONE, true, false, true, FW_BIND_ALLOWED },
    { FURROW_BIND_NONE, false, false, true, FW_BIND_KEEP },
    { FURROW_BIND_LEASE, false, false, false, FW_BIND_LEASE },
    { FURROW_BIND_LEASE, true, false, false, FW_BIND_LEASE },
    { FURROW_BIND_LEASE, true, true, true, FW_BIND_KEEP },
    { FURROW_BIND_AUTO, true, true, true, FW_BIND_KEEP },
};

static void check_choices(void)
{
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        CHECK(fw_bind_choose(choices[i].asked, choices[i].processes, choices[i].simulated, choices[i].ours) ==
                  choices[i].want, "row %zu", i);
}

/* -- Jobs ---------------------------------------------------------------- */

enum { TASKS = 64, MOST = 64 };

/* What a task saw: its thread's mask, and that of a thread of a team inside. */
struct seen {
    cpu_set_t mask, inner;
};

static int look(furrow_task *task)
{
    struct seen *seen = task->out;

    if (sched_getaffinity(0, sizeof seen->mask, &seen->mask) != 0)
        return 1;
    seen->inner = seen->mask;
    /* A clause, since a lease of one CPU has no team otherwise. */
    omp_set_max_active_levels(omp_get_active_level() + 1);
#pragma omp parallel num_threads(2)
    if (omp_get_thread_num() == 1)
        (void)sched_getaffinity(0, sizeof seen->inner, &seen->inner);
    return 0;
}

static furrow_status run(const char *backend, int bind, struct seen *seen, furrow_report *report)
{
    const furrow_job job = { .run = look, .count = TASKS, .out = seen, .out_size = sizeof *seen };
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = backend;
    config.bind = bind;
    config.batch = 1;
    return furrow_map(&job, &config, report);
}

/* Whether a mask is that of one of the workers' leases. */
static bool is_lease(const cpu_set_t *mask, int workers)
{
    const struct fw_cpus *cpus = fw_cpus();
    int at[MOST], first[MOST + 1];

    for (int i = 0; i < cpus->count; i++)
        at[i] = i;
    fw_lease_deal(cpus, at, cpus->count, workers, first);
    for (int w = 0; w < workers; w++) {
        cpu_set_t lease;

        CPU_ZERO(&lease);
        for (int i = 0; i < fw_lease_size(first, cpus->count, workers, w); i++)
            CPU_SET((size_t)cpus->os[first[w] + i], &lease);
        if (CPU_EQUAL(mask, &lease))
            return true;
    }
    return false;
}

/* Masks of the threads of the last team, workers of the job before. */
static void check_as_before(const cpu_set_t *before, const char *after)
{
    int changed = 0;

#pragma omp parallel num_threads(fw_cpus()->count) reduction(+ : changed)
    {
        cpu_set_t mask;

        if (sched_getaffinity(0, sizeof mask, &mask) != 0 || !CPU_EQUAL(&mask, before))
            changed++;
    }
    CHECK(changed == 0, "%d threads have another mask after %s", changed, after);
}

static void check_unbound(const cpu_set_t *before)
{
    static const int binds[] = { FURROW_BIND_AUTO, FURROW_BIND_NONE };
    static struct seen seen[TASKS];
    furrow_report report;

    for (int b = 0; b < 2; b++) {
        CHECK(run("openmp", binds[b], seen, &report) == FURROW_OK, "%s", report.message);
        for (int i = 0; i < TASKS; i++)
            CHECK(CPU_EQUAL(&seen[i].mask, before), "task %d is bound with bind %d", i, binds[b]);
        check_as_before(before, "an unbound job");
    }
}

static void check_bound(const cpu_set_t *before)
{
    static struct seen seen[TASKS];
    furrow_report report;

    for (int round = 0; round < 3; round++) {
        CHECK(run("openmp", FURROW_BIND_LEASE, seen, &report) == FURROW_OK, "%s", report.message);
        for (int i = 0; i < TASKS; i++) {
            CHECK(is_lease(&seen[i].mask, report.workers), "task %d has no lease's mask", i);
            CHECK(CPU_EQUAL(&seen[i].mask, &seen[i].inner), "a team inside task %d has another mask", i);
        }
        check_as_before(before, "a bound job");
    }
}

static void check_refused(const cpu_set_t *before, const char *says)
{
    static struct seen seen[TASKS];
    furrow_report report;

    CHECK(run("openmp", FURROW_BIND_LEASE, seen, &report) == FURROW_EBACKEND, "%s", report.message);
    CHECK(strstr(report.message, says) != NULL, "%s", report.message);
    check_as_before(before, "a refused job");
}

/* The function that a process worker calls for itself. */
static void check_function(const cpu_set_t *before)
{
    const struct fw_cpus *cpus = fw_cpus();
    const int last = cpus->count - 1;
    struct fw_mask own, inner;
    cpu_set_t mask;

    CHECK(fw_bind_set(FW_BIND_LEASE, &last, 1, &own), "the last CPU is refused");
    CHECK(sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) == 1 &&
              CPU_ISSET((size_t)cpus->os[last], &mask), "the mask is not the last CPU");
    CHECK(fw_bind_set(FW_BIND_ALLOWED, NULL, 0, &inner), "all that is allowed is refused");
    CHECK(sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) == cpus->nallowed,
          "the mask is not all that is allowed");
    fw_bind_restore(&inner);
    CHECK(sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) == 1, "the mask between is lost");
    fw_bind_restore(&own);
    CHECK(sched_getaffinity(0, sizeof mask, &mask) == 0 && CPU_EQUAL(&mask, before), "the own mask is lost");
    CHECK(fw_bind_set(FW_BIND_KEEP, NULL, 0, &own) && own.set == NULL, "nothing to do failed");
    fw_bind_restore(&own);
}

/* This program once more, where OpenMP places its threads. */
static void check_placed(const char *self)
{
    char command[4096];

    (void)snprintf(command, sizeof command, "OMP_PROC_BIND=true '%s' placed", self);
    CHECK(system(command) == 0, "%s", command);
}

/* There the caller's own mask is one place. */
static int main_placed(void)
{
    static struct seen seen[TASKS];
    furrow_report report;

    CHECK(run("openmp", FURROW_BIND_LEASE, seen, &report) == FURROW_EBACKEND, "%s", report.message);
    CHECK(strstr(report.message, "OMP_PROC_BIND") != NULL, "%s", report.message);
    return check_end();
}

int main(int argc, char **argv)
{
    cpu_set_t before;

    if (argc > 1)
        return main_placed();
    if (fw_cpus()->count > MOST || sched_getaffinity(0, sizeof before, &before) != 0) {
        puts("skipped: more CPUs than this test has room for");
        return 77;
    }
    check_choices();
    check_function(&before);
    check_unbound(&before);
    if (fw_bind_refusal() == NULL)
        check_bound(&before);
    else
        check_refused(&before, "LLVM");
    check_placed(argv[0]);
    return check_end();
}
