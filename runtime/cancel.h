/* The jobs that run in this process now, for furrow_cancel().
 *
 * A signal handler may walk the list at any moment, so it is a chain of blocks
 * of atomic pointers that only grows; leaving waits until nobody walks. */
#ifndef FW_CANCEL_H
#define FW_CANCEL_H

#include <stdbool.h>

#include <furrow/backend.h>

/* False: no memory. */
bool fw_cancel_enter(furrow_work *work);
void fw_cancel_leave(furrow_work *work);

/* In a process worker of this job: furrow_cancel() stops no other one. */
void fw_cancel_forget_others(furrow_work *work);

#endif
