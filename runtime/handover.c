#include "handover.h"

#include <errno.h>
#include <string.h>

#include "share.h"
#include "slot.h"

void fw_handover_enter(struct furrow_work *work, struct fw_context *frame)
{
    *frame = *work->caller;
    frame->callback = true;
    fw_context_enter(frame, true);
}

static int call_on_result(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];
    const furrow_job *job = &work->request.job;
    furrow_result result = { .index = slot->index,
                             .outcome = slot->outcome,
                             .code = slot->code,
                             .seconds = slot->seconds,
                             .attempt = slot->attempt,
                             .worker = fw_work_number(work, slot->worker),
                             .host = slot->host != NULL ? slot->host : work->host,
                             .message = slot->words };
    struct fw_context frame;
    int code;

    result.out = fw_stream_output(work, s);
    result.out_size = result.out != NULL ? job->out_size : 0;
    if (slot->reply.given) {
        result.out = fw_replies_take(&stream->replies, &slot->reply);
        result.out_size = slot->reply.size;
    }
    fw_handover_enter(work, &frame);
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
        memcpy((char *)job->out + slot->index * stream->out_step,
               stream->out + s * stream->out_step, stream->out_step);
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

/* The reply of a result that somebody is to see can be seen. False stops the
 * job: it is where its worker wrote it, and finds no room in this process. */
static bool has_reply(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    struct fw_slot *slot = &stream->slot[s];

    if (!slot->reply.given || slot->reply.size == 0 || fw_replies_take(&stream->replies, &slot->reply) != NULL)
        return true;
    (void)furrow_work_fail(work, FURROW_ENOMEM,
                           "the reply of task %zu, %zu bytes, could not be mapped: %s; "
                           "give the program more address space (ulimit -v) or send smaller replies",
                           slot->index, slot->reply.size, strerror(errno));
    return false;
}

static void hand_over(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const bool wanted = work->request.job.on_result != NULL;

    if ((wanted && stream->refused) || ((wanted || stream->source != NULL) && !has_reply(work, s))) {
        drop_result(work, s);
    } else {
        const int code = stream->source != NULL ? stream->source->take(work, s)
                         : wanted               ? call_on_result(work, s)
                                                : 0;

        keep_result(work, s);
        if (code != 0) {
            stream->refused = true;
            fw_work_stop(work, FW_CAUSE_CALLBACK, FURROW_ECANCELLED, code, stream->slot[s].index,
                         "on_result");
        }
    }
    fw_slot_free(stream, s);
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

void fw_handover_settle(struct furrow_work *work, uint32_t s)
{
    struct fw_slot *slot = &work->stream->slot[s];

    if (slot->outcome == FURROW_PENDING) {
        if (fw_work_stops(work)) { /* no later try: never done */
            fw_slot_free(work->stream, s);
            return;
        }
        slot->attempt++;
        atomic_fetch_add(&slot->use, 1);
        fw_replies_drop(&work->stream->replies, &slot->reply);
        fw_slot_publish(work, s);
    } else if (work->request.job.ordered && work->request.job.on_result != NULL) {
        hand_over_in_order(work, s);
    } else {
        hand_over(work, s);
    }
}

bool fw_handover_take(struct furrow_work *work)
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
        fw_handover_settle(work, s);
    }
    return some;
}

void fw_handover_drop_held(struct furrow_work *work)
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
        fw_slot_free(stream, s - 1);
    }
}
