/* A worker at work: from furrow_work_run()'s begin to its end, on its stack; of
 * small jobs (small.h) in the caller's habit. */
#ifndef FW_SEAT_H
#define FW_SEAT_H

#include "threadlimit.h"
#include "work.h"

struct fw_seat {
    struct fw_context frame;    /* first: frame.task is what task functions see */
    struct furrow_work *work;
    struct fw_worker *me;
    struct fw_line *line;
    int cpus;                   /* inner threads of a task */
    int worker;                 /* of this process */
    int place;                  /* its line of the ranges */
    bool is_caller;             /* on the job's calling thread: nothing to inherit */
    bool is_process;            /* in a process of its own, which may die by itself */
    bool limits;                /* inner threads are set here, not as the caller has them */
    bool sequel;                /* of a claim that was put back: claim one next */
    struct fw_span claim;       /* open claim of a ranged job */
    struct fw_inherit own;
    struct fw_mask mask;
    struct fw_thread_limit limit;
    struct fw_pool_hold hold;   /* of a process worker: the pools are its own */
};

void fw_seat_take(struct fw_seat *seat, struct furrow_work *work, int worker);
void fw_seat_leave(struct fw_seat *seat);

/* The same for a job like the one before, on its caller, who left the seat then:
 * what depends on the job alone is still there. Jobs without scratch. */
void fw_seat_take_again(struct fw_seat *seat);

/* worker_begin before the first task. False: it failed and the job stops. */
bool fw_seat_begin(struct fw_seat *seat);

/* What the attention word asks for between two tasks, but for FW_HUNGRY, which
 * is left to the caller. False: stop. */
bool fw_seat_attend(struct fw_seat *seat);

/* Runs one task, all its tries that follow at once, and everything a job may
 * ask for. Returns how it ended; FURROW_PENDING: a later try is due.
 * out: code and the seconds of the last try. */
furrow_outcome fw_seat_run(struct fw_seat *seat, size_t index, const void *in, void *out,
                           unsigned attempt, int *code, double *seconds);

/* The first try of task seat->frame.task returned `code` != 0 or late: further
 * tries, then fw_work_outcome(), or a later try. Ranged jobs only. */
void fw_seat_mend(struct fw_seat *seat, int code, bool late);

/* The words a failed task left: its own, else its last failed furrow call's. */
const char *fw_seat_words(const struct fw_seat *seat);

/* Runs `count` tasks from `index` on without a claim, where nobody else runs any:
 * how many; fewer where the job stops. */
size_t fw_loop_some(struct fw_seat *seat, size_t index, size_t count);

/* The loops over tasks. True: until none is left; false: the job stops. */
bool fw_loop_ranges(struct fw_seat *seat);
bool fw_loop_stream(struct fw_seat *seat);

/* Waits for a change: spins for a moment, then sleeps until the bell of `work`
 * rings. `look` says whether there is something to do. */
void fw_seat_wait(struct fw_seat *seat, bool (*look)(struct fw_seat *seat));

#endif
