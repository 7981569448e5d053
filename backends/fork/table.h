/* The fork backend's table of one run: what the caller, the nursery and the
 * workers of a job share beside the job itself.
 *
 * One mapping, made before anybody is forked and at the same address in all.
 * docs/fork.md has the processes, their states and who moves them. */
#ifndef FW_FORK_TABLE_H
#define FW_FORK_TABLE_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include <furrow/backend.h>

#include "oom.h"

/* Signals that the nursery sleeps for, beside SIGCHLD. All are blocked there,
 * so that none is lost, and none harms a stranger. */
enum {
    FW_FORK_ORPHANED = SIGHUP, /* its parent may have ended: it looks */
    FW_FORK_WAKE = SIGURG      /* the job is to stop at once: it looks */
};

enum fw_fork_state { FW_FORK_VACANT, FW_FORK_RUNS, FW_FORK_ASKED, FW_FORK_DOOMED };

/* One worker. The nursery writes it, but for `left`. */
struct fw_fork_member {
    _Atomic int32_t pid;    /* and process group; 0: none. The worker too, at its start */
    _Atomic uint32_t left;  /* furrow_work_run() returned: nothing is lost with it. The worker */
    enum fw_fork_state state;
    bool stopped;           /* by a signal, the nursery's or another's */
    furrow_outcome verdict; /* of the task it runs, should it end now */
    double asked;           /* when the nursery's SIGSTOP was sent, on its clock */
    int looks;              /* in a row that found it stopped by another and without a task */
    double looked;          /* when the last of them was */
};

struct fw_fork_table {
    /* Set before the nursery is forked, then read-only. */
    size_t bytes;
    furrow_work *work;
    const furrow_lease *lease; /* one per worker */
    int least;                 /* CPUs of the smallest */
    struct fw_poolenv *environment[2]; /* of workers with so many CPUs, or one more; owned. NULL: they make it */
    int workers;
    pid_t caller;
    struct sigaction child_action; /* the program's own for SIGCHLD; the nursery needs another one */
    char name[16];                 /* of the program's thread, for workers; the nursery has one of its own */

    /* The caller's forking thread. `nursery`: read by wake() while the table is attached. */
    _Atomic int32_t nursery;
    struct fw_fork_oom oom; /* while the nursery begins; then the nursery's */

    /* The nursery; read by the caller when it has ended. */
    _Atomic uint32_t over;   /* it ended in order: no worker is left */
    int made;                /* workers that could be forked at the start */
    int refused;             /* errno of the fork that could not; 0: none */

    struct fw_fork_member member[];
};

/* Forks the nursery; returns its process, or -1 with errno. On a thread that
 * never used OpenMP, whose end ends the nursery too; all signals blocked. The
 * thread's stack becomes the workers'. */
pid_t fw_fork_nursery(struct fw_fork_table *table);

/* Child side: a worker from its fork to its end. */
_Noreturn void fw_fork_worker(struct fw_fork_table *table, int worker, pid_t nursery);

/* Child side, once in the nursery before it forks: what its workers inherit. */
void fw_fork_worker_prepare(void);

/* Ends the process group of a worker that has not been reaped. */
void fw_fork_kill(const struct fw_fork_member *member);

#endif
