#include "stream.h"

#include <string.h>

#include "printing.h"
#include "seat.h"
#include "share.h"

/* -- Shape -------------------------------------------------------------- */

enum {
    SLOTS_MOST = 65536,
    SLOTS_PER_WORKER = 1024,        /* of an array job: callbacks may lag behind by so many */
    SLOTS_BYTES = 64 * 1024 * 1024  /* of inputs and outputs in slots, where that leaves 2 a worker */
};

/* Tasks on the way: what the user says, else two batches a worker; jobs whose
 * inputs exist already may run further ahead. */
static size_t most_on_the_way(const struct fw_request *request, size_t workers, bool outputs)
{
    const furrow_job *job = &request->job;
    const size_t batch = request->config.batch > 0 ? request->config.batch : 1;
    const size_t bytes = (job->next != NULL ? job->in_size : 0) + (outputs ? job->out_size : 0);
    const size_t fit = bytes > 0 ? SLOTS_BYTES / bytes : SLOTS_MOST;
    const size_t least = 2 * workers;
    size_t most;

    if (job->next != NULL && request->config.pre_dispatch > 0)
        most = request->config.pre_dispatch;
    else if (job->next != NULL)
        most = batch < SLOTS_MOST ? 2 * batch * workers : SLOTS_MOST;
    else
        most = fit < SLOTS_PER_WORKER * workers ? (fit > least ? fit : least) : SLOTS_PER_WORKER * workers;
    return most;
}

uint32_t fw_stream_slots(const struct fw_request *request, int workers, bool outputs, uint32_t *most)
{
    size_t n = most_on_the_way(request, (size_t)workers, outputs);
    uint32_t slots = 1;

    if (n > SLOTS_MOST)
        n = SLOTS_MOST;
    if (request->job.count > 0 && n > request->job.count)
        n = request->job.count;
    *most = (uint32_t)n;
    while (slots < n)
        slots *= 2;
    return slots;
}

void fw_stream_carve(struct fw_stream *stream, const struct fw_request *request, uint32_t slots,
                     uint32_t most, bool outputs, struct fw_carver *c)
{
    const furrow_job *job = &request->job;

    stream->slots = slots;
    stream->most = most;
    stream->limit = most;
    stream->slot = fw_carve(c, slots, sizeof *stream->slot, FW_CACHE_LINE);
    /* After deaths a slot may be in the front twice: see find_lost(). */
    stream->places = 4 * slots;
    stream->ring = fw_carve(c, stream->places, sizeof *stream->ring, FW_CACHE_LINE);
    stream->free = fw_carve(c, slots, sizeof *stream->free, FW_CACHE_LINE);
    stream->held = fw_carve(c, slots, sizeof *stream->held, FW_CACHE_LINE);
    stream->in_step = job->in_size;
    stream->out_step = job->out_size;
    stream->in = fw_carve(c, job->next != NULL ? slots : 0, stream->in_step, FW_CACHE_LINE);
    stream->out = fw_carve(c, outputs ? slots : 0, stream->out_step, FW_CACHE_LINE);
}

bool fw_stream_open(struct fw_stream *stream, bool shared)
{
    for (uint32_t s = 0; s < stream->slots; s++)
        stream->free[s] = stream->slots - 1 - s;
    stream->nfree = stream->slots;
    stream->untaken_most = FW_UNTAKEN_MOST;
    return fw_replies_open(&stream->replies, shared);
}

void fw_stream_close(struct fw_stream *stream)
{
    for (uint32_t s = 0; s < stream->slots; s++)
        fw_replies_drop(&stream->replies, &stream->slot[s].reply);
    fw_replies_close(&stream->replies);
}

/* Where a task reads and writes: its slot, or its place in the job's arrays. */
const void *fw_stream_input(const struct furrow_work *work, uint32_t s)
{
    const struct fw_stream *stream = work->stream;
    const furrow_job *job = &work->request.job;

    if (stream->in != NULL)
        return stream->in + s * stream->in_step;
    return job->in != NULL ? (const char *)job->in + stream->slot[s].index * job->in_size : NULL;
}

void *fw_stream_output(const struct furrow_work *work, uint32_t s)
{
    const struct fw_stream *stream = work->stream;

    if (stream->out != NULL)
        return stream->out + s * stream->out_step;
    return work->out != NULL ? work->out + stream->slot[s].index * stream->out_step : NULL;
}

/* -- Worker ------------------------------------------------------------- */

/* Puts a finished slot on the caller's list. Its worker, or who speaks for it. */
static void push_finished(struct fw_stream *stream, uint32_t s)
{
    uint32_t head = atomic_load(&stream->finished);

    do
        stream->slot[s].next = head;
    while (!atomic_compare_exchange_weak(&stream->finished, &head, s + 1));
    fw_bell_ring(&stream->caller);
}

/* The next slot of the front. The entry is read before it is claimed: until
 * then the caller can't have reused its place. False: the front is empty. */
static bool claim_slot(struct furrow_work *work, uint32_t *s)
{
    struct fw_stream *stream = work->stream;
    uint64_t front = fw_ranges_front(work->ranges);

    while ((uint32_t)front != (uint32_t)(front >> 32)) {
        *s = __atomic_load_n(&stream->ring[(uint32_t)front & (stream->places - 1)], __ATOMIC_RELAXED);
        if (fw_ranges_front_take(work->ranges, &front))
            return true;
    }
    return false;
}

/* READY -> RUNNING; false: the caller took the slot back, or it was published
 * twice and another worker runs it. */
static bool start_slot(struct fw_seat *seat, uint32_t s)
{
    struct fw_slot *slot = &seat->work->stream->slot[s];
    uint32_t ready = FW_SLOT_READY;

    atomic_store(&seat->me->attempt, slot->attempt);
    atomic_store(&seat->me->slot_use, atomic_load(&slot->use));
    atomic_store(&seat->me->slot, s + 1);
    if (!atomic_compare_exchange_strong(&slot->state, &ready, fw_slot_state(FW_SLOT_RUNNING, seat->worker))) {
        atomic_store(&seat->me->slot, 0);
        return false;
    }
    /* A slot that was published twice may have come to its next use meanwhile. */
    atomic_store(&seat->me->attempt, slot->attempt);
    atomic_store(&seat->me->slot_use, atomic_load(&slot->use));
    return true;
}

/* Whether a task that starts now would end after the allocation does; then the
 * job starts none any more. */
static bool too_late(struct furrow_work *work)
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
    slot->outcome = fw_seat_run(seat, slot->index, fw_stream_input(work, s), fw_stream_output(work, s),
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
    push_finished(stream, s);
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
        if (front_has_some(work) && too_late(work))
            break;
        if ((seat->is_caller || !must_wait(stream)) && claim_slot(work, &s)) {
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
    if (atomic_load(&slot->use) == use && atomic_load(&slot->state) == fw_slot_state(FW_SLOT_FINISHED, worker))
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
    push_finished(stream, s);
}

/* -- Caller: handing over ----------------------------------------------- */

/* Callbacks run in a frame of their own: jobs started there are sequential. */
static void enter_callback(struct furrow_work *work, struct fw_context *frame)
{
    *frame = *work->caller;
    frame->callback = true;
    fw_context_enter(frame, true);
}

static void free_slot(struct fw_stream *stream, uint32_t s)
{
    fw_replies_drop(&stream->replies, &stream->slot[s].reply);
    atomic_store(&stream->slot[s].state, FW_SLOT_FREE);
    stream->free[stream->nfree++] = s;
}

static int call_on_result(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];
    const furrow_job *job = &work->request.job;
    furrow_result result = { .index = slot->index, .outcome = slot->outcome, .code = slot->code,
                             .seconds = slot->seconds, .attempt = slot->attempt,
                             .worker = fw_work_number(work, slot->worker), .host = slot->host != NULL ? slot->host : work->host, .message = slot->words };
    struct fw_context frame;
    int code;

    result.out = fw_stream_output(work, s);
    result.out_size = result.out != NULL ? job->out_size : 0;
    if (slot->reply.given) {
        result.out = fw_replies_take(&stream->replies, &slot->reply);
        result.out_size = slot->reply.size;
    }
    enter_callback(work, &frame);
    code = job->on_result(&result, job->user);
    fw_context_leave(&frame);
    return code;
}

/* A result that counts: its output goes to the caller's array, if not there yet. */
static void keep_result(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const furrow_job *job = &work->request.job;
    const struct fw_slot *slot = &stream->slot[s];

    if (slot->outcome != FURROW_DONE)
        return;
    stream->done++;
    if (job->out != NULL && stream->out != NULL)
        memcpy((char *)job->out + slot->index * stream->out_step, stream->out + s * stream->out_step,
               stream->out_step);
}

static void drop_result(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const struct fw_slot *slot = &stream->slot[s];

    if (slot->outcome == FURROW_DONE) {
        stream->dropped++;
        if (work->outcome != NULL)
            work->outcome[slot->index] = FURROW_SKIPPED;
    }
}

static void hand_over(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const bool wanted = work->request.job.on_result != NULL;

    if (wanted && stream->refused) {
        drop_result(work, s);
    } else {
        const int code = stream->source != NULL ? stream->source->take(work, s)
                         : wanted               ? call_on_result(work, s)
                                                : 0;

        keep_result(work, s);
        if (code != 0) {
            stream->refused = true;
            fw_work_stop(work, FW_CAUSE_CALLBACK, FURROW_ECANCELLED, code, stream->slot[s].index, "on_result");
        }
    }
    free_slot(stream, s);
    stream->later = false;
    fw_bell_ring(&work->common->bell); /* its reply is taken */
}

/* Ordered: keeps the slot until its index is due, then hands over all that are. */
static void hand_over_in_order(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const uint32_t mask = stream->slots - 1;
    uint32_t due;

    stream->held[stream->slot[s].index & mask] = s + 1;
    stream->slot[s].held = true;
    stream->nheld++;
    while ((due = stream->held[stream->turn & mask]) != 0 &&
           stream->slot[due - 1].index == stream->turn) {
        stream->held[stream->turn & mask] = 0;
        stream->slot[due - 1].held = false;
        stream->nheld--;
        stream->turn++;
        hand_over(work, due - 1);
    }
}

/* Puts a slot that is READY, or was a moment ago, at the end of the front. */
static void announce(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const uint32_t end = (uint32_t)(fw_ranges_front(work->ranges) >> 32);

    __atomic_store_n(&stream->ring[end & (stream->places - 1)], s, __ATOMIC_RELAXED);
    fw_ranges_front_extend(work->ranges);
    fw_bell_ring(&work->common->bell);
}

static void publish(struct furrow_work *work, uint32_t s)
{
    atomic_store(&work->stream->slot[s].state, FW_SLOT_READY);
    announce(work, s);
}

static void settle_slot(struct furrow_work *work, uint32_t s)
{
    struct fw_slot *slot = &work->stream->slot[s];

    if (slot->outcome == FURROW_PENDING) {
        if (fw_work_stops(work)) { /* no later try: never done */
            free_slot(work->stream, s);
            return;
        }
        slot->attempt++;
        atomic_fetch_add(&slot->use, 1);
        fw_replies_drop(&work->stream->replies, &slot->reply);
        publish(work, s);
    } else if (work->request.job.ordered && work->request.job.on_result != NULL) {
        hand_over_in_order(work, s);
    } else {
        hand_over(work, s);
    }
}

/* Takes the list of finished slots, oldest first. */
static bool take_finished(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;
    uint32_t newest = atomic_exchange(&stream->finished, 0), oldest = 0;
    const bool some = newest != 0;

    while (newest != 0) {
        uint32_t next = stream->slot[newest - 1].next;

        stream->slot[newest - 1].next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != 0) {
        uint32_t s = oldest - 1;

        oldest = stream->slot[s].next;
        settle_slot(work, s);
    }
    return some;
}

/* -- Caller: drawing ---------------------------------------------------- */

static uint32_t on_the_way(const struct fw_stream *stream)
{
    return stream->slots - stream->nfree;
}

static bool is_dear(const struct furrow_work *work, size_t index)
{
    for (size_t i = 0; i < work->ndear; i++)
        if (work->dear_sorted[i] >= index)
            return work->dear_sorted[i] == index;
    return false;
}

/* The next index: dear ones first, then the others in order. */
static size_t draw_index(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;

    if (work->request.job.ordered || work->ndear == 0)
        return stream->drawn;
    if (stream->dear_drawn < work->ndear)
        return work->dear[stream->dear_drawn++];
    while (is_dear(work, stream->cheap))
        stream->cheap++;
    return stream->cheap++;
}

/* What `next` says; FURROW_NEXT_ONE where the inputs are an array. With
 * FURROW_NEXT_ONE the slot has its task. */
static int call_next(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];
    const furrow_job *job = &work->request.job;
    void *in = stream->in != NULL ? stream->in + s * stream->in_step : NULL;
    struct fw_context frame;
    int said = FURROW_NEXT_ONE;

    slot->attempt = 0;
    if (stream->source != NULL)
        return stream->source->draw(work, s, in);
    if (job->next != NULL) {
        enter_callback(work, &frame);
        said = job->next(in, job->user);
        fw_context_leave(&frame);
    }
    if (said == FURROW_NEXT_ONE)
        slot->index = draw_index(work);
    return said;
}

static bool all_drawn(const struct furrow_work *work)
{
    const furrow_job *job = &work->request.job;

    return work->stream->source == NULL && (job->count > 0 || job->next == NULL) && work->stream->drawn >= job->count;
}

/* Draws one task; false: none can be drawn now. */
static bool draw(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;
    uint32_t s;
    int said;

    if (stream->ended || stream->later || on_the_way(stream) >= stream->limit || fw_work_stops(work))
        return false;
    if (all_drawn(work)) {
        stream->ended = true;
        return false;
    }
    if (too_late(work))
        return false;
    s = stream->free[stream->nfree - 1];
    said = call_next(work, s);
    if (said == FURROW_NEXT_ONE) {
        stream->nfree--;
        atomic_fetch_add(&stream->slot[s].use, 1);
        stream->drawn++;
        publish(work, s);
        return true;
    }
    if (said == FURROW_NEXT_LATER && stream->source != NULL)
        return false;
    if (said < 0)
        fw_work_stop(work, FW_CAUSE_CALLBACK, FURROW_ECANCELLED, said, FW_NO_TASK, "next");
    stream->later = said == FURROW_NEXT_LATER && on_the_way(stream) > 0;
    stream->ended = !stream->later;
    return false;
}

/* Stopping: slots that nobody runs are free again. */
static void take_back(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;

    for (uint32_t s = 0; s < stream->slots; s++) {
        uint32_t ready = FW_SLOT_READY;

        if (atomic_compare_exchange_strong(&stream->slot[s].state, &ready, FW_SLOT_FREE))
            free_slot(stream, s);
    }
}

static bool in_front(const struct furrow_work *work, uint32_t s, uint32_t *length)
{
    const struct fw_stream *stream = work->stream;
    const uint64_t front = fw_ranges_front(work->ranges);

    *length = (uint32_t)(front >> 32) - (uint32_t)front;
    for (uint32_t p = 0; p < *length; p++)
        if (stream->ring[((uint32_t)front + p) & (stream->places - 1)] == s)
            return true;
    return false;
}

static bool in_list(const struct fw_stream *stream, uint32_t s)
{
    for (uint32_t n = atomic_load(&stream->finished); n != 0; n = stream->slot[n - 1].next)
        if (n - 1 == s)
            return true;
    return false;
}

/* After a death: slots that are READY but in no place of the front are
 * published again, and finished ones that are on no list are settled. A slot
 * that a living worker has claimed and not started yet looks like the first
 * kind: published twice it is still started once. */
static void find_lost(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;
    const uint32_t deaths = atomic_load(&work->deaths);
    uint32_t length;

    if (deaths == stream->deaths_seen)
        return;
    stream->deaths_seen = deaths;
    for (uint32_t s = 0; s < stream->slots; s++) {
        struct fw_slot *slot = &stream->slot[s];
        const uint32_t state = atomic_load(&slot->state) & 3u;

        if (state == FW_SLOT_READY && !in_front(work, s, &length) && length < stream->places / 2)
            announce(work, s); /* its state may be RUNNING by now, and stays so */
        else if (state == FW_SLOT_FINISHED && !slot->held &&
                 atomic_load(&slot->orphan) == atomic_load(&slot->use) && !in_list(stream, s))
            settle_slot(work, s);
    }
}

/* Results held for an index that never comes. */
static void drop_held(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;

    for (uint32_t i = 0; i < stream->slots; i++) {
        const uint32_t s = stream->held[i];

        stream->held[i] = 0;
        if (s == 0)
            continue;
        stream->slot[s - 1].held = false;
        stream->nheld--;
        drop_result(work, s - 1);
        free_slot(stream, s - 1);
    }
}

bool fw_stream_step(struct furrow_work *work, bool *moved)
{
    struct fw_stream *stream = work->stream;

    *moved = take_finished(work);
    find_lost(work);
    while (draw(work))
        *moved = true;
    if (fw_work_stops(work)) {
        take_back(work);
        stream->ended = on_the_way(stream) == stream->nheld; /* nothing runs, nothing is on its way back */
        if (stream->ended)
            drop_held(work);
        return !stream->ended;
    }
    if (!stream->ended || on_the_way(stream) > 0)
        return true;
    atomic_store(&stream->closed, 1);
    fw_bell_ring(&work->common->bell);
    return false;
}

/* -- Workers elsewhere --------------------------------------------------- */

bool fw_stream_lend(struct furrow_work *work, int place, uint32_t *s)
{
    while (claim_slot(work, s)) {
        struct fw_slot *slot = &work->stream->slot[*s];
        uint32_t ready = FW_SLOT_READY;

        if (atomic_compare_exchange_strong(&slot->state, &ready, fw_slot_state(FW_SLOT_RUNNING, place)))
            return true;
    }
    return false;
}

void fw_stream_give_back(struct furrow_work *work, int place, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];

    if (work->outcome != NULL && slot->outcome != FURROW_PENDING)
        __atomic_store_n(&work->outcome[slot->index], (unsigned char)slot->outcome, __ATOMIC_RELEASE);
    atomic_store(&slot->state, fw_slot_state(FW_SLOT_FINISHED, place));
    push_finished(stream, s);
}

void fw_stream_unlend(struct furrow_work *work, uint32_t s)
{
    publish(work, s);
}

void fw_stream_drop(struct furrow_work *work, uint32_t s)
{
    free_slot(work->stream, s);
}

bool fw_stream_recall(struct furrow_work *work, uint32_t *s)
{
    while (claim_slot(work, s)) {
        uint32_t ready = FW_SLOT_READY;

        if (atomic_compare_exchange_strong(&work->stream->slot[*s].state, &ready, FW_SLOT_FREE))
            return true;
    }
    return false;
}

/* -- Caller: waiting ------------------------------------------------------ */

static bool caller_has_some(const struct furrow_work *work, bool stops)
{
    const struct fw_stream *stream = work->stream;

    return atomic_load(&stream->finished) != 0 || fw_work_stops(work) != stops ||
           atomic_load(&work->deaths) != stream->deaths_seen;
}

void fw_stream_wait(struct furrow_work *work, bool stops, uint64_t ns)
{
    enum { SPINS = 200 };
    struct fw_stream *stream = work->stream;
    uint32_t ticket;

    for (int i = 0; i < SPINS; i++) {
        if (caller_has_some(work, stops))
            return;
        fw_relax();
    }
    atomic_store(&stream->starved, 1);
    if (atomic_load(&stream->replies.untaken) > stream->untaken_most)
        fw_bell_ring(&work->common->bell); /* all of them are held: those that wait may have to go on */
    ticket = fw_bell_listen(&stream->caller);
    if (caller_has_some(work, stops))
        fw_bell_ignore(&stream->caller);
    else
        fw_bell_sleep(&stream->caller, ticket, ns);
    atomic_store(&stream->starved, 0);
}

void furrow_work_serve(furrow_work *work)
{
    bool moved, stops;

    if (work->stream == NULL)
        return;
    do {
        stops = fw_work_stops(work);
        if (!fw_stream_step(work, &moved))
            break;
        if (!moved)
            fw_stream_wait(work, stops, 0);
    } while (true);
    atomic_store(&work->stream->closed, 1);
    fw_bell_ring(&work->common->bell);
}
