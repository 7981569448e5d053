/* Outputs of process workers on their way to the caller's array.
 *
 * Workers write to the stage, an array in the block that they share with the
 * caller. A small stage is copied when the job is over. A large one is emptied
 * while the job runs, so that no output is in memory twice for long: a thread
 * of the caller copies what is finished and gives its pages back, and workers
 * that are too far ahead of it wait. Jobs with callbacks have no stage: their
 * outputs are in slots (stream.h). */
#ifndef FW_STAGE_H
#define FW_STAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bell.h"

struct furrow_work;

/* The bit of an outcome byte that says: the stage no longer holds this one. */
enum { FW_TAKEN = 0x80 };

struct fw_stage {
    /* Set by open, then read-only. */
    bool emptied;       /* while the job runs; else at its end */
    size_t claim_most;  /* tasks of one claim; 0: any */
    uint64_t most;      /* bytes that workers may be ahead */

    /* The caller's process alone. */
    size_t per_sheet;   /* tasks whose pages are given back together */
    size_t sheets;
    uint32_t *left;     /* owned: tasks of each sheet that were not yet taken */
    bool collects;      /* `collector` runs */
    bool taken;         /* closed after it was emptied: outcome bytes may have FW_TAKEN */
    pthread_t collector;
};

/* What workers and the collector share. */
struct fw_stage_level {
    _Atomic uint64_t written; /* bytes finished since the collector last began to look */
    _Atomic uint32_t closed;  /* no worker is left */
    _Atomic uint32_t off;     /* nobody collects: what is finished is copied at the end */
    struct fw_bell bell;      /* the collector sleeps for it */
};

/* Bytes above which a stage is emptied while the job runs, and that workers may
 * be ahead then. 256 MiB; tests lower it. */
extern uint64_t fw_stage_most;

/* Begins to empty the stage of this work where it is large; without memory or a
 * thread for that it is copied at the end. Caller. */
void fw_stage_open(struct furrow_work *work);

/* All workers have left: nobody empties it any more. Caller. */
void fw_stage_close(struct furrow_work *work);

/* After that: what is DONE among tasks begin ... end - 1 and still on the stage
 * goes to the caller's array, and their outcome bytes are plain again. Caller. */
void fw_stage_take(struct furrow_work *work, size_t begin, size_t end);

/* Copies n outputs to the caller's array, where they are not written there. */
void fw_stage_copy(struct furrow_work *work, size_t first, size_t n);

/* Without the copy: the job never ran. Caller. */
void fw_stage_drop(struct furrow_work *work);

/* So many tasks have finished. Worker. */
void fw_stage_note(struct furrow_work *work, size_t tasks);

/* The stage is so full that no further task should start. Worker. */
bool fw_stage_full(const struct furrow_work *work);

#endif
