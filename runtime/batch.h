/* How many tasks to claim at once: a small state machine fed with durations.
 *
 * Source: joblib's AutoBatchingMixin (effective batch size from an
 * exponentially weighted mean of batch durations, 0.8 old and 0.2 new; too
 * short: the batch grows, at most doubling; too long: it shrinks; statistics
 * restart when the size changes). Ours: durations are measured in the worker,
 * the ideal duration is a multiple of what a claim costs, and fw_batch_limit()
 * bounds a batch by what remains. Pure: values in, values out; one state per
 * worker, nothing shared. */
#ifndef FW_BATCH_H
#define FW_BATCH_H

#include <stddef.h>
#include <stdint.h>

struct fw_batch {
    size_t size;      /* tasks per claim, >= 1 */
    size_t fixed;     /* the user's batch: size never changes; 0: automatic */
    uint64_t min_ns;  /* a shorter mean duration grows the batch */
    uint64_t max_ns;  /* a longer one shrinks it */
    double mean_ns;   /* smoothed duration of batches of `size`; 0: none yet */
};

/* fixed: the user's size, or 0. dispatch_ns: what one claim costs here, >= 1.
 * The ideal is between 512 and 8192 dispatch costs: a claim then costs at most
 * 1/512 of the work. */
void fw_batch_init(struct fw_batch *batch, size_t fixed, uint64_t dispatch_ns);

/* A claim of `tasks` tasks took `ns`. Claims cut short (tasks != size) say
 * nothing about batches of `size` and are scaled to it. */
void fw_batch_note(struct fw_batch *batch, size_t tasks, uint64_t ns);

/* Tasks to claim now, with `remaining` in the range it comes from: size, at
 * most a quarter of what remains rounded up, at least 1. A fixed size is only bounded
 * by `remaining`. remaining >= 1. */
size_t fw_batch_limit(const struct fw_batch *batch, size_t remaining);

#endif
