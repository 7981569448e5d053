/* Thread pools that all threads of a process share: who limits them now.
 *
 * Such a pool has one number for all threads, so a job whose workers are
 * threads sets it once, from its caller, not per worker or task. Jobs of
 * several threads at the same time each hold the pools: the smallest limit is
 * in force, and when the last one lets go every pool has the number it had
 * before the first. A process worker holds them for itself. */
#ifndef FW_POOLHOLD_H
#define FW_POOLHOLD_H

#include <stdbool.h>

/* One who limits: a job, a process worker, or a furrow_thread_limit_push(). In
 * the storage of who holds, from fw_pools_hold() to fw_pools_release(). */
struct fw_pool_hold {
    bool held;
    int asked, share;           /* as in fw_pooluser_threads() */
    bool crowd;                 /* for several threads: holds within it don't replace it */
    struct fw_pool_hold *outer; /* this thread's hold before */
    /* Guarded by the lock of poolhold.c. */
    bool covered;               /* a later hold of the same thread counts instead */
    struct fw_pool_hold *next, *prev;
};

/* Limits the process-wide pools found until now (fw_pools_refresh()), each to
 * the smallest number that any hold in force gives it. Where there are none
 * nothing is held, and a pool that is loaded meanwhile is the next job's.
 *   asked  an explicit number of threads, or 0
 *   share  CPUs that one user of the pools has, >= 1
 *   crowd  several threads work under this hold; else only the calling one, and
 *          what it holds later, and releases before, counts instead */
void fw_pools_hold(struct fw_pool_hold *hold, int asked, int share, bool crowd);

/* From the thread that held; nothing happens where nothing is held. */
void fw_pools_release(struct fw_pool_hold *hold);

/* In a forked child: holds of threads that are not there end; what they set
 * stays as it is. */
void fw_pools_after_fork(void);

#endif
