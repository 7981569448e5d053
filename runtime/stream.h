/* Jobs with callbacks: tasks go from the caller to the workers and back.
 *
 * A fixed number of slots bounds what is on the way. The caller draws a task
 * (an index, or what `next` makes) into a free slot and publishes the slot at
 * the end of the front (ranges.h); workers claim from the front in order, run,
 * and push the slot on the list of finished ones; the caller takes that list,
 * hands results over, in index order where the job wants it, and frees slots. A
 * slot whose next try comes later goes back through the caller.
 *
 * States of a slot, moved by compare-and-swap where two may want it:
 *   FREE -> READY (caller) -> RUNNING (a worker) -> FINISHED (that worker, or
 *   the supervisor for it) -> FREE or READY (caller); READY -> FREE (caller,
 *   stopping). RUNNING and FINISHED carry the worker's number. Each way from
 *   READY on is one use of the slot and has a number, so that what a dead
 *   worker left behind is never taken for a later use. */
#ifndef FW_STREAM_H
#define FW_STREAM_H

#include "memory.h"
#include "replies.h"
#include "work.h"

/* Bytes of untaken replies above which workers wait, of all processes together. */
enum { FW_UNTAKEN_MOST = 64 << 20 };

enum { FW_SLOT_FREE, FW_SLOT_READY, FW_SLOT_RUNNING, FW_SLOT_FINISHED };

/* The state word of a worker's slot. */
static inline uint32_t fw_slot_state(uint32_t state, int worker)
{
    return state | (uint32_t)worker << 2;
}

struct fw_slot {
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t state; /* FW_SLOT_*, with the worker where it has one */
    uint32_t next;  /* in the list of finished slots: slot + 1, 0 ends */
    size_t index;   /* caller, before READY; as the three below */
    unsigned attempt;
    _Atomic uint32_t use;
    bool held;      /* ordered: finished before its turn */
    _Atomic uint32_t orphan; /* supervisor: the use in which its worker died after it had FINISHED */
    /* The worker that runs it, before FINISHED. */
    int worker, code;
    const char *host; /* borrowed: where it ran, if not on the caller's; else NULL */
    furrow_outcome outcome; /* PENDING: a later try is due */
    double seconds;
    struct fw_reply reply;
    char words[FURROW_MESSAGE];
};

struct fw_stream {
    /* Set by open, then read-only. */
    uint32_t slots;         /* power of two */
    uint32_t most;          /* slots that may be on the way, <= slots */
    struct fw_slot *slot;
    uint32_t *ring;         /* position of the front & (places - 1) -> slot */
    uint32_t places;        /* of the ring: more than can be in the front */
    char *in, *out;         /* slots x in_size / out_size; NULL where the job has none, or arrays in reach */
    size_t in_step, out_step;
    struct fw_replies replies;
    uint64_t untaken_most;  /* bytes of untaken replies above which workers wait */
    const struct fw_source *source; /* in place of the callbacks (share.h); or NULL */

    /* The caller alone. */
    uint32_t *free;         /* stack of free slots */
    uint32_t nfree;
    uint32_t limit;         /* <= most; 1 where the caller itself is the worker */
    uint32_t *held;         /* ordered: index & (slots - 1) -> slot + 1 finished before its turn; 0: none */
    size_t drawn;           /* tasks drawn so far; without cost the next index */
    size_t dear_drawn;      /* of work->dear */
    size_t cheap;           /* where there is cost: the next of the other indices */
    uint32_t nheld;
    size_t turn;            /* ordered: index to hand over next */
    bool ended, later;      /* next said END; LATER */
    bool refused;           /* on_result stopped the job: no more calls */
    uint64_t done, dropped; /* handed over DONE; finished and not handed over */
    uint32_t deaths_seen;

    /* Shared. */
    _Alignas(FW_CACHE_LINE) _Atomic uint32_t finished; /* list: newest slot + 1 */
    _Atomic uint32_t closed;   /* no further slot will become READY */
    _Atomic uint32_t starved;  /* the caller has nothing to take and sleeps */
    struct fw_bell caller;     /* rung when a slot is finished or the job stops */
};

/* How many slots this job gets, a power of two. outputs: they are in slots. */
uint32_t fw_stream_slots(const struct fw_request *request, int workers, bool outputs, uint32_t *most);

/* Parts of the block; with carver->base NULL only their size. */
void fw_stream_carve(struct fw_stream *stream, const struct fw_request *request, uint32_t slots,
                     uint32_t most, bool outputs, struct fw_carver *carver);
bool fw_stream_open(struct fw_stream *stream, bool shared);
void fw_stream_close(struct fw_stream *stream);

/* One round of the caller: takes results, runs callbacks, draws. `moved`: it did
 * something. Returns false once the stream has ended. Caller only. */
bool fw_stream_step(struct furrow_work *work, bool *moved);

/* Sleeps until a slot is finished or the job stops; at most `ns` nanoseconds,
 * 0: no limit. `stops`: what fw_work_stops() said before the last step. Caller. */
void fw_stream_wait(struct furrow_work *work, bool stops, uint64_t ns);

/* Whether a task that starts now would end after the allocation does; then the
 * job starts none any more. Caller and workers. */
bool fw_stream_too_late(struct furrow_work *work);

/* For workers that are elsewhere, by the caller in their name. lend: the next
 * task, for worker `place`, a number above those of this process's workers;
 * false: none is waiting. give_back: what became of it is in the slot; with
 * PENDING it is tried again. unlend: it was not run, another worker shall.
 * drop: it will never be run, the job stops. */
bool fw_stream_lend(struct furrow_work *work, int place, uint32_t *s);
void fw_stream_give_back(struct furrow_work *work, int place, uint32_t s);
void fw_stream_unlend(struct furrow_work *work, uint32_t s);
void fw_stream_drop(struct furrow_work *work, uint32_t s);

/* Where the task in a slot reads and writes; NULL where it has neither. */
const void *fw_stream_input(const struct furrow_work *work, uint32_t s);
void *fw_stream_output(const struct furrow_work *work, uint32_t s);

/* Tasks that no worker has begun, where the job does not stop: takes the oldest
 * one out. False: none. Caller. */
bool fw_stream_recall(struct furrow_work *work, uint32_t *s);

/* Keeps a reply of the task that this worker runs. False: no memory. Worker. */
bool fw_stream_reply(struct furrow_work *work, int worker, const void *data, size_t size);

/* Drops the reply of a try that failed, before the next one. Worker. */
void fw_stream_forget_reply(struct furrow_work *work, int worker);

/* The worker is dead: its slot is settled as `outcome`, or tried again. */
void fw_stream_bury(struct furrow_work *work, int worker, furrow_outcome outcome, int code);

#endif
