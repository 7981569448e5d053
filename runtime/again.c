#include "again.h"

#include "work.h"

static const uint64_t index_mask = ((uint64_t)1 << FW_AGAIN_BITS) - 1;

static uint64_t next_tag(uint64_t head)
{
    return (head & ~index_mask) + ((uint64_t)1 << FW_AGAIN_BITS);
}

void fw_work_again_push(struct furrow_work *work, size_t index, unsigned attempt)
{
    uint64_t head = atomic_load(&work->again_head);

    work->again[index].attempt = attempt;
    do
        work->again[index].next = (size_t)(head & index_mask);
    while (!atomic_compare_exchange_weak(&work->again_head, &head, next_tag(head) | (index + 1)));
    fw_bell_ring(&work->common->bell);
}

bool fw_work_again_pop(struct furrow_work *work, size_t *index, unsigned *attempt)
{
    uint64_t head = atomic_load(&work->again_head);

    while ((head & index_mask) != 0) {
        size_t top = (size_t)(head & index_mask) - 1;
        size_t next = __atomic_load_n(&work->again[top].next, __ATOMIC_RELAXED);

        if (atomic_compare_exchange_weak(&work->again_head, &head, next_tag(head) | next)) {
            *index = top;
            *attempt = work->again[top].attempt;
            return true;
        }
    }
    return false;
}
