/* Who runs which tasks: ranges that workers claim from and steal from.
 *
 * Every worker owns a line: one cache line with the range of tasks that nobody
 * has claimed yet, packed into one 64-bit word, so that whatever happens to a
 * range happens in one compare-and-swap. A worker claims spans from one end of
 * its own range; a worker whose range is empty takes half of the fullest one
 * from the other end. A claim stays open: a worker that finds nothing left asks
 * the one with the most unstarted tasks in its claim, which puts them back
 * before its next task. The last worker's range is walked backwards, so that an
 * expensive last task does not start last. One more line, the front, holds
 * positions that all workers claim from in order.
 *
 * The module knows neither threads nor processes, holds no pointer and no lock:
 * it works in private memory, in a mapping that forked workers share, and in a
 * memory file that the ranks of a node share. docs/ranges.md has the states and
 * the argument; the protocol is model-checked by tests/unit/model_ranges.c and
 * model_front.c.
 *
 * Ranges are counted in granules of `granule` tasks, so that 32 bits suffice
 * for any count. */
#ifndef FW_RANGES_H
#define FW_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "memory.h"

/* Tasks begin ... end - 1. */
struct fw_span {
    size_t begin, end;
};

/* Why a worker must look up before its next task: bits of fw_line.attention. */
enum {
    FW_STOP = 1u << 0,   /* the job is to stop */
    FW_HUNGRY = 1u << 1, /* another worker has nothing to do */
    FW_UNTIDY = 1u << 2  /* the last task left something behind; set by its own worker */
};

#define FW_NO_TASK SIZE_MAX

struct fw_line {
    /* FW_STOP, _HUNGRY, _UNTIDY; read before each task. Anyone sets. First, for
     * the shortest way to it. */
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t attention;
    /* The claim is what a thief is about to move, not what it runs. */
    _Atomic uint32_t moving;
    /* Index of the task that runs, stored before each task; FW_NO_TASK between
     * claims. Owner writes. */
    _Atomic size_t running;
    /* Granules nobody has claimed: begin in the low half, end in the high one.
     * Grown by its owner alone (or who buries it), and only while it is empty or
     * by what the owner puts back; shrunk by anyone, thieves at the end the owner
     * does not use. */
    _Atomic uint64_t range;
    /* Granules of the claim that is open, stored before the claim is made, also
     * what a thief is about to move; empty: none. Owner writes, others read. */
    _Atomic uint64_t claim;
};

struct fw_ranges {
    size_t count;   /* tasks. Set by init, then read-only, as the two below. */
    size_t granule; /* tasks per granule */
    int workers;
    /* Counts what moves between lines (before and after) or from a claim to a
     * range, so that a worker that saw all lines empty knows whether it saw one
     * moment. */
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t moves;
    struct fw_line line[]; /* workers + 1: the last is the front */
};

/* Bytes of the structure for so many workers. */
size_t fw_ranges_bytes(int workers);

/* Deals 0 ... count - 1 evenly; the front is empty. Before any claimer starts,
 * and after every claimer of an earlier job has left. */
void fw_ranges_init(struct fw_ranges *ranges, size_t count, int workers);

/* The same for `first` ... count - 1 in an initialised structure, where the tasks
 * before have run; count is at most 2^31 then. */
void fw_ranges_init_from(struct fw_ranges *ranges, size_t first, size_t count, int workers);

/* Empties all lines of an initialised structure: tasks come by
 * fw_ranges_feed(). As init. */
void fw_ranges_drain(struct fw_ranges *ranges);

/* Makes the front hold positions 0 ... positions - 1 (< 2^32). As init. */
void fw_ranges_front_fill(struct fw_ranges *ranges, uint32_t positions);

/* True for the worker that walks from high to low indices. */
static inline bool fw_ranges_backwards(const struct fw_ranges *ranges, int worker)
{
    return worker == ranges->workers - 1 && worker > 0;
}

/* Unclaimed tasks of this worker's range, for sizing a claim: a hint. */
size_t fw_ranges_left(const struct fw_ranges *ranges, int worker);

/* Claims up to `want` tasks (>= 1; whole granules) of the worker's own range.
 * False: it is empty. Owner only. */
bool fw_ranges_claim(struct fw_ranges *ranges, int worker, size_t want, struct fw_span *out);

/* The claim is over: all of it was started. Owner only. */
void fw_ranges_close(struct fw_ranges *ranges, int worker);

/* Puts the part of the open claim behind the granule of `index`, the task about
 * to run, back into the worker's range and shrinks *claim to what it keeps.
 * False: there was no such part. Owner only. */
bool fw_ranges_put_back(struct fw_ranges *ranges, int worker, size_t index, struct fw_span *claim);

/* Moves half of the fullest range (all of a range of one) into this worker's
 * empty range. False: all ranges were seen empty. Owner only. */
bool fw_ranges_steal(struct fw_ranges *ranges, int worker);

/* Puts tasks into this worker's range, which is empty, for others to steal:
 * whole granules. Owner only, which has no open claim. */
void fw_ranges_feed(struct fw_ranges *ranges, int worker, struct fw_span span);

/* What a worker without work can hope for. */
enum fw_hope {
    FW_HOPE_NONE,  /* nobody has an unstarted granule: leave, and wake those who wait: a claim
                      that this worker announced and did not get may be what they wait for */
    FW_HOPE_STEAL, /* a range has tasks: steal again */
    FW_HOPE_ASKED  /* somebody was asked to put back: wait */
};

/* Asks the worker with the most unstarted tasks in its open claim. */
enum fw_hope fw_ranges_ask(struct fw_ranges *ranges, int worker);

/* Takes the next position of the front. False: it is empty. Anyone. */
bool fw_ranges_front_claim(struct fw_ranges *ranges, uint32_t *position);

/* Positions in the front: begin in the low half, end in the high one. */
uint64_t fw_ranges_front(const struct fw_ranges *ranges);

/* The same for a caller that must look at the position before it claims it:
 * `front` is what fw_ranges_front() gave, with a position in it. False: the
 * front has moved; *front is what it is now. */
bool fw_ranges_front_take(struct fw_ranges *ranges, uint64_t *front);

/* Publishes one more position at the end of the front; its number, which wraps
 * at 2^32, is the end before. One caller at a time. */
void fw_ranges_front_extend(struct fw_ranges *ranges);

/* The worker is dead: its open claim, but for the granule of the task it was
 * running, goes back into its range, where thieves and its replacement find it.
 * Lost are the rest of that granule and, after a death in the middle of a steal,
 * the loot: no line has them any more, and the caller deals them again.
 * *running: that task, which may have ended; false: it was running none. No owner
 * must be alive; thieves may. */
bool fw_ranges_bury(struct fw_ranges *ranges, int worker, size_t *running);

#endif
