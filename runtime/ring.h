/* Outputs of process workers through a few pages that stay warm.
 *
 * A page of shared memory that was never touched costs microseconds, in the
 * worker that writes it and in the caller that reads it: more than short tasks
 * take. So a worker has a ring of slots. It writes the outputs of one run of
 * tasks side by side and publishes the run; a thread of the caller takes it, and
 * its slots are free again. A worker whose ring is full waits. The stage
 * (stage.h) stays for what runs one by one: it costs address space alone.
 *
 * What was taken is held in huge pages until no worker is left, since a page of
 * the caller's array that is written while children share it is copied first.
 * Where that is too much memory it goes to the array at once.
 *
 * For jobs with outputs to be copied, more than their rings hold, without
 * retries: an output is written once, and where is known by what the task
 * returned. */
#ifndef FW_RING_H
#define FW_RING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bell.h"
#include "memory.h"

struct furrow_work;
struct fw_request;

enum { FW_RING_RUNS = 64 }; /* published and not yet copied, of one worker */

/* Tests make it small. */
struct fw_ring_shape {
    size_t bytes; /* of the slots of one ring */
    size_t least; /* bytes of output above which a job has rings */
};
extern struct fw_ring_shape fw_ring_shape;

/* Tasks `low` ... `low + n - 1`, in slots from `at` on. Slots are numbered on and
 * on; slot s is the (s modulo slots)-th, and a run does not wrap. */
struct fw_ring_run {
    size_t first; /* the task it began with: which run this is */
    size_t low, n, at;
    size_t end; /* the next run starts here at the earliest */
};

/* One worker's. The worker writes it, and its supervisor once it is dead; the
 * caller's collector writes the last line alone. */
struct fw_ring {
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t published; /* runs, ever; after the run is whole */
    _Atomic uint32_t open;                          /* the run in progress goes through the ring */
    _Atomic size_t at;                              /* the slot of its first task */
    struct fw_ring_run run[FW_RING_RUNS];           /* by number modulo the size */
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t taken; /* runs copied */
    _Atomic size_t freed;                           /* slots before this one are free */
};

/* What the rings of a job have in common. Set by fw_ring_start(), then
 * read-only, but for the bell and `closed`. */
struct fw_rings {
    size_t slots; /* of a ring */
    char *
        hold; /* owned: what was taken, at the place of its task; NULL: it is in the caller's array */
    bool collects;
    pthread_t collector;
    _Atomic uint32_t closed;
    struct fw_bell bell; /* the collector sleeps for it */
};

/* Slots of a ring, where a job like this has rings; 0: it has none. */
size_t fw_ring_slots(const struct fw_request *request, int workers);

/* Starts the collector; where that fails there are no rings. Caller, before
 * it forks. */
void fw_ring_start(struct furrow_work *work, size_t slots);

/* All workers have left: takes the rest of what was published. Caller; twice is
 * once. */
void fw_ring_stop(struct furrow_work *work);

/* After that: the outputs of these tasks, taken from rings, go to the caller's
 * array if they are not there. */
void fw_ring_copy(struct furrow_work *work, size_t first, size_t n);

/* Frees what is held. */
void fw_ring_drop(struct furrow_work *work);

/* A run of at most `most` tasks begins. Returns where the first output goes, its
 * neighbours' beside it; NULL: to the stage. Worker. */
char *fw_ring_open(struct furrow_work *work, int worker, size_t most, bool backwards);

/* The run has these tasks DONE, n > 0: publishes them. Nothing where it writes to
 * the stage, and nothing the second time. The worker, or its supervisor. */
void fw_ring_publish(struct furrow_work *work, int worker, size_t first, size_t low, size_t n);

/* The run that began with `first` is published: *n tasks. Supervisor. */
bool fw_ring_published(const struct furrow_work *work, int worker, size_t first, size_t *low,
                       size_t *n);

/* The run in progress, or the last one, goes through the ring. The worker, or
 * its supervisor. */
bool fw_ring_is_open(const struct furrow_work *work, int worker);

/* Tasks of the longest run. */
size_t fw_ring_run_most(const struct furrow_work *work);

/* A run has room, or needs none. Worker. */
bool fw_ring_has_room(const struct furrow_work *work, int worker);

#endif
