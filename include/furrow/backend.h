/* furrow/backend.h - the contract between the runtime and a backend.
 *
 * A backend makes workers and takes them away; what they do is the runtime's.
 * run() gets a crew (how many workers, the CPUs of each) and the job in
 * progress; every worker, thread or forked child, calls furrow_work_run() with
 * its number and returns when that returns. A user's own backend is a table
 * like the library's own ones, handed to furrow_backend_register();
 * docs/backends.md has one on plain pthreads.
 *
 * run() and wake() are called without any lock of the runtime held. Tables are
 * const: the state of a job lives in its work, never in the table. */
#ifndef FURROW_BACKEND_H
#define FURROW_BACKEND_H

#include <furrow/furrow.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a backend can do; the plan asks these, never the name. */
enum {
    FURROW_CAP_WRITES_HERE = 1u << 0, /* tasks write in the caller's memory: shared_memory jobs qualify. Without
                                       * it the work and the outputs live in memory that forked children share */
    FURROW_CAP_READS_HERE = 1u << 1,  /* tasks see the program's memory as it is when the job starts: a
                                       * `shared` of size 0 qualifies */
    FURROW_CAP_ISOLATES = 1u << 2,    /* isolate jobs qualify: a crash costs one task */
    FURROW_CAP_KILLS = 1u << 3,       /* ends a task at its time limit */
    FURROW_CAP_NESTS = 1u << 4        /* may run below level 0 */
};

/* The CPUs of one worker. */
typedef struct furrow_lease {
    int cpus;           /* how many, >= 1 */
    const char *cpuset; /* their OS indices, "0-3,8"; workers share CPUs where there are more workers than CPUs */
} furrow_lease;

/* From the plan; borrowed for the call of run(). */
typedef struct furrow_crew {
    int level, workers;
    const furrow_lease *lease; /* one per worker */
    bool caller_serves;        /* the calling thread runs furrow_work_serve() and no task; workers come on top */
} furrow_crew;

/* The job in progress. Lives in memory that forked children share where the
 * backend lacks FURROW_CAP_WRITES_HERE. */
typedef struct furrow_work furrow_work;

typedef struct furrow_backend {
    size_t size;      /* sizeof(furrow_backend): which header it was built with */
    const char *name; /* lower-case letters, digits and '_', stable: a value of FURROW_BACKEND */
    unsigned caps;    /* FURROW_CAP_* */

    /* Workers it could have here and now; 0: none, and `why` says so in a
     * sentence. Required. Any thread, no side effects. */
    int (*capacity)(const furrow_config *config, char why[FURROW_MESSAGE]);

    /* Makes the workers, lets each call furrow_work_run(), takes them away.
     * Required. Called on the job's calling thread, once per job and again
     * where tasks were lost with dying workers. With caller_serves the calling
     * thread itself calls furrow_work_serve(), or, where no other thread can be
     * had, furrow_work_run(work, 0), which then serves in between. On return
     * nothing of it runs, and the caller's affinity and signal mask are as
     * before. Fewer workers than asked are fine: the others run all tasks.
     * With none at all: furrow_work_fail(). Returns FURROW_OK, or the status
     * it gave to furrow_work_fail(). */
    furrow_status (*run)(const furrow_crew *crew, furrow_work *work);

    /* The job shall stop, or stop at once: wake what waits outside
     * furrow_work_*. Any thread or signal handler, also of a process worker,
     * while the job runs, which begins before run() does and ends after it.
     * NULL: run() looks at furrow_work_stopping() by itself. */
    void (*wake)(furrow_work *work);
} furrow_backend;

/* Adds a backend, kept by address until the program ends. FURROW_EINVAL: a
 * required slot, name or size is missing or the name is taken. FURROW_ENOMEM:
 * 32 are registered. */
FURROW_API furrow_status furrow_backend_register(const furrow_backend *backend);

/* In a worker: runs tasks until none is left (true) or the job stops (false).
 *   worker  0 ... crew->workers - 1, each by one thread or process at a time;
 *           a replacement has the number of the worker that died.
 * While it runs, the caller's floating-point control, per-thread locale and
 * signal mask hold in this thread; its own come back at the end. */
FURROW_API bool furrow_work_run(furrow_work *work, int worker);

/* On the job's calling thread, where crew->caller_serves: runs the callbacks
 * and sleeps in between, until every task has an outcome or the job stops. */
FURROW_API void furrow_work_serve(furrow_work *work);

/* Seconds until the task of this worker is to be killed (it may be negative);
 * INFINITY: it runs none, or there is no limit. Supervisor of process workers. */
FURROW_API double furrow_work_deadline(const furrow_work *work, int worker);

/* Seconds that one try of a task may take: what furrow_work_deadline() will say
 * of a task that starts now. INFINITY: there is no limit. */
FURROW_API double furrow_work_limit(const furrow_work *work);

/* A worker ended without returning from furrow_work_run(): settles or retries
 * the task it was running and gives away the rest of what it had claimed. Call
 * once per death, before a replacement starts.
 *   outcome  FURROW_CRASHED, FURROW_TIMED_OUT where it was killed at its limit,
 *            or FURROW_SKIPPED where it was killed since the job is urgent
 *   code     the signal, or minus the exit status
 * Three deaths in a row before a worker began stop the job with FURROW_EWORKER,
 * and so does one in worker_end. */
FURROW_API void furrow_work_lost(furrow_work *work, int worker, furrow_outcome outcome, int code);

/* True once the job is to stop: make no more workers. */
FURROW_API bool furrow_work_stopping(const furrow_work *work);

/* True once the job is to stop at once (furrow_cancel() was called again): a
 * backend that can end running tasks does so. wake() is called when it turns. */
FURROW_API bool furrow_work_urgent(const furrow_work *work);

/* Keeps a pointer of the backend's own with the job, for wake(), which is given
 * the job alone; NULL at the start. What it points to must be there in every
 * process that may call wake(). Attaching returns when no wake() of this
 * process is running that may have seen the pointer before. */
FURROW_API void furrow_work_attach(furrow_work *work, void *own);
FURROW_API void *furrow_work_attached(const furrow_work *work);

/* Something the user should know of how the job was run, such as fewer workers
 * than planned: appended to report.reason. From run()'s calling thread. */
FURROW_API void furrow_work_note(furrow_work *work, const char *format, ...) FURROW_PRINTF(2, 3);

/* The backend itself failed: stops the job with `status` and this sentence;
 * returns the status. The first failure's words are kept. */
FURROW_API furrow_status furrow_work_fail(furrow_work *work, furrow_status status,
                                          const char *format, ...) FURROW_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
