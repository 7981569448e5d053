/* The job in progress: everything the workers of a job share.
 *
 * One block, owned by furrow_map() from fw_work_open() to fw_work_close(). It
 * lives in private memory where the workers are threads, and in a mapping that
 * forked children share where they are processes; pointers into it and into
 * what the program had before hold in both. Who writes what stands beside the
 * fields. The parts: ranges.h (who runs which task), stream.h (inputs, results
 * and callbacks in order), stop.h (why it stops), seat.h (a worker at work),
 * report.h (the end). */
#ifndef FW_WORK_H
#define FW_WORK_H

#include <pthread.h>
#include <sys/types.h>

#include <furrow/backend.h>

#include "again.h"
#include "batch.h"
#include "bell.h"
#include "bind.h"
#include "clock.h"
#include "context.h"
#include "deadline.h"
#include "inherit.h"
#include "marks.h"
#include "outcome.h"
#include "plan.h"
#include "progress.h"
#include "ranges.h"
#include "ring.h"
#include "stage.h"
#include "stop.h"

struct fw_stream;

/* Where a process worker is; what its death means depends on it. */
enum fw_phase {
    FW_PHASE_NEW,   /* not yet in furrow_work_run() */
    FW_PHASE_BEGIN, /* in worker_begin */
    FW_PHASE_READY, /* tasks */
    FW_PHASE_END,   /* in worker_end */
    FW_PHASE_LEFT
};

/* What all processes that work on the same ranges have in common. */
struct fw_common {
    _Atomic uint32_t stopping; /* 0 -> 1 once, by anyone; after `cause` */
    _Atomic uint32_t hurry;    /* 0 -> 1 once, after `stopping` and attention: running tasks are to return soon */
    _Atomic uint32_t urgent;   /* 0 -> 1 once: running tasks are to be ended too */
    _Atomic uint32_t more;     /* tasks may still come from elsewhere: a worker that has none waits */
    struct fw_bell bell;       /* rung when there may be work, or none any more */
    struct fw_stage_level stage;
    struct fw_progress_level progress;
};

struct fw_share;
struct fw_reducing;

/* What is asked of the engine: a job as the user gave it, or a loop. */
struct fw_request {
    furrow_job job;       /* borrowed pointers in it */
    furrow_range_fn body; /* furrow_for: called with ranges instead of job.run; or NULL */
    bool quiet;           /* nobody gets the report */
    const struct fw_reducing *reducing; /* furrow_reduce: what job.shared points to (reducing.h); or NULL */
    size_t scratch;       /* furrow_reduce: bytes of each worker's own, where task->state points; or 0 */
    furrow_config config; /* complete */
    const furrow_config *asked; /* before it was; borrowed for the call. NULL: not known */
    const struct fw_share *share; /* other processes run the job's tasks too (share.h); or NULL */
    furrow_status refused; /* found wrong already, with this thread's sentence; who takes part in a job that
                            * several processes start together says so there */
};

/* One worker's own part; written by the worker alone but where it says so. What
 * is looked at after every job stands in the first line. */
struct fw_worker {
    _Alignas(FW_CACHE_LINE) struct fw_batch batch;
    size_t started;  /* tasks started, retries not counted */
    uint64_t longest_ns; /* the longest claim: no task took longer */
    uint32_t turn;   /* of the work, when the worker was made ready; another one: it took no part */
    int nfailures;   /* after the entry is whole */
    uint64_t failed, timed_out, retried;
    uint64_t busy_ns;
    unsigned begun;  /* worker_begin returned 0, and worker_end is due */
    unsigned entered; /* furrow_work_run() was called */
    _Atomic unsigned attempt;      /* of the task that runs; 0 before a task that is tried for the first time */
    _Atomic size_t unmarked;       /* tasks of its claim from here to the one before `running` are done
                                    * and their outcomes not yet stored; FW_NO_TASK: none */
    _Atomic uint64_t task_started; /* ns on CLOCK_MONOTONIC, 0: none; kept where there is a time limit */
    _Atomic uint32_t slot;         /* of the stream, + 1, from before it starts until it is handed back; 0: none */
    _Atomic uint32_t slot_use;     /* which use of that slot */
    /* By the supervisor, after the worker's death. */
    uint64_t crashed, killed;
    _Atomic uint32_t phase; /* enum fw_phase; by the worker, reset by the supervisor */
    /* Which try of which task left the words in `blame`. */
    size_t said_index; /* FW_NO_TASK: of none */
    unsigned said_attempt;
};

struct furrow_work {
    /* -- Set by fw_work_open(), then read-only. */
    uint32_t turn; /* jobs that the block had before this one */
    struct fw_request request;
    const furrow_backend *backend;
    const struct fw_context *caller; /* its frame; not for process workers to write */
    pthread_t caller_thread;
    pid_t caller_pid;
    int level, workers;        /* workers: of this process */
    int ready;                 /* workers from the first on that may take part: fewer in a small job */
    int line;                  /* that worker 0 has in the ranges */
    int number;                /* that worker 0 has in reports */
    int cpus;                  /* leased; `at` has their places, NULL: as the caller has them */
    const int *at;
    const struct furrow_lease *lease; /* one per worker */
    int *first;                /* where in `at` each worker's lease starts (fw_lease_deal()) */
    int inner_threads;         /* explicit, or 0 */
    bool transparent;
    enum fw_bind bind;         /* what workers do with their masks */
    bool shared_home;          /* the block is a shared mapping, outputs are staged */
    bool isolates;             /* a worker has its process to itself */
    bool foreign;              /* what tasks inherit is not the calling thread's */
    bool outermost;            /* no task and no callback of another job started it: it may be drained */
    uint64_t limit_ns;         /* per try; 0: none */
    struct fw_inherit inherit;
    _Atomic(furrow_work *) *cancel_slot; /* cancel.c's, between fw_cancel_enter() and _leave() */
    char *out;                 /* where tasks write: the caller's array or the stage; NULL: none, or slots */
    char *scratch;             /* workers x request.scratch; or NULL */
    unsigned char *outcome;    /* one byte per task: the caller's or the block's; NULL: nobody asks */
    struct fw_marks *marks;    /* one per worker, where runs of tasks are noted instead of bytes; else NULL */
    struct fw_span *runs;      /* room for all that `marks` hold, at the end of the job */
    struct fw_ring *ring;  /* one per worker, where outputs go through rings; else NULL */
    char *ring_out;            /* what the rings hold; or NULL */
    size_t ndear;              /* tasks that go first, from the front; 0 once dealt again */
    uint32_t deaths_dealt;     /* `deaths` when the tasks were dealt again; 0: not yet. Between two runs */
    size_t *dear;              /* in the order to start them */
    size_t *dear_sorted;       /* by index */
    struct fw_again *again;    /* one per task, where tries may come later; else NULL */
    struct fw_common *common;
    struct fw_ranges *ranges;
    struct fw_worker *worker;
    struct fw_blame *blame;    /* one per worker */
    struct fw_stream *stream;  /* where there are callbacks; else NULL */
    size_t bytes;              /* of the block */
    char host[FURROW_HOST];

    struct fw_stage stage;     /* where `out` is one */
    struct fw_rings rings; /* what `ring` has in common */

    /* -- Shared while the job runs. */
    _Alignas(FW_CACHE_LINE) struct fw_common own; /* what `common` points to where nobody else shares it */
    _Atomic uint32_t wakers;   /* calls of backend->wake() in the job's own process */
    void *_Atomic attached;    /* the backend's */
    _Atomic uint32_t cause;  /* enum fw_cause of the first stop */
    struct fw_stop stop[FW_CAUSES]; /* by cause; read when all workers have left */
    char note[FURROW_MESSAGE]; /* furrow_work_note(): what the report's reason says besides */
    struct fw_progress progress;
    struct fw_deadline deadline;
    _Atomic uint64_t again_head; /* tag in the high 16 bits, index + 1 below */
    _Atomic uint32_t deaths; /* workers lost, ever */
    _Atomic uint32_t deaths_idle; /* in a row, before a worker began; reset by one that did */
};

/* Allocates the block for `request` as the plan says. FURROW_ENOMEM,
 * FURROW_ESYS with a message; *out untouched then. `at`: the lease, borrowed. */
FW_MUST_CHECK furrow_status fw_work_open(const struct fw_request *request, const struct fw_plan *plan,
                                         const int *at, struct furrow_work **out);

/* The same for the block of a job that is over, one that fw_work_open() gave for
 * such a job (habit.h), of which `workers` may take part. fw_work_ready() deals the
 * tasks. */
void fw_work_reopen(struct furrow_work *work, const struct fw_request *request, int workers);

/* The same for a job that differs from the last one by name, seed
 * and where its data are alone. Not with progress in the log. */
void fw_work_reopen_same(struct furrow_work *work, const furrow_job *job, bool quiet, int workers);

/* Lets all workers take part, and deals the tasks from `first` on to them. */
void fw_work_ready(struct furrow_work *work, size_t first);

/* By a worker that takes part, before anything else: what it had in the job
 * before is gone. Its own thread does it, so that these lines of the cache stay
 * where they are. */
void fw_work_enter(struct furrow_work *work, int worker);

/* The worker's part in this job; NULL: it took none. When it has left, or died. */
static inline const struct fw_worker *fw_work_part(const struct furrow_work *work, int worker)
{
    const struct fw_worker *w = &work->worker[worker];

    return w->turn == work->turn ? w : NULL;
}

/* After the last run(): what never ran is SKIPPED, outputs and outcomes are the
 * caller's. True: dying workers lost tasks that are still to be run; they are
 * dealt anew and run() is due again. */
bool fw_work_settle(struct furrow_work *work);

/* For another run after tasks were lost: where it is somebody else's to deal the
 * ranges again, this process's part. */
void fw_work_begin_again(struct furrow_work *work);

void fw_work_close(struct furrow_work *work);

/* Whoever works on these ranges starts no more tasks. Not whether running ones are
 * to return (`hurry`): that comes after it. Safe in a signal handler. */
static inline void fw_work_start_no_more(struct fw_common *common, struct fw_ranges *ranges)
{
    atomic_store(&common->stopping, 1);
    for (int line = 0; line < ranges->workers; line++)
        atomic_fetch_or(&ranges->line[line].attention, FW_STOP);
}

static inline bool fw_work_stops(const struct furrow_work *work)
{
    return atomic_load_explicit(&work->common->stopping, memory_order_relaxed) != 0;
}

/* The worker's last task left something behind; looked at before its next. */
void fw_work_untidy(struct furrow_work *work, int worker);

/* The number that the user knows a worker of this process by. */
static inline int fw_work_number(const struct furrow_work *work, int worker)
{
    return work->number + worker;
}

/* The places of a worker's lease in fw_cpus(), and how many. */
const int *fw_work_lease(const struct furrow_work *work, int worker, int *cpus);

/* Nothing is lost with this worker: it runs no task and no worker_end. Supervisor,
 * of a worker that is stopped or dead. */
bool fw_work_idles(const struct furrow_work *work, int worker);

/* What ended a worker, said of the task that it ran: before furrow_work_lost(),
 * by who calls that. */
void fw_work_blame(struct furrow_work *work, int worker, const char *words);

#endif
