#include "slot.h"

void fw_slot_free(struct fw_stream *stream, uint32_t s)
{
    fw_replies_drop(&stream->replies, &stream->slot[s].reply);
    atomic_store(&stream->slot[s].state, FW_SLOT_FREE);
    stream->free[stream->nfree++] = s;
}

void fw_slot_announce(struct furrow_work *work, uint32_t s)
{
    struct fw_stream *stream = work->stream;
    const uint32_t end = (uint32_t)(fw_ranges_front(work->ranges) >> 32);

    __atomic_store_n(&stream->ring[end & (stream->places - 1)], s, __ATOMIC_RELAXED);
    fw_ranges_front_extend(work->ranges);
    fw_bell_ring(&work->common->bell);
}

void fw_slot_publish(struct furrow_work *work, uint32_t s)
{
    atomic_store(&work->stream->slot[s].state, FW_SLOT_READY);
    fw_slot_announce(work, s);
}

/* The entry is read before it is claimed: until then the caller can't have
 * reused its place. */
bool fw_slot_claim(struct furrow_work *work, uint32_t *s)
{
    struct fw_stream *stream = work->stream;
    uint64_t front = fw_ranges_front(work->ranges);

    while ((uint32_t)front != (uint32_t)(front >> 32)) {
        *s = __atomic_load_n(&stream->ring[(uint32_t)front & (stream->places - 1)],
                             __ATOMIC_RELAXED);
        if (fw_ranges_front_take(work->ranges, &front))
            return true;
    }
    return false;
}

void fw_slot_push_finished(struct fw_stream *stream, uint32_t s)
{
    uint32_t head = atomic_load(&stream->finished);

    do
        stream->slot[s].next = head;
    while (!atomic_compare_exchange_weak(&stream->finished, &head, s + 1));
    fw_bell_ring(&stream->caller);
}

bool fw_slot_in_front(const struct furrow_work *work, uint32_t s, uint32_t *length)
{
    const struct fw_stream *stream = work->stream;
    const uint64_t front = fw_ranges_front(work->ranges);

    *length = (uint32_t)(front >> 32) - (uint32_t)front;
    for (uint32_t p = 0; p < *length; p++)
        if (stream->ring[((uint32_t)front + p) & (stream->places - 1)] == s)
            return true;
    return false;
}

bool fw_slot_in_list(const struct fw_stream *stream, uint32_t s)
{
    for (uint32_t n = atomic_load(&stream->finished); n != 0; n = stream->slot[n - 1].next)
        if (n - 1 == s)
            return true;
    return false;
}
