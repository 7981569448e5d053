/* furrow/furrow.h - embarrassingly parallel work in scientific codes.
 *
 * A program describes a job once: one function, many inputs, one output each.
 * furrow_map() runs it sequentially, on OpenMP threads, or on whatever other
 * backend is there, and a job started inside a task stays within the CPUs of
 * that task. docs/guide.md introduces the words used here.
 *
 * Every call that can fail returns a furrow_status; furrow_message() has the
 * sentence. The library prints nothing but its log (FURROW_LOG), never exits
 * and never aborts over the outside world. Structs hold their own text: there
 * is nothing to free. Reserved words are 0.
 *
 * Threads: every function may be called from any thread unless it says
 * otherwise. */
#ifndef FURROW_FURROW_H
#define FURROW_FURROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define FURROW_API __attribute__((visibility("default")))
#define FURROW_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define FURROW_API
#define FURROW_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* major * 10000 + minor * 100 + patch of this header. */
#define FURROW_VERSION 100

/* -- Status ------------------------------------------------------------- */

/* Every status with its number and its words; the enum below, furrow_strerror()
 * and docs/errors.md come from this list. Where several apply to one job, the
 * first of ESYS, EWORKER, ETIMEDOUT, ETASK, ECANCELLED is returned. */
#define FURROW_STATUS_MAP(X)                                                                       \
    X(FURROW_OK, 0, "success")                                                                     \
    X(FURROW_EINVAL, 1, "an argument or an environment variable has no meaning")                   \
    X(FURROW_ENOMEM, 2, "not enough memory")                                                       \
    X(FURROW_EBACKEND, 3, "no such backend, or none that may run this job here")                   \
    X(FURROW_ETASK, 4, "at least one task failed")                                                 \
    X(FURROW_ETIMEDOUT, 5, "at least one task ran past its time limit")                            \
    X(FURROW_EWORKER, 6, "at least one task ended its worker, or a worker could not begin or end") \
    X(FURROW_ECANCELLED, 7,                                                                        \
      "the job was stopped by a callback, furrow_cancel() or the end of its allocation")           \
    X(FURROW_ESYS, 8, "the operating system refused something")

typedef enum furrow_status {
#define FURROW_STATUS_ENTRY(name, number, words) name = number,
    FURROW_STATUS_MAP(FURROW_STATUS_ENTRY)
#undef FURROW_STATUS_ENTRY
} furrow_status;

/* The words of a status; never NULL, also for a number that is none. */
FURROW_API const char *furrow_strerror(furrow_status status);

/* Why the last furrow call of this thread failed, one line a user can act on;
 * "" where none has failed. Valid until the next furrow call of this thread. */
FURROW_API const char *furrow_message(void);

/* -- Tasks -------------------------------------------------------------- */

/* What became of one task. */
typedef enum furrow_outcome {
    FURROW_PENDING,   /* not settled yet; never seen after furrow_map() returned */
    FURROW_DONE,      /* returned 0 */
    FURROW_FAILED,    /* returned a code of its own */
    FURROW_TIMED_OUT, /* ran past its time limit */
    FURROW_CRASHED,   /* ended its worker */
    FURROW_SKIPPED    /* never ran, or not to its end: the job was stopped before */
} furrow_outcome;

/* What a task function sees. Borrowed: valid until the function returns. Calls
 * that take a task take this one, not a copy of the struct. */
typedef struct furrow_task {
    size_t index;       /* 0 ... count - 1 */
    const void *in;     /* in_size bytes of this task, or NULL */
    void *out;          /* out_size bytes of this task, or NULL; content unspecified at the start */
    const void *shared; /* the job's */
    unsigned attempt;   /* 0 the first time, 1 on the first retry, ... */
    int cpus;           /* inner threads in effect: how many threads this task may use */
    uint64_t seed;      /* furrow_seed(job.seed, index): same on every backend, worker count, retry */
    void *state;        /* what worker_begin left for this worker, or NULL */
} furrow_task;

/* The function of a job. Returns 0, or a code of the user's own: the task
 * failed. Called on any worker, for several tasks at the same time unless the
 * job says `isolate`. Must not throw, longjmp or pthread_exit through furrow,
 * and tasks must not wait for each other. */
typedef int (*furrow_task_fn)(furrow_task *task);

/* Called once per job in each worker that runs a task, before its first and
 * after its last one. Within one process no two such calls run at the same
 * time, so planners that are not thread-safe belong here. `*state` reaches the
 * worker's tasks as task->state. Nonzero stops the job: FURROW_EWORKER. */
typedef int (*furrow_worker_fn)(int worker, const void *shared, void **state);

/* What `on_result` sees. Borrowed: valid for the call. */
typedef struct furrow_result {
    size_t index;
    furrow_outcome outcome; /* any but PENDING and SKIPPED */
    int code;               /* what the task returned; CRASHED: the signal, or minus the exit status */
    const void *out;        /* the task's output slot, or its reply; NULL without either */
    size_t out_size;        /* bytes at `out` */
    double seconds;         /* of the last try, on CLOCK_MONOTONIC */
    unsigned attempt;       /* of the last try */
    int worker;
    const char *host;    /* where it ran */
    const char *message; /* the task's words; "" if it had none */
} furrow_result;

/* What furrow_job.next returns; a negative number is a failure. */
enum {
    FURROW_NEXT_END = 0,  /* no more inputs */
    FURROW_NEXT_ONE = 1,  /* one input was made */
    FURROW_NEXT_LATER = 2 /* none now: ask again after the next result; with nothing in flight: the end */
};

/* -- Jobs --------------------------------------------------------------- */

/* What is to be done and what it needs. Everything it points to is borrowed
 * for the call. Initialise with `= { 0 }` or designated initialisers. */
typedef struct furrow_job {
    const char *name;   /* for messages and traces; may be NULL */
    furrow_task_fn run; /* required */
    size_t count;       /* tasks; with `next`: at most so many, 0: until `next` ends */
    const void *in;     /* array of `count` inputs of in_size bytes, or NULL */
    size_t in_size;     /* bytes; with `next`, the size of what it makes */
    void *out;          /* array of `count` outputs of out_size bytes, or NULL */
    size_t out_size;    /* bytes; without `out`: an output for on_result only */
    const void *shared; /* read-only, for all tasks */
    size_t shared_size; /* 0: `shared` is an address that every worker must have; else bytes that are
                         * copied where they leave the process, so they must hold no pointers */
    unsigned char *outcome;         /* `count` furrow_outcomes as bytes, written by the call unless a field of the job
                                     * has no meaning; or NULL */
    const float *cost;              /* `count` relative costs >= 0, finite; expensive tasks start first, unless
                                     * `ordered`; or NULL */
    furrow_worker_fn worker_begin;  /* or NULL */
    furrow_worker_fn worker_end;    /* or NULL; runs in every worker whose worker_begin returned 0 */
    uint64_t seed;                  /* of the job; any value */
    int (*next)(void *in, void *user); /* makes one input in `in` (in_size bytes): FURROW_NEXT_ONE, _LATER, _END; or
                                        * < 0: stop with FURROW_ECANCELLED, the number in report.code; or NULL */
    int (*on_result)(const furrow_result *result, void *user); /* once per task, after its last try; nonzero stops
                                                                * the job with FURROW_ECANCELLED; or NULL */
    void *user;             /* handed to next and on_result */
    bool shared_memory;     /* need: tasks write to the caller's memory */
    bool isolate;           /* need: tasks are not thread-safe or may crash */
    bool ordered;           /* on_result in index order; stops at an index that has no result */
    bool everywhere;        /* outputs on all ranks of a collective backend; no meaning elsewhere */
    uint64_t reserved[4];   /* 0 */
} furrow_job;

/* Whether workers are bound to the CPUs of their lease. */
enum {
    FURROW_BIND_AUTO,  /* processes and task threads of ranks where the allowed CPUs are ours; OpenMP threads never */
    FURROW_BIND_NONE,  /* never */
    FURROW_BIND_LEASE  /* OpenMP threads too; FURROW_EBACKEND where the teams inside a task would not keep to it */
};

/* How to run, whatever the job. Start from FURROW_CONFIG_DEFAULT: a field that
 * still has its default is taken from the environment at level 0. */
typedef struct furrow_config {
    const char *backend;  /* a name of the registry; NULL: chosen. FURROW_BACKEND */
    int jobs;             /* n > 0: n workers; -1: all CPUs, -2: all but one, ...; 0: FURROW_EINVAL. FURROW_JOBS */
    int inner_threads;    /* threads inside each task; 0: the worker's share. FURROW_INNER_THREADS */
    size_t batch;         /* tasks handed to a worker at once; 0: automatic. FURROW_BATCH */
    size_t pre_dispatch;  /* tasks drawn from `next` whose results were not yet handed over; 0: two batches a worker;
                           * at most 65536 */
    double timeout;       /* seconds for one try of one task; 0: none. FURROW_TIMEOUT */
    int retries;          /* more tries for a task that failed, timed out or crashed. FURROW_RETRIES */
    bool keep_going;      /* false: the first failure stops the job; true: run all, report all */
    bool strict;          /* no replacement of the backend: FURROW_EBACKEND instead */
    int bind;             /* FURROW_BIND_*. FURROW_BIND */
    uint64_t reserved[4]; /* 0 */
} furrow_config;

#define FURROW_CONFIG_DEFAULT                                                                      \
    {                                                                                              \
        NULL, -1, 0, 0, 0, 0.0, 0, false, false, FURROW_BIND_AUTO, { 0, 0, 0, 0 }                  \
    }

enum {
    FURROW_MESSAGE = 256, /* bytes of a message, with its NUL */
    FURROW_HOST = 64,     /* bytes of a host name, with its NUL */
    FURROW_FAILURES = 8   /* failures kept in a report */
};

typedef struct furrow_failure {
    size_t index;
    furrow_outcome outcome; /* FAILED, TIMED_OUT or CRASHED */
    int code, worker;
    char host[FURROW_HOST], message[FURROW_MESSAGE];
} furrow_failure;

/* What was decided and what happened; written whole by every call that takes
 * one, whatever the status. */
typedef struct furrow_report {
    /* The plan; furrow_plan() fills this part alone. */
    const char *backend; /* name, static; "none" where no plan came about */
    int level, workers;
    int cpus_min, cpus_max;      /* smallest and largest lease of a worker */
    char reason[FURROW_MESSAGE]; /* why this backend and this number, and what was asked instead */
    /* What happened. */
    uint64_t done, failed, timed_out, crashed, skipped, retried;
    double wall_seconds, busy_seconds; /* busy: summed over workers */
    size_t batch;                      /* tasks in a batch at the end of the job; the most of any worker */
    furrow_status status;              /* the one returned */
    int code;                          /* of what stopped the job (a failure, a callback, worker_begin or worker_end),
                                        * else of the failure that `message` is about */
    char message[FURROW_MESSAGE];      /* one line a user can act on; "" after FURROW_OK */
    int failures;                      /* entries used below: the lowest indices among the failures seen */
    furrow_failure failure[FURROW_FAILURES];
    uint64_t reserved[8];
} furrow_report;

/* Runs a job and returns when it is over: then every task has an outcome,
 * nothing of it runs any more, and the next job works whatever the status.
 *
 *   job     what to do; checked before anything starts
 *   config  how; NULL: what furrow_config_get() gives
 *   report  out, may be NULL
 *
 * Returns FURROW_OK when all tasks are DONE. FURROW_EINVAL, _EBACKEND and
 * _ENOMEM come before any task ran, but for FURROW_ENOMEM where a rank of "mpi"
 * has no memory left later (docs/mpi.md), or the program none for a reply of a
 * process worker. */
FURROW_API furrow_status furrow_map(const furrow_job *job, const furrow_config *config,
                                    furrow_report *report);

/* Decides as furrow_map() would and runs nothing. `job` may be NULL: a job of
 * many tasks without needs. `report` has the plan; its counts are 0.
 * FURROW_EINVAL, _EBACKEND and _ENOMEM as furrow_map(). */
FURROW_API furrow_status furrow_plan(const furrow_job *job, const furrow_config *config,
                                     furrow_report *report);

typedef void (*furrow_range_fn)(size_t begin, size_t end, void *user);

/* A loop over shared memory: calls `body` on disjoint ranges that cover
 * 0 ... count - 1, on threads or sequentially. How the ranges are cut is not
 * promised; every index is in exactly one. Stopped by furrow_cancel() between
 * two ranges: FURROW_ECANCELLED. FURROW_EINVAL where `body` is NULL; else the
 * statuses of furrow_map(). */
FURROW_API furrow_status furrow_for(size_t count, furrow_range_fn body, void *user,
                                    const furrow_config *config);

/* A reduction over ranges of indices. The same bits on every backend, worker
 * count and batch: blocks of `grain` indices are folded in order, each from a
 * copy of the identity, and joined pairwise, neighbours first; blocks and tree
 * depend on `count` and `grain` alone. */
typedef struct furrow_reduction {
    const char *name; /* may be NULL */
    size_t count;     /* indices */
    int (*fold)(size_t begin, size_t end, void *acc, const void *shared); /* adds these indices to acc, in
                                                                           * order; 0, or a code: stop */
    void (*combine)(void *acc, const void *later, const void *shared);    /* acc = acc then later; need
                                                                           * not commute */
    void *result;         /* in: the identity; out, on FURROW_OK only: the result */
    size_t size;          /* bytes of result; bitwise copyable. An accumulator is aligned like malloc's
                           * when size is a multiple of 16, else to the largest power of two that divides it */
    const void *shared;   /* as in furrow_job */
    size_t shared_size;   /* as in furrow_job */
    size_t grain;         /* indices per block; 0: count / 4096, rounded up */
    uint64_t reserved[4]; /* 0 */
} furrow_reduction;

/* `report` may be NULL. FURROW_EINVAL names the field without meaning,
 * FURROW_ENOMEM: no accumulators; both before any fold. Else the statuses of
 * furrow_map(); a fold that returned nonzero is FURROW_ETASK. */
FURROW_API furrow_status furrow_reduce(const furrow_reduction *reduction,
                                       const furrow_config *config, furrow_report *report);

/* -- Configuration ------------------------------------------------------ */

/* What config == NULL means here and now: this thread's innermost pushed
 * config, else defaults completed from the environment. FURROW_EINVAL names a
 * variable that has no meaning; `config` is untouched then. The text it points
 * to is the library's and stays. */
FURROW_API furrow_status furrow_config_get(furrow_config *config);

/* Copies `config` and makes it what NULL means for this thread, until popped.
 * Inside a task of a parallel backend the stack starts empty, and what a task
 * leaves pushed is popped when it ends. FURROW_EINVAL names a field without
 * meaning, FURROW_ENOMEM: no memory for the copy; nothing is pushed then. */
FURROW_API furrow_status furrow_config_push(const furrow_config *config);

/* FURROW_EINVAL where nothing is pushed in this scope. */
FURROW_API furrow_status furrow_config_pop(void);

/* Thread pools of other libraries use at most `threads` threads, until popped:
 * OpenMP regions that name no number, OpenBLAS, BLIS, MKL, FlexiBLAS as far as
 * they are loaded (docs/threadpools.md). Jobs do this for their tasks by
 * themselves; this is for the code around them. What a library keeps per
 * thread is limited for this thread, and OpenMP for what the calling OpenMP
 * task starts; what it keeps per process is limited for all threads, to the
 * smallest number that is pushed on any thread or due to a job. Pushes nest,
 * the newest of a thread counts, and what a task leaves pushed is popped when
 * it ends. Outside tasks, pop before the thread ends.
 *
 * FURROW_EINVAL: threads < 1. FURROW_ENOMEM: nothing is changed. */
FURROW_API furrow_status furrow_thread_limit_push(int threads);

/* Back to the settings before the newest push, whatever was set meanwhile; on
 * the same thread and in the same OpenMP task. FURROW_EINVAL where nothing is
 * pushed in this scope. */
FURROW_API furrow_status furrow_thread_limit_pop(void);

/* -- Inside a task ------------------------------------------------------ */

/* Gives a task of a job with on_result an output whose length only the task
 * knows; it replaces the slot in the result. The bytes are copied. A later
 * call replaces an earlier one. Returns 0, or nonzero, to be returned from the
 * task: no on_result, or no memory (the message says which). Task's thread only. */
FURROW_API int furrow_task_reply(furrow_task *task, const void *data, size_t size);

/* Gives a failure words; returns `code`, or 1 where code is 0, to be returned
 * from the task: return furrow_task_fail(task, 3, "no convergence at %g", x);
 * Cut at FURROW_MESSAGE - 1 bytes; line breaks become blanks. Task's thread only. */
FURROW_API int furrow_task_fail(furrow_task *task, int code, const char *format, ...)
    FURROW_PRINTF(3, 4);

/* The same with a text that needs no NUL, for Fortran; trailing blanks are cut. */
FURROW_API int furrow_task_fail_text(furrow_task *task, int code, const char *text, size_t length);

/* True once the task is past its time limit or its job is stopping: return
 * soon. Not where the job only starts nothing new (docs/slurm.md): there running
 * tasks are to finish. Any thread that the task started may ask, until the task returns. */
FURROW_API bool furrow_task_expired(const furrow_task *task);

/* -- Memory that workers write in place ---------------------------------- */

/* Zeroed memory, aligned to 64 bytes, that workers forked later (backend fork)
 * share with the program: outputs that lie in it are written in place, without
 * a copy, and a program whose data lie in it is forked as fast as a small one.
 * NULL: not to be had, see furrow_message(). At least a page each. */
FURROW_API void *furrow_alloc(size_t size);

/* `p` from furrow_alloc(), or NULL. No job may be using it. */
FURROW_API void furrow_free(void *p);

/* -- Anywhere ----------------------------------------------------------- */

/* Stops the jobs running in this process at this moment, no later one: they
 * return FURROW_ECANCELLED once the tasks that run have returned. Called again
 * while a job stops, it ends the running tasks of that job where the backend can
 * (FURROW_CAP_KILLS); they are SKIPPED. In a task of a process worker it stops
 * that worker's job. Any thread, and safe in a signal handler. */
FURROW_API void furrow_cancel(void);

/* CPUs that the caller may use: the process's, or inside a task its lease, of
 * which an explicit inner_threads leaves so many. At least 1. Flags:
 * FURROW_PHYSICAL counts the cores these belong to. */
enum { FURROW_PHYSICAL = 1u << 0 };
FURROW_API int furrow_cpu_count(unsigned flags);

/* Seconds until the batch system ends the allocation that this process runs in;
 * 0 past that, INFINITY where nothing tells: outside an allocation, without a
 * time limit, or where the batch system does not say. Known from the environment
 * (SLURM_JOB_END_TIME) when the process started: a limit that is changed later is
 * not seen. docs/slurm.md has what furrow itself does with it. Any thread. */
FURROW_API double furrow_allocation_seconds_left(void);

/* Level that a job started here would have: 0 outside all tasks. */
FURROW_API int furrow_level(void);

/* Backend that runs the caller; "none" outside all tasks. */
FURROW_API const char *furrow_backend_name(void);

/* The seed of a task: SplitMix64's output function of
 * seed + (index + 1) * 0x9E3779B97F4A7C15, fixed for ever (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
FURROW_API uint64_t furrow_seed(uint64_t seed, size_t index);

#ifdef __cplusplus
}
#endif

#endif
