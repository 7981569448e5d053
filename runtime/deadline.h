/* Until when a job may start tasks: where the end of the allocation is known and
 * FURROW_DEADLINE_MARGIN is set, a task that by what was measured would end
 * after the allocation's end less that margin is not started.
 *
 * "Measured" is the longest task of this job so far, on whichever worker: with
 * the mean, every second task of the last round would be lost. Only claims are
 * timed, so tasks that were claimed together, which are short unless the user
 * chose the batch, count with their mean. Looked at once a claim, never per task. */
#ifndef FW_DEADLINE_H
#define FW_DEADLINE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

/* Lives in the job's work, also in memory that processes share. */
struct fw_deadline {
    uint64_t at;              /* ns on CLOCK_MONOTONIC by which tasks must have ended; 0: none */
    double margin;            /* seconds, as the user gave it */
    _Atomic uint64_t longest; /* ns of the longest task so far; 0: none has ended */
};

/* left: seconds until the allocation ends, infinite where nothing tells, below 0
 * past it. margin: seconds >= 0, or < 0 where the user wants none. Pure. */
void fw_deadline_open(struct fw_deadline *deadline, double margin, double left, uint64_t now);

/* A claim of `tasks` tasks took `ns`. Any worker; only where at > 0. */
void fw_deadline_note(struct fw_deadline *deadline, size_t tasks, uint64_t ns);

/* Tasks in a row that end in time when the first starts `now`: SIZE_MAX without
 * a deadline, at most one as long as none was measured. */
size_t fw_deadline_fits(const struct fw_deadline *deadline, uint64_t now);

/* Why no more is started, for the report. */
void fw_deadline_tell(const struct fw_deadline *deadline, uint64_t now, char out[FURROW_MESSAGE]);

/* The deadline of a job of this process that starts `now`, from the environment
 * and the allocation. */
void fw_deadline_of_process(struct fw_deadline *deadline, uint64_t now);

#endif
