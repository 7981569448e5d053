/* The jobs that run in this process now, for furrow_cancel().
 *
 * A signal handler may walk the list at any moment, so it is a chain of blocks
 * of atomic pointers that only grows; leaving waits until nobody walks. */
#ifndef FW_CANCEL_H
#define FW_CANCEL_H

#include <stdbool.h>

#include <furrow/backend.h>

/* False: no memory. Where FURROW_STOP_SIGNAL has come the job is drained at once. */
bool fw_cancel_enter(furrow_work *work);
void fw_cancel_leave(furrow_work *work);

/* FURROW_STOP_SIGNAL came: drains the jobs that run here. Safe in a signal
 * handler. */
void fw_cancel_drain(void);

/* In a process worker, forked while the job runs: furrow_cancel() stops this job
 * there. Other children stop none of those that ran when they were forked. */
void fw_cancel_of_process(furrow_work *work);

#endif
