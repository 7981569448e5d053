/* The nesting rules: which backend, how many workers, which lease, and why.
 *
 * A pure function of values: no I/O, no globals, no machine. What it needs to
 * know of the machine and of the backends is in its input, so that a table
 * tests every rule (docs/nesting.md has them with an example each). No backend
 * is named here: the table's caps and its order decide. */
#ifndef FW_PLAN_H
#define FW_PLAN_H

#include <furrow/backend.h>

/* A backend as the plan sees it. */
struct fw_candidate {
    const furrow_backend *backend;
    int capacity;    /* workers it could have here and now */
    const char *why; /* where capacity is 0 */
};

struct fw_plan_in {
    /* Where the job starts. */
    int level;                    /* 0: outside all tasks */
    int cpus;                     /* CPUs it may lease, >= 1 */
    bool in_callback;             /* inside a callback: sequential */
    bool in_region;               /* inside the program's own OpenMP parallel region: threads or sequential */
    bool isolated;                /* the caller is a process worker with nothing beside it, and may crash */
    bool alone;                   /* the caller is the only one that runs tasks in its process */
    const furrow_backend *parent; /* backend that runs the caller; NULL outside all tasks */
    int thread_levels;            /* levels below the outermost that may use threads */

    /* What the job needs. */
    size_t count;        /* tasks; SIZE_MAX where unknown */
    bool isolate, shared_memory;
    bool shared_address; /* a `shared` of size 0 */

    /* What is asked: complete (fw_config_resolve()). */
    const furrow_config *config;

    /* Backends in the order of preference; the last one is the fallback that
     * runs everything in the caller. `chosen`: how many from the start may be
     * chosen without being named. */
    const struct fw_candidate *candidates;
    int ncandidates;
    int chosen;
};

struct fw_plan {
    furrow_status status;          /* FURROW_OK, FURROW_EBACKEND, or FURROW_EINVAL */
    char message[FURROW_MESSAGE];  /* where status is not FURROW_OK */
    const furrow_backend *backend;
    int level;                     /* of the job */
    int workers;                   /* >= 1 */
    int cpus;                      /* CPUs leased: in->cpus */
    int inner_threads;             /* config->inner_threads, or 0: each worker's share */
    bool transparent;              /* consumes no level: tasks see level, scope, CPUs of the caller (rule 4) */
    bool replaced;                 /* another backend than the one named: warn once */
    char reason[FURROW_MESSAGE];
};

void fw_plan_make(const struct fw_plan_in *in, struct fw_plan *out);

/* Makes `in`, which `plan` was made of, that of a job started inside a worker of
 * the planned job whose lease has `cpus` CPUs: level, CPUs and parent; a nested
 * job's needs and config are the caller's to fill. As seat.c gives it to tasks. */
void fw_plan_nest(struct fw_plan_in *in, const struct fw_plan *plan, int cpus);

/* CPUs of worker `worker` of `workers` that share `cpus`: sizes differ by at
 * most one, larger ones first, and sum to `cpus`; with more workers than CPUs
 * one each, shared in turn. *first: offset of its first CPU. */
int fw_plan_share(int cpus, int workers, int worker, int *first);

/* Workers that `jobs` asks for with so many CPUs: jobs > 0 as asked; jobs < 0:
 * max((cpus + 1 + jobs) / max(inner_threads, 1), 1), without overflow. */
int fw_plan_workers(int jobs, int cpus, int inner_threads);

#endif
