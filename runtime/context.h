/* Where the calling thread is: in which task, at which level, on which CPUs.
 *
 * A stack of frames per thread. The lowest one is the thread's own, outside all
 * tasks; a worker pushes one while it runs a job, and so do callbacks. What the
 * plan needs to know of the caller is read from the innermost frame. */
#ifndef FW_CONTEXT_H
#define FW_CONTEXT_H

#include <furrow/backend.h>

#include "config.h"
#include "threadlimit.h"

struct fw_context {
    furrow_task task;             /* first: what the task function sees points here */
    struct fw_context *outer;     /* NULL: the thread's own frame */
    furrow_work *work;            /* the job whose worker this is; NULL outside */
    int worker;
    const furrow_backend *backend; /* runs the caller; NULL outside all tasks */
    int depth;                    /* frames outside this one */
    int level;                    /* that a job started here has */
    const int *at;                /* borrowed: the lease, places in fw_cpus(); NULL: the process's */
    int cpus;                     /* its length; 0 where `at` is NULL */
    bool callback;                /* jobs started here are sequential */
    bool isolated;                /* a process worker with nothing beside it */
    bool alone;                   /* the only worker of its process, which must not crash */
    struct fw_openmp_place openmp; /* when the frame was made */
    struct fw_scope *scopes;      /* pushed configs, newest first; owned down to `floor` */
    struct fw_scope *floor;       /* what was there when the frame was made */
    struct fw_limit_scope *limits; /* thread limits pushed in this frame, newest first; owned */
};

/* The calling thread's innermost frame; never NULL. */
struct fw_context *fw_context_here(void);

/* Makes `frame`, filled by the caller but for outer, scopes, floor, openmp and
 * limits, the innermost one. transparent: configs pushed outside are seen inside. */
void fw_context_enter(struct fw_context *frame, bool transparent);

/* This process is a worker whose frame this is: threads that its tasks start
 * are at its level and within its lease. Once, before there are any. */
void fw_context_of_process(const struct fw_context *frame);

/* Back to the frame outside; configs and thread limits left pushed are popped. */
void fw_context_leave(struct fw_context *frame);

/* Pops configs and thread limits that were pushed in this frame and not popped. */
void fw_context_tidy(struct fw_context *frame);

/* The context of a task function's argument. */
static inline const struct fw_context *fw_context_of(const furrow_task *task)
{
    return (const struct fw_context *)(const void *)task;
}

#endif
