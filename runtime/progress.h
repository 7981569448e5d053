/* Progress of a job in the log: a line every FURROW_PROGRESS seconds, of jobs of
 * level 0 alone. Whoever ends a claim after a line is due writes it; nobody
 * wakes up for it, so that a line may come as late as a task is long. */
#ifndef FW_PROGRESS_H
#define FW_PROGRESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What all who work on the job count together. */
struct fw_progress_level {
    _Atomic uint64_t due;
    _Atomic size_t ended;
};

/* Lives in the job's work, also in memory that processes share. */
struct fw_progress {
    uint64_t every_ns; /* 0: nobody asked */
    uint64_t start;    /* ns on CLOCK_MONOTONIC */
    size_t count;      /* tasks; 0: unknown */
    const char *name;  /* borrowed from the job; or NULL */
    struct fw_progress_level *level;
};

void fw_progress_open(struct fw_progress *progress, struct fw_progress_level *level, const char *name, size_t count,
                      double every, uint64_t now);

/* So many more tasks have ended, `now`. Any worker; only where every_ns > 0. */
void fw_progress_add(struct fw_progress *progress, size_t tasks, uint64_t now);

#endif
