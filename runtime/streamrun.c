/* The worker's side of a stream: claims slots, runs their tasks and pushes them
 * back, for itself or in the name of workers that are elsewhere or dead. */
#include "stream.h"

#include <string.h>

#include "printing.h"
#include "seat.h"
#include "slot.h"

/* -- A worker of this job ------------------------------------------------ */

/* READY -> RUNNING; false: the caller took the slot back, or it was published
 * twice and another worker runs it. */
static bool start_slot(struct fw_seat *seat, uint32_t s)
{
    struct fw_slot *slot = &seat->work->stream->slot[s];
    uint32_t ready = FW_SLOT_READY;

    atomic_store(&seat->me->attempt, slot->attempt);
    atomic_store(&seat->me->slot_use, atomic_load(&slot->use));
    atomic_store(&seat->me->slot, s + 1);
    if (!atomic_compare_exchange_strong(&slot->state, &ready,
                                        fw_slot_state(FW_SLOT_RUNNING, seat->worker))) {
        atomic_store(&seat->me->slot, 0);
        return false;
    }
    /* A slot that was published twice may have come to its next use meanwhile. */
    atomic_store(&seat->me->attempt, slot->attempt);
    atomic_store(&seat->me->slot_use, atomic_load(&slot->use));
    return true;
}

bool fw_stream_too_late(struct furrow_work *work)
{
    const uint64_t now = work->deadline.at > 0 ? fw_now() : 0;
    char words[FURROW_MESSAGE] = "";

    if (fw_deadline_fits(&work->deadline, now) > 0)
        return false;
    fw_deadline_tell(&work->deadline, now, words);
    fw_work_drain(work, words);
    return true;
}

static void run_slot(struct fw_seat *seat, uint32_t s)
{
    struct furrow_work *work = seat->work;
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];
    uint64_t start = fw_now();

    slot->worker = seat->worker;
    seat->me->started += slot->attempt == 0;
    slot->outcome =
        fw_seat_run(seat, slot->index, fw_stream_input(work, s), fw_stream_output(work, s),
                    slot->attempt, &slot->code, &slot->seconds);
    slot->attempt = seat->frame.task.attempt;
    if (work->deadline.at > 0)
        fw_deadline_note(&work->deadline, 1, fw_now() - start);
    if (work->progress.every_ns > 0 && slot->outcome != FURROW_PENDING)
        fw_progress_add(&work->progress, 1, fw_now());
    slot->words[0] = '\0';
    if (slot->outcome != FURROW_DONE)
        fw_text_copy(slot->words, sizeof slot->words, fw_seat_words(seat));
    seat->frame.task.attempt = 0;
    FW_HINT(&seat->line->running, FW_NO_TASK);
    if (seat->is_process)
        fw_printing_flush(); /* before the result is told of */
    atomic_store(&slot->state, fw_slot_state(FW_SLOT_FINISHED, seat->worker));
    fw_slot_push_finished(stream, s);
    atomic_store(&seat->me->slot, 0);
    if (atomic_load(&stream->replies.untaken) > stream->untaken_most)
        fw_bell_ring(&work->common->bell); /* nobody runs: those that wait may have to go on */
    seat->me->busy_ns += fw_now() - start;
}

static bool anything_runs(const struct fw_stream *stream)
{
    for (uint32_t s = 0; s < stream->slots; s++)
        if ((atomic_load(&stream->slot[s].state) & 3u) == FW_SLOT_RUNNING)
            return true;
    return false;
}

/* Too much is untaken, and waiting ends: something runs, or the caller has
 * results to take. Otherwise the result that is due in order is still to come. */
static bool must_wait(const struct fw_stream *stream)
{
    return atomic_load(&stream->replies.untaken) > stream->untaken_most &&
           (atomic_load(&stream->starved) == 0 || atomic_load(&stream->finished) != 0 ||
            anything_runs(stream));
}

static bool front_has_some(const struct furrow_work *work)
{
    const uint64_t front = fw_ranges_front(work->ranges);

    return (uint32_t)front != (uint32_t)(front >> 32);
}

static bool stream_changed(struct fw_seat *seat)
{
    const struct fw_stream *stream = seat->work->stream;

    return fw_work_stops(seat->work) || atomic_load(&stream->closed) != 0 ||
           (front_has_some(seat->work) && !must_wait(stream));
}

bool fw_loop_stream(struct fw_seat *seat)
{
    struct furrow_work *work = seat->work;
    struct fw_stream *stream = work->stream;
    bool moved;
    uint32_t s;

    if (seat->is_caller)
        stream->limit = 1;
    while (!fw_work_stops(work) && fw_seat_attend(seat)) {
        if (seat->is_caller && !fw_stream_step(work, &moved))
            break;
        if (front_has_some(work) && fw_stream_too_late(work))
            break;
        if ((seat->is_caller || !must_wait(stream)) && fw_slot_claim(work, &s)) {
            if (!fw_seat_begin(seat))
                break;
            if (start_slot(seat, s))
                run_slot(seat, s);
        } else if (atomic_load(&stream->closed) != 0) {
            break;
        } else if (!seat->is_caller) {
            fw_seat_wait(seat, stream_changed);
        }
    }
    if (seat->is_caller)
        furrow_work_serve(work);
    return !fw_work_stops(work);
}

bool fw_stream_reply(struct furrow_work *work, int worker, const void *data, size_t size)
{
    const uint32_t s = atomic_load(&work->worker[worker].slot) - 1;

    return fw_replies_give(&work->stream->replies, &work->stream->slot[s].reply, data, size);
}

void fw_stream_forget_reply(struct furrow_work *work, int worker)
{
    const uint32_t s = atomic_load(&work->worker[worker].slot) - 1;

    fw_replies_drop(&work->stream->replies, &work->stream->slot[s].reply);
}

/* -- A dead worker ------------------------------------------------------- */

void fw_stream_bury(struct furrow_work *work, int worker, furrow_outcome outcome, int code)
{
    struct fw_stream *stream = work->stream;
    struct fw_worker *w = &work->worker[worker];
    const uint32_t s = atomic_load(&w->slot) - 1, use = atomic_load(&w->slot_use);
    const unsigned attempt = atomic_load(&w->attempt);
    struct fw_slot *slot = &stream->slot[s];

    atomic_store(&w->slot, 0);
    if (s == UINT32_MAX)
        return;
    if (atomic_load(&slot->use) == use &&
        atomic_load(&slot->state) == fw_slot_state(FW_SLOT_FINISHED, worker))
        atomic_store(&slot->orphan, use); /* on the list or not: the caller looks */
    /* Running with its number it is this worker's, whatever use it had noted. */
    if (atomic_load(&slot->state) != fw_slot_state(FW_SLOT_RUNNING, worker))
        return;
    slot->worker = worker;
    slot->code = code;
    slot->attempt = attempt;
    slot->seconds = (double)(fw_now() - atomic_load(&w->task_started)) * 1e-9;
    slot->words[0] = '\0';
    if (w->said_index == slot->index && w->said_attempt == attempt)
        memcpy(slot->words, work->blame[worker].words, sizeof slot->words);
    slot->outcome = FURROW_PENDING;
    if (outcome == FURROW_SKIPPED) {
        ; /* the job stops: it was not run to its end */
    } else if (attempt < (unsigned)work->request.config.retries && !fw_work_stops(work)) {
        w->retried++;
    } else {
        slot->outcome = outcome;
        fw_work_outcome(work, worker, slot->index, outcome, code, slot->words);
    }
    atomic_store(&slot->state, fw_slot_state(FW_SLOT_FINISHED, worker));
    fw_slot_push_finished(stream, s);
}

/* -- Workers elsewhere --------------------------------------------------- */

bool fw_stream_lend(struct furrow_work *work, int place, uint32_t *s)
{
    while (fw_slot_claim(work, s)) {
        struct fw_slot *slot = &work->stream->slot[*s];
        uint32_t ready = FW_SLOT_READY;

        if (atomic_compare_exchange_strong(&slot->state, &ready,
                                           fw_slot_state(FW_SLOT_RUNNING, place)))
            return true;
    }
    return false;
}

void fw_stream_give_back(struct furrow_work *work, int place, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];

    if (work->outcome != NULL && slot->outcome != FURROW_PENDING)
        __atomic_store_n(&work->outcome[slot->index], (unsigned char)slot->outcome,
                         __ATOMIC_RELEASE);
    atomic_store(&slot->state, fw_slot_state(FW_SLOT_FINISHED, place));
    fw_slot_push_finished(stream, s);
}

void fw_stream_unlend(struct furrow_work *work, uint32_t s)
{
    fw_slot_publish(work, s);
}

void fw_stream_drop(struct furrow_work *work, uint32_t s)
{
    fw_slot_free(work->stream, s);
}

bool fw_stream_recall(struct furrow_work *work, uint32_t *s)
{
    while (fw_slot_claim(work, s)) {
        uint32_t ready = FW_SLOT_READY;

        if (atomic_compare_exchange_strong(&work->stream->slot[*s].state, &ready, FW_SLOT_FREE))
            return true;
    }
    return false;
}
