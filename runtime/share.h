/* A job whose tasks several processes run.
 *
 * Each of them has a furrow_work of its own, with its own workers, functions
 * and addresses. What they share lies in memory that all have mapped, each at
 * an address of its own: the ranges, the outcomes, the stage. Who sets it up is
 * the backend that brings the processes together; it does so before any of them
 * calls fw_work_open(). Each keeps its mapping until its own fw_work_close(), and
 * nobody uses the memory for another job while one of them may write to it. */
#ifndef FW_SHARE_H
#define FW_SHARE_H

#include "work.h"

/* Where the tasks of a job with callbacks come from and go to, in place of its
 * callbacks. Called by the thread that runs fw_stream_step(). */
struct fw_source {
    /* A task for slot `s`: sets its index and attempt and fills `in` (in_size
     * bytes). Returns as furrow_job.next does. */
    int (*draw)(struct furrow_work *work, uint32_t s, void *in);
    /* Takes what became of the task in slot `s`; nonzero stops the job. */
    int (*take)(struct furrow_work *work, uint32_t s);
};

struct fw_share {
    struct fw_common *common;     /* NULL: this process's own, as all pointers here */
    struct fw_ranges *ranges;     /* all workers of all processes that share it, dealt */
    unsigned char *outcome;       /* one byte per task, PENDING */
    char *out;                    /* the stage */
    size_t ndear;                 /* tasks that go first, in the front of the ranges */
    size_t *dear, *dear_sorted;
    int line;                     /* of worker 0 in the ranges */
    int number;                   /* of worker 0 in reports */
    int workers;                  /* of all processes, which a stream here keeps busy; 0: this process's own */
    double progress;              /* seconds between lines in the log, 0: none from here */
    bool receives;                /* the arrays of this process's job get the results */
    bool forks;                   /* its workers are forked */
    uint64_t stage_most;          /* as fw_stage.most */
    uint64_t untaken_most;        /* as fw_stream.untaken_most */
    const struct fw_floating *floating;       /* of the thread that started the job; NULL: the calling one */
    const struct fw_source *source; /* or NULL */
};

#endif
