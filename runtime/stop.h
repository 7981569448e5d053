/* A job that is to stop: by whom, why, and who must learn of it.
 *
 * Each kind of cause keeps the first stop of its own; the report makes the status
 * of them. What is said here is not taken back while the job runs. */
#ifndef FW_STOP_H
#define FW_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <furrow/furrow.h>

struct furrow_work;

/* Why a job stops. The first of all is kept, and the first of each kind: which
 * of several decides the status is the report's. */
enum fw_cause {
    FW_CAUSE_NONE,     /* given to fw_work_stop(): another process knows why; common->hurry is set after it, by who calls */
    FW_CAUSE_TASK,     /* a task failed, timed out or crashed */
    FW_CAUSE_WORKER,   /* worker_begin or worker_end failed, or workers die at once */
    FW_CAUSE_CALLBACK, /* next or on_result asked for it */
    FW_CAUSE_CANCEL,   /* furrow_cancel() */
    FW_CAUSE_BACKEND,  /* furrow_work_fail() */
    FW_CAUSE_DRAIN,    /* the allocation is about to end: what runs finishes, nothing starts */
    FW_CAUSES
};

/* The first stop of a kind. */
struct fw_stop {
    _Atomic uint32_t taken;     /* 0 -> 1 once, by who writes the rest */
    furrow_status status;
    uint64_t when;              /* ns on CLOCK_REALTIME, which several hosts have in common */
    int code;                   /* of the failure, callback or worker */
    size_t index;               /* of the task, where one did it; else FW_NO_TASK */
    char words[FURROW_MESSAGE]; /* may be "" */
};

/* Stops the job. `words` may be NULL. Any thread or process worker; with
 * FW_CAUSE_CANCEL or _DRAIN safe in a signal handler. In this order: the cause,
 * common->stopping, the attention words, common->hurry where tasks are to return
 * soon, and who sleeps is woken. */
void fw_work_stop(struct furrow_work *work, enum fw_cause cause, furrow_status status, int code,
                  size_t index, const char *words);

/* furrow_cancel() for this job: stops it; the second time, at once. */
void fw_work_cancel(struct furrow_work *work);

/* The job starts nothing new; what runs finishes and is not told to hurry.
 * Outermost jobs alone. Any thread, signal handlers, and process workers. */
void fw_work_drain(struct furrow_work *work, const char *words);

/* The job stops, and its tasks are to return soon: it is not only drained. */
bool fw_work_hurries(const struct furrow_work *work);

#endif
