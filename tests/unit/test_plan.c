/* The nesting rules, row by row. Backends and machines are data: nothing here
 * asks what this machine has. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime/plan.h"

/* -- Backends of the rows ----------------------------------------------- */

static const furrow_backend threads = {
    .name = "threads",
    .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE | FURROW_CAP_NESTS,
};
static const furrow_backend forks = {
    .name = "forks",
    .caps = FURROW_CAP_READS_HERE | FURROW_CAP_ISOLATES | FURROW_CAP_KILLS,
};
static const furrow_backend ranks = {
    .name = "ranks",
    .caps = FURROW_CAP_ISOLATES | FURROW_CAP_KILLS,
};
static const furrow_backend mine = { /* a user's own, of which little is known */
    .name = "mine",
    .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE,
};
static const furrow_backend seq = {
    .name = "seq",
    .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE | FURROW_CAP_NESTS,
};

enum { MANY = 1 << 20 };

/* What a program finds: the last is the fallback. */
struct world {
    int chosen, n;
    struct fw_candidate candidate[5];
};
static const struct world usual = {
    2, 5, { { &threads, MANY, "" }, { &forks, MANY, "" },
            { &ranks, 0, "one rank only; start with mpirun" }, { &mine, 4, "" }, { &seq, 1, "" } },
};
static const struct world served = { /* several ranks wait for jobs */
    3, 5, { { &ranks, 8, "" }, { &threads, MANY, "" }, { &forks, MANY, "" },
            { &mine, 4, "" }, { &seq, 1, "" } },
};
static const struct world collective = { /* ranks run what names them */
    2, 5, { { &threads, MANY, "" }, { &forks, MANY, "" }, { &ranks, 8, "" },
            { &mine, 4, "" }, { &seq, 1, "" } },
};
static const struct world threads_only = { 1, 2, { { &threads, MANY, "" }, { &seq, 1, "" } } };
static const struct world nothing = {
    1, 2, { { &threads, 0, "no OpenMP runtime" }, { &seq, 1, "" } },
};
static const struct world alone = { 0, 1, { { &seq, 1, "" } } };

/* -- The table ---------------------------------------------------------- */

enum { NO_TASKS = -1, NO_LEVELS = -1 };

struct row {
    const char *claim;
    const struct world *world; /* NULL: usual */

    int level, cpus; /* cpus 0: 8 */
    const furrow_backend *parent;
    bool in_callback, in_region, isolated;
    int thread_levels; /* 0: 1; NO_LEVELS: 0 */

    long long count; /* 0: a million; NO_TASKS: 0 */
    bool isolate, shared_memory, shared_address;

    const char *backend;
    int jobs; /* 0: -1 */
    int inner;
    double timeout;
    bool strict;

    furrow_status status;
    const char *want;
    int workers;
    bool transparent, replaced;
    const char *says; /* part of the reason or the message */
};

static const struct row rows[] = {
    /* Rule 1: level 0. */
    { .claim = "a job without needs runs on threads", .want = "threads", .workers = 8,
      .says = "threads: chosen; 8 workers for 8 CPUs" },
    { .claim = "on served ranks where there are some", .world = &served, .want = "ranks", .workers = 8 },
    { .claim = "in a collective program it is local", .world = &collective, .want = "threads", .workers = 8 },
    { .claim = "ranks where they are named", .world = &collective, .backend = "ranks", .want = "ranks",
      .workers = 8, .says = "ranks: named" },
    { .claim = "an address cannot travel", .world = &served, .shared_address = true, .want = "threads",
      .workers = 8 },
    { .claim = "isolate chooses processes", .isolate = true, .want = "forks", .workers = 8,
      .says = "forks: chosen, as it isolates tasks" },
    { .claim = "a time limit chooses what can end a task", .timeout = 1.5, .want = "forks", .workers = 8,
      .says = "ends tasks at their time limit" },
    { .claim = "a time limit with shared memory stays on threads", .timeout = 1.5, .shared_memory = true,
      .want = "threads", .workers = 8 },
    { .claim = "a time limit where nothing can end a task is cooperative", .world = &threads_only,
      .timeout = 1.5, .want = "threads", .workers = 8 },
    { .claim = "a time limit on named threads is cooperative", .backend = "threads", .timeout = 1.5,
      .want = "threads", .workers = 8 },
    { .claim = "shared memory excludes processes", .shared_memory = true, .want = "threads", .workers = 8 },
    { .claim = "a user's backend where it is named", .backend = "mine", .jobs = 3, .want = "mine",
      .workers = 3 },
    { .claim = "no other backend: the fallback", .world = &nothing, .want = "seq", .workers = 1,
      .says = "seq: no other backend qualifies" },
    { .claim = "only the fallback is there", .world = &alone, .want = "seq", .workers = 1 },

    /* Needs that the named backend lacks. */
    { .claim = "named, but it cannot write here: replaced", .backend = "forks", .shared_memory = true,
      .want = "threads", .workers = 8, .replaced = true,
      .says = "not forks as asked: its tasks cannot write to the caller's memory" },
    { .claim = "the same, strict", .backend = "forks", .shared_memory = true, .strict = true,
      .status = FURROW_EBACKEND,
      .says = "forks may not run this job here: its tasks cannot write to the caller's memory; config.strict" },
    { .claim = "named, but it does not isolate: replaced", .backend = "threads", .isolate = true,
      .want = "forks", .workers = 8, .replaced = true, .says = "not threads as asked: does not isolate" },
    { .claim = "the fallback never isolates", .backend = "seq", .isolate = true, .want = "forks",
      .workers = 8, .replaced = true },
    { .claim = "strictly never", .backend = "seq", .isolate = true, .strict = true,
      .status = FURROW_EBACKEND, .says = "does not isolate tasks" },
    { .claim = "isolate with one worker stays in a process", .isolate = true, .jobs = 1, .want = "forks",
      .workers = 1 },
    { .claim = "a time limit with one worker stays where it can be kept", .timeout = 1, .jobs = 1,
      .want = "forks", .workers = 1 },
    { .claim = "isolate where nothing isolates", .world = &threads_only, .isolate = true,
      .status = FURROW_EBACKEND,
      .says = "no backend may run a job with job.isolate here; threads: does not isolate tasks; seq: does" },
    { .claim = "isolate where only an unnamed one would", .world = &(const struct world){ 0, 2,
      { { &ranks, 4, "" }, { &seq, 1, "" } } }, .isolate = true,
      .status = FURROW_EBACKEND, .says = "ranks: must be named in config.backend" },
    { .claim = "named and not here: replaced", .backend = "ranks", .want = "threads", .workers = 8,
      .replaced = true, .says = "not ranks as asked: one rank only; start with mpirun" },
    { .claim = "named and not here, strict", .backend = "ranks", .strict = true,
      .status = FURROW_EBACKEND, .says = "ranks may not run this job here: one rank only" },
    { .claim = "an address on named ranks: replaced", .world = &collective, .backend = "ranks",
      .shared_address = true, .want = "threads", .workers = 8, .replaced = true,
      .says = "its tasks do not see the address in job.shared" },
    { .claim = "contradictory needs", .isolate = true, .shared_memory = true, .status = FURROW_EINVAL,
      .says = "job.shared_memory and job.isolate are both set" },
    { .claim = "contradictory needs, whatever the place", .level = 1, .parent = &forks, .isolated = true,
      .isolate = true, .shared_memory = true, .status = FURROW_EINVAL },
    { .claim = "a name that none has", .backend = "openmpi", .status = FURROW_EBACKEND,
      .says = "no backend is named \"openmpi\"; use one of: threads, forks, ranks, mine, seq" },
    { .claim = "the same below level 0", .level = 1, .parent = &threads, .backend = "",
      .status = FURROW_EBACKEND, .says = "no backend is named \"\"" },

    /* Workers. */
    { .claim = "two tasks on ten CPUs", .cpus = 10, .count = 2, .want = "threads", .workers = 2,
      .says = "2 workers for 10 CPUs; only 2 of 10 workers: no more workers than tasks" },
    { .claim = "nine workers on 16 CPUs", .cpus = 16, .jobs = 9, .want = "threads", .workers = 9,
      .says = "9 workers for 16 CPUs" },
    { .claim = "all CPUs of a large node", .cpus = 64, .want = "threads", .workers = 64 },
    { .claim = "all but one of a very large node", .cpus = 384, .jobs = -2, .want = "threads", .workers = 383 },
    { .claim = "12 threads each on a very large node", .cpus = 384, .inner = 12, .want = "threads",
      .workers = 32 },
    { .claim = "more inner threads than CPUs", .cpus = 64, .inner = 100, .want = "seq", .workers = 1 },
    { .claim = "all but more than there are", .jobs = -100, .want = "seq", .workers = 1 },
    { .claim = "the least number", .jobs = INT_MIN, .want = "seq", .workers = 1 },
    { .claim = "the largest number, bounded by tasks", .jobs = INT_MAX, .count = 5, .want = "threads",
      .workers = 5 },
    { .claim = "the largest numbers of everything", .world = &(const struct world){ 1, 2,
      { { &threads, INT_MAX, "" }, { &seq, 1, "" } } }, .cpus = INT_MAX, .jobs = INT_MAX,
      .count = LLONG_MAX, .want = "threads", .workers = INT_MAX },
    { .claim = "explicit jobs above the CPUs are honoured", .cpus = 2, .jobs = 4, .want = "threads",
      .workers = 4, .says = "4 workers share 2 CPUs" },
    { .claim = "explicit jobs on one CPU too", .cpus = 1, .jobs = 3, .want = "threads", .workers = 3,
      .says = "3 workers share 1 CPU" },
    { .claim = "the backend has fewer", .backend = "mine", .jobs = 6, .want = "mine", .workers = 4,
      .says = "only 4 of 6 workers: the backend has no more here" },
    { .claim = "no tasks are one worker", .count = NO_TASKS, .want = "seq", .workers = 1 },
    { .claim = "no tasks on a named backend", .count = NO_TASKS, .backend = "threads", .want = "threads",
      .workers = 1 },
    { .claim = "one worker of a chosen backend is the fallback", .jobs = 1, .want = "seq", .workers = 1,
      .says = "seq: chosen for one worker; 1 worker for 8 CPUs" },
    { .claim = "one task too", .count = 1, .want = "seq", .workers = 1 },
    { .claim = "one CPU too", .cpus = 1, .want = "seq", .workers = 1 },
    { .claim = "one worker of a named backend runs as named", .backend = "threads", .jobs = 1,
      .want = "threads", .workers = 1 },
    { .claim = "one worker of a named process backend too", .backend = "forks", .jobs = 1, .want = "forks",
      .workers = 1 },
    { .claim = "one worker instead of a named backend: no warning", .backend = "forks",
      .shared_memory = true, .jobs = 1, .want = "seq", .workers = 1, .says = "not forks as asked" },
    { .claim = "the named fallback has one worker and consumes no level", .backend = "seq", .jobs = 8,
      .want = "seq", .workers = 1, .transparent = true, .says = "seq: named; 1 worker for 8 CPUs" },

    /* Rule 2: level 1. */
    { .claim = "level 1 of threads: threads in the lease", .level = 1, .parent = &threads, .cpus = 4,
      .want = "threads", .workers = 4 },
    { .claim = "level 1 of processes: threads in the lease", .level = 1, .parent = &forks, .isolated = true,
      .cpus = 4, .want = "threads", .workers = 4 },
    { .claim = "a lease of one is sequential and consumes no level", .level = 1, .parent = &threads,
      .cpus = 1, .want = "seq", .workers = 1, .transparent = true, .says = "seq: the lease is one CPU" },
    { .claim = "also where more jobs are asked for", .level = 1, .parent = &threads, .cpus = 1, .jobs = 8,
      .want = "seq", .workers = 1, .transparent = true },
    { .claim = "named threads on a lease of one run as named", .level = 1, .parent = &threads, .cpus = 1,
      .backend = "threads", .jobs = 8, .want = "threads", .workers = 1 },
    { .claim = "explicit jobs are capped by the lease", .level = 1, .parent = &threads, .cpus = 4, .jobs = 16,
      .want = "threads", .workers = 4, .says = "only 4 of 16 workers: one for each CPU of the lease" },
    { .claim = "fewer jobs are as asked", .level = 1, .parent = &threads, .cpus = 4, .jobs = 3,
      .want = "threads", .workers = 3 },
    { .claim = "one job of a wider lease consumes the level", .level = 1, .parent = &threads, .cpus = 4,
      .jobs = 1, .want = "seq", .workers = 1 },
    { .claim = "no threads there: the fallback", .world = &nothing, .level = 1, .parent = &forks, .cpus = 4,
      .want = "seq", .workers = 1, .says = "no other backend qualifies" },
    { .claim = "explicit inner threads shrink the crew", .level = 1, .parent = &threads, .cpus = 8,
      .inner = 4, .want = "threads", .workers = 2 },

    /* Rule 3: deeper. */
    { .claim = "level 2 is sequential and consumes a level", .level = 2, .parent = &threads, .cpus = 4,
      .want = "seq", .workers = 1, .says = "FURROW_THREAD_LEVELS" },
    { .claim = "level 9 too", .level = 9, .parent = &seq, .cpus = 4, .want = "seq", .workers = 1 },
    { .claim = "named threads at level 2: sequential, no warning", .level = 2, .parent = &threads, .cpus = 4,
      .backend = "threads", .want = "seq", .workers = 1, .says = "not threads as asked" },
    { .claim = "the same, strict", .level = 2, .parent = &threads, .cpus = 4, .backend = "threads",
      .strict = true, .status = FURROW_EBACKEND },
    { .claim = "the named fallback at level 2 consumes no level", .level = 2, .parent = &threads, .cpus = 4,
      .backend = "seq", .want = "seq", .workers = 1, .transparent = true },
    { .claim = "two levels of threads where allowed", .level = 2, .parent = &threads, .cpus = 4,
      .thread_levels = 2, .want = "threads", .workers = 4 },
    { .claim = "and the third is sequential", .level = 3, .parent = &threads, .cpus = 4, .thread_levels = 2,
      .want = "seq", .workers = 1 },
    { .claim = "no level of threads where none is allowed", .level = 1, .parent = &forks, .cpus = 4,
      .thread_levels = NO_LEVELS, .want = "seq", .workers = 1 },
    { .claim = "which says nothing of level 0", .thread_levels = NO_LEVELS, .want = "threads", .workers = 8 },

    /* Rule 5: what does not nest. */
    { .claim = "processes in a process: threads", .level = 1, .parent = &forks, .isolated = true, .cpus = 4,
      .backend = "forks", .want = "threads", .workers = 4, .replaced = true,
      .says = "not forks as asked: cannot run inside a task" },
    { .claim = "strictly not", .level = 1, .parent = &forks, .isolated = true, .cpus = 4, .backend = "forks",
      .strict = true, .status = FURROW_EBACKEND, .says = "cannot run inside a task" },
    { .claim = "processes in a thread: threads", .level = 1, .parent = &threads, .cpus = 4, .backend = "forks",
      .want = "threads", .workers = 4, .replaced = true },
    { .claim = "processes in a thread with a lease of one: no warning", .level = 1, .parent = &threads,
      .cpus = 1, .backend = "forks", .want = "seq", .workers = 1, .transparent = true },
    { .claim = "ranks below ranks: threads", .world = &collective, .level = 1, .parent = &ranks, .cpus = 4,
      .backend = "ranks", .want = "threads", .workers = 4, .replaced = true },
    { .claim = "ranks below the fallback: threads", .world = &collective, .level = 1, .parent = &seq,
      .cpus = 4, .backend = "ranks", .want = "threads", .workers = 4, .replaced = true },
    { .claim = "served ranks are not chosen below", .world = &served, .level = 1, .parent = &ranks, .cpus = 4,
      .want = "threads", .workers = 4 },
    { .claim = "processes below a rank with one task at a time, named", .world = &collective, .level = 1,
      .parent = &ranks, .isolated = true, .cpus = 4, .backend = "forks", .jobs = 16, .want = "forks",
      .workers = 4 },
    { .claim = "not below a rank with several", .world = &collective, .level = 1, .parent = &ranks,
      .cpus = 4, .backend = "forks", .want = "threads", .workers = 4, .replaced = true },
    { .claim = "and never unnamed", .world = &collective, .level = 1, .parent = &ranks, .isolated = true,
      .cpus = 4, .timeout = 1, .want = "threads", .workers = 4 },
    { .claim = "a user's backend does not nest either", .level = 1, .parent = &threads, .cpus = 4,
      .backend = "mine", .want = "threads", .workers = 4, .replaced = true },

    /* Rule 5: the program's own parallel region. */
    { .claim = "in a region: threads in the share", .in_region = true, .cpus = 4, .want = "threads",
      .workers = 4 },
    { .claim = "explicit jobs are capped there", .in_region = true, .cpus = 4, .jobs = 9, .want = "threads",
      .workers = 4 },
    { .claim = "a share of one is sequential", .in_region = true, .cpus = 1, .want = "seq", .workers = 1,
      .transparent = true },
    { .claim = "processes in a region: threads", .in_region = true, .cpus = 4, .backend = "forks",
      .want = "threads", .workers = 4, .replaced = true, .says = "cannot run inside a parallel region" },
    { .claim = "ranks in a region: threads", .world = &collective, .in_region = true, .cpus = 4,
      .backend = "ranks", .want = "threads", .workers = 4, .replaced = true },
    { .claim = "isolate in a region: nothing", .in_region = true, .cpus = 4, .isolate = true,
      .status = FURROW_EBACKEND },
    { .claim = "a region inside a task is inside the task", .in_region = true, .level = 1, .parent = &threads,
      .cpus = 2, .want = "threads", .workers = 2 },

    /* isolate below level 0. */
    { .claim = "isolate in a process worker: sequential there", .level = 1, .parent = &forks,
      .isolated = true, .cpus = 4, .isolate = true, .want = "seq", .workers = 1 },
    { .claim = "isolate in a thread worker: nothing", .level = 1, .parent = &threads, .cpus = 4,
      .isolate = true, .status = FURROW_EBACKEND, .says = "forks: cannot run inside a task" },
    { .claim = "isolate in a thread worker of one CPU: nothing", .level = 1, .parent = &threads, .cpus = 1,
      .isolate = true, .status = FURROW_EBACKEND },
    { .claim = "isolate at level 2 of a process worker with threads beside: nothing", .level = 2,
      .parent = &threads, .cpus = 1, .isolate = true, .status = FURROW_EBACKEND },

    /* Callbacks. */
    { .claim = "a job in a callback is sequential", .in_callback = true, .want = "seq", .workers = 1,
      .transparent = true, .says = "seq: started in a callback" },
    { .claim = "whatever is named, no warning", .in_callback = true, .backend = "threads", .jobs = 4,
      .want = "seq", .workers = 1, .transparent = true,
      .says = "not threads as asked: jobs started in a callback are sequential" },
    { .claim = "strictly not", .in_callback = true, .backend = "threads", .strict = true,
      .status = FURROW_EBACKEND },
    { .claim = "isolate in a callback: nothing", .in_callback = true, .isolate = true,
      .status = FURROW_EBACKEND },
    { .claim = "in a callback of a deep job", .in_callback = true, .level = 3, .parent = &seq, .cpus = 1,
      .want = "seq", .workers = 1, .transparent = true },
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static furrow_config config_of(const struct row *row)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = row->backend;
    config.jobs = row->jobs != 0 ? row->jobs : -1;
    config.inner_threads = row->inner;
    config.timeout = row->timeout;
    config.strict = row->strict;
    return config;
}

static void plan_row(const struct row *row, struct fw_plan *out)
{
    const struct world *world = row->world != NULL ? row->world : &usual;
    furrow_config config = config_of(row);
    struct fw_plan_in in = {
        .level = row->level,
        .cpus = row->cpus > 0 ? row->cpus : 8,
        .in_callback = row->in_callback,
        .in_region = row->in_region,
        .isolated = row->isolated,
        .parent = row->parent,
        .thread_levels = row->thread_levels == NO_LEVELS ? 0 : row->thread_levels > 0 ? row->thread_levels : 1,
        .count = row->count == NO_TASKS ? 0 : row->count > 0 ? (size_t)row->count : 1000000,
        .isolate = row->isolate,
        .shared_memory = row->shared_memory,
        .shared_address = row->shared_address,
        .config = &config,
        .candidates = world->candidate,
        .ncandidates = world->n,
        .chosen = world->chosen,
    };

    fw_plan_make(&in, out);
}

static void check_failure(const struct row *row, const struct fw_plan *plan)
{
    cr_expect(plan->message[0] != '\0', "%s: no sentence", row->claim);
    cr_expect(plan->backend == NULL && plan->reason[0] == '\0', "%s: a plan", row->claim);
    if (row->says != NULL)
        cr_expect(strstr(plan->message, row->says) != NULL, "%s: %s", row->claim, plan->message);
}

static void check_success(const struct row *row, const struct fw_plan *plan)
{
    cr_expect_str_eq(plan->backend->name, row->want, "%s: %s", row->claim, plan->reason);
    cr_expect(plan->workers == row->workers, "%s: %d workers", row->claim, plan->workers);
    cr_expect(plan->transparent == row->transparent, "%s: transparent", row->claim);
    cr_expect(plan->replaced == row->replaced, "%s: replaced", row->claim);
    cr_expect(plan->level == row->level && plan->cpus == (row->cpus > 0 ? row->cpus : 8), "%s", row->claim);
    cr_expect(plan->inner_threads == row->inner, "%s: inner threads", row->claim);
    cr_expect_str_eq(plan->message, "", "%s", row->claim);
    cr_expect(strncmp(plan->reason, row->want, strlen(row->want)) == 0, "%s: %s", row->claim, plan->reason);
    if (row->says != NULL)
        cr_expect(strstr(plan->reason, row->says) != NULL, "%s: %s", row->claim, plan->reason);
}

Test(plan, follows_its_table)
{
    for (int i = 0; i < NROWS; i++) {
        struct fw_plan plan;

        plan_row(&rows[i], &plan);
        cr_expect(plan.status == rows[i].status, "%s: status %d, %s", rows[i].claim, (int)plan.status,
                  plan.message);
        if (rows[i].status != FURROW_OK)
            check_failure(&rows[i], &plan);
        else if (plan.status == FURROW_OK)
            check_success(&rows[i], &plan);
    }
}

/* -- Every pair --------------------------------------------------------- */

/* Named outer, named inner, in a program with ranks; the outer job has two
 * workers on eight CPUs, so that an inner one has a lease of four. */
static const struct {
    const furrow_backend *outer, *inner;
    const char *runs;
    bool replaced;
} pairs[] = {
    { &seq, &seq, "seq", false },         { &seq, &threads, "threads", false },
    { &seq, &forks, "forks", false },     { &seq, &ranks, "ranks", false },
    { &threads, &seq, "seq", false },     { &threads, &threads, "threads", false },
    { &threads, &forks, "threads", true }, { &threads, &ranks, "threads", true },
    { &forks, &seq, "seq", false },       { &forks, &threads, "threads", false },
    { &forks, &forks, "threads", true },  { &forks, &ranks, "threads", true },
    { &ranks, &seq, "seq", false },       { &ranks, &threads, "threads", false },
    { &ranks, &forks, "forks", false },   { &ranks, &ranks, "threads", true },
};

/* The plan of a job below `outer`, as the runtime would ask for it. */
static void plan_below(const struct fw_plan *outer, const char *inner, struct fw_plan *out)
{
    bool process = (outer->backend->caps & FURROW_CAP_WRITES_HERE) == 0;
    int first, lease = fw_plan_share(outer->cpus, outer->workers, 0, &first);
    struct row row = { .world = &collective,
                       .level = outer->transparent ? outer->level : outer->level + 1,
                       .cpus = outer->transparent ? outer->cpus : lease,
                       .parent = outer->transparent ? NULL : outer->backend,
                       .isolated = process,
                       .backend = inner };

    plan_row(&row, out);
}

Test(plan, knows_every_pair)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct row top = { .world = &collective, .backend = pairs[i].outer->name, .jobs = 2 };
        struct fw_plan outer, inner, innermost;
        const char *o = pairs[i].outer->name, *n = pairs[i].inner->name;

        plan_row(&top, &outer);
        cr_assert(outer.status == FURROW_OK && outer.backend == pairs[i].outer, "%s", o);
        plan_below(&outer, n, &inner);
        cr_assert(inner.status == FURROW_OK, "%s > %s: %s", o, n, inner.message);
        cr_expect_str_eq(inner.backend->name, pairs[i].runs, "%s > %s: %s", o, n, inner.reason);
        cr_expect(inner.replaced == pairs[i].replaced, "%s > %s: replaced", o, n);
        plan_below(&inner, NULL, &innermost);
        cr_assert(innermost.status == FURROW_OK);
        cr_expect(outer.transparent || innermost.level > 0);
        cr_expect((int64_t)outer.workers * inner.workers * innermost.workers <= 8,
                  "%s > %s > any: %d x %d x %d workers on 8 CPUs", o, n, outer.workers, inner.workers,
                  innermost.workers);
    }
}

/* -- Shares and numbers ------------------------------------------------- */

static const struct {
    int cpus, workers, large, nlarge, small;
} shares[] = {
    { 10, 2, 5, 2, 5 },    { 16, 9, 2, 7, 1 },    { 8, 3, 3, 2, 2 },      { 1, 1, 1, 1, 1 },
    { 64, 64, 1, 64, 1 },  { 64, 5, 13, 4, 12 },  { 384, 7, 55, 6, 54 },  { 384, 383, 2, 1, 1 },
    { 2, 4, 1, 4, 1 },     { INT_MAX, 2, INT_MAX / 2 + 1, 1, INT_MAX / 2 },
};

Test(share, has_the_sizes_of_the_table)
{
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        for (int w = 0; w < shares[i].workers; w++) {
            int first, got = fw_plan_share(shares[i].cpus, shares[i].workers, w, &first);

            cr_assert(got == (w < shares[i].nlarge ? shares[i].large : shares[i].small),
                      "%d CPUs, worker %d of %d: %d", shares[i].cpus, w, shares[i].workers, got);
        }
    }
}

/* No CPU idle and none claimed twice; where workers share, evenly. */
Test(share, deals_every_cpu)
{
    for (int cpus = 1; cpus <= 64; cpus++) {
        for (int workers = 1; workers <= 130; workers++) {
            int owners[64] = { 0 }, least = INT_MAX, most = 0;

            for (int w = 0; w < workers; w++) {
                int first, n = fw_plan_share(cpus, workers, w, &first);

                cr_assert(n >= 1 && first >= 0 && first + n <= cpus);
                for (int i = first; i < first + n; i++)
                    owners[i]++;
            }
            for (int i = 0; i < cpus; i++) {
                least = owners[i] < least ? owners[i] : least;
                most = owners[i] > most ? owners[i] : most;
            }
            cr_assert(least >= 1 && most - least <= 1, "%d workers on %d CPUs", workers, cpus);
            cr_assert(workers > cpus || most == 1, "%d workers on %d CPUs", workers, cpus);
        }
    }
}

static const struct {
    int jobs, cpus, inner, want;
} numbers[] = {
    { 1, 8, 0, 1 },        { 12, 8, 0, 12 },          { 12, 8, 4, 12 },      { -1, 8, 0, 8 },
    { -2, 8, 0, 7 },       { -8, 8, 0, 1 },           { -9, 8, 0, 1 },       { -1, 8, 1, 8 },
    { -1, 8, 3, 2 },       { -2, 8, 3, 2 },           { -1, 8, 9, 1 },       { -1, 384, 24, 16 },
    { INT_MIN, 8, 0, 1 },  { INT_MIN, INT_MAX, 0, 1 }, { -1, INT_MAX, 0, INT_MAX },
    { INT_MAX, 1, 0, INT_MAX }, { -1, INT_MAX, INT_MAX, 1 },
};

Test(workers, are_what_jobs_says)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int got = fw_plan_workers(numbers[i].jobs, numbers[i].cpus, numbers[i].inner);

        cr_expect(got == numbers[i].want, "jobs %d, %d CPUs, %d inner: %d", numbers[i].jobs,
                  numbers[i].cpus, numbers[i].inner, got);
    }
}

/* -- Sentences ---------------------------------------------------------- */

Test(plan, cuts_a_long_name_at_a_whole_character)
{
    char name[200] = "";
    struct row row = { .backend = name };
    struct fw_plan plan;

    for (int i = 0; i < 40; i++)
        strcat(name, "\u20AC");
    plan_row(&row, &plan);
    cr_expect(plan.status == FURROW_EBACKEND);
    cr_expect(strstr(plan.message, "\u20AC\"; use one of: threads") != NULL, "%s", plan.message);
}

Test(plan, has_a_reason_for_every_row)
{
    for (int i = 0; i < NROWS; i++) {
        struct fw_plan plan;

        plan_row(&rows[i], &plan);
        cr_log_info("%-60s %s%s", rows[i].claim, plan.reason, plan.message);
        cr_expect((plan.reason[0] != '\0') == (plan.status == FURROW_OK));
        cr_expect(strlen(plan.reason) < 200 && strstr(plan.reason, ";  ") == NULL);
    }
}
