#include "stream.h"

#include "dear.h"
#include "handover.h"
#include "share.h"
#include "slot.h"

/* -- Shape -------------------------------------------------------------- */

enum {
    SLOTS_MOST = 65536,
    SLOTS_PER_WORKER = 1024, /* of an array job: callbacks may lag behind by so many */
    /* Bytes of inputs and outputs in slots, where that leaves 2 a worker. */
    SLOTS_BYTES = 64 * 1024 * 1024
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
        most = fit < SLOTS_PER_WORKER * workers ? (fit > least ? fit : least)
                                                : SLOTS_PER_WORKER * workers;
    return most;
}

uint32_t fw_stream_slots(const struct fw_request *request, int workers, bool outputs,
                         uint32_t *most)
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

/* -- Drawing ------------------------------------------------------------- */

static uint32_t on_the_way(const struct fw_stream *stream)
{
    return stream->slots - stream->nfree;
}

/* The next index: dear ones first, then the others in order. */
static size_t draw_index(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;

    if (work->request.job.ordered || work->ndear == 0)
        return stream->drawn;
    if (stream->dear_drawn < work->ndear)
        return work->dear[stream->dear_drawn++];
    while (fw_dear_has(work->dear_sorted, work->ndear, stream->cheap))
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
        fw_handover_enter(work, &frame);
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

    return work->stream->source == NULL && (job->count > 0 || job->next == NULL) &&
           work->stream->drawn >= job->count;
}

/* Draws one task; false: none can be drawn now. */
static bool draw(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;
    uint32_t s;
    int said;

    if (stream->ended || stream->later || on_the_way(stream) >= stream->limit ||
        fw_work_stops(work))
        return false;
    if (all_drawn(work)) {
        stream->ended = true;
        return false;
    }
    if (fw_stream_too_late(work))
        return false;
    s = stream->free[stream->nfree - 1];
    said = call_next(work, s);
    if (said == FURROW_NEXT_ONE) {
        stream->nfree--;
        atomic_fetch_add(&stream->slot[s].use, 1);
        stream->drawn++;
        fw_slot_publish(work, s);
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

/* -- Rounds of the caller ------------------------------------------------- */

/* Stopping: slots that nobody runs are free again. */
static void take_back(struct furrow_work *work)
{
    struct fw_stream *stream = work->stream;

    for (uint32_t s = 0; s < stream->slots; s++) {
        uint32_t ready = FW_SLOT_READY;

        if (atomic_compare_exchange_strong(&stream->slot[s].state, &ready, FW_SLOT_FREE))
            fw_slot_free(stream, s);
    }
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

        if (state == FW_SLOT_READY && !fw_slot_in_front(work, s, &length) &&
            length < stream->places / 2)
            fw_slot_announce(work, s); /* its state may be RUNNING by now, and stays so */
        else if (state == FW_SLOT_FINISHED && !slot->held &&
                 atomic_load(&slot->orphan) == atomic_load(&slot->use) &&
                 !fw_slot_in_list(stream, s))
            fw_handover_settle(work, s);
    }
}

bool fw_stream_step(struct furrow_work *work, bool *moved)
{
    struct fw_stream *stream = work->stream;

    *moved = fw_handover_take(work);
    find_lost(work);
    while (draw(work))
        *moved = true;
    if (fw_work_stops(work)) {
        take_back(work);
        stream->ended =
            on_the_way(stream) == stream->nheld; /* nothing runs, nothing is on its way back */
        if (stream->ended)
            fw_handover_drop_held(work);
        return !stream->ended;
    }
    if (!stream->ended || on_the_way(stream) > 0)
        return true;
    atomic_store(&stream->closed, 1);
    fw_bell_ring(&work->common->bell);
    return false;
}

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
        fw_bell_ring(
            &work->common->bell); /* all of them are held: those that wait may have to go on */
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
