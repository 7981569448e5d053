/* Which tasks the workers of a job have DONE, in few words.
 *
 * A byte per task in memory that processes share costs a page fault for every
 * 4096 tasks, in each process that looks at it: more than short tasks take. A
 * worker runs neighbours, so it notes runs of them instead, and they mostly
 * continue the run before. What does not fit goes to the outcome bytes, as does
 * all that is not DONE; a task is in one of the two. The notes outlive their
 * worker: its replacement goes on with them. */
#ifndef FW_MARKS_H
#define FW_MARKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "ranges.h"

struct furrow_work;

enum { FW_MARKS = 63 }; /* runs of one worker: its steals, and what failed between */

struct fw_mark {
    _Atomic size_t begin, end; /* tasks begin ... end - 1 */
};

/* One worker's. The worker writes it, and its supervisor once it is dead. */
struct fw_marks {
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t n; /* stored after the run is whole */
    struct fw_mark run[FW_MARKS];
};

/* Tasks low ... low + n - 1, started by this worker, are DONE and their outputs
 * written. One store makes it known, so that a death leaves all or nothing; where
 * there are only bytes, the one that the worker ran last comes first. The worker,
 * once for a run. */
void fw_marks_note(struct furrow_work *work, int worker, size_t low, size_t n);

/* The same by the supervisor of a worker that died and may have begun to note
 * them: what is noted already, and perhaps taken, stays as it is. */
void fw_marks_note_of_dead(struct furrow_work *work, int worker, size_t low, size_t n);

/* What this worker ran and noted has this task in it. Its supervisor. */
bool fw_marks_hold(const struct furrow_work *work, int worker, size_t index);

/* -- When no worker is left */

/* Moves all notes to the outcome bytes. */
void fw_marks_spill(struct furrow_work *work);

/* Puts the runs of all workers by index into work->runs. Returns how many. */
size_t fw_marks_gather(struct furrow_work *work);

#endif
