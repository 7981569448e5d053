#include "clock.h"

#include <stdatomic.h>
#include <time.h>

#include "memory.h"
#include "ticks.h"

uint64_t fw_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t fw_clock_claim_ns(void)
{
    static _Atomic uint64_t known;
    enum { READS = 32, SWAPS_NS = 20 };
    uint64_t cost = atomic_load_explicit(&known, memory_order_relaxed), start;

    if (cost > 0)
        return cost;
    start = fw_now();
    for (int i = 0; i < READS; i++)
        cost = fw_now();
    cost = (cost - start) / READS + SWAPS_NS;
    atomic_store_explicit(&known, cost, memory_order_relaxed);
    return cost;
}

#if defined(__x86_64__)

/* Nanoseconds of 1024 ticks, over some microseconds of both clocks. */
static uint64_t measure_rate(void)
{
    enum { SPAN_NS = 20000 };
    const uint64_t start = fw_now(), ticks = fw_ticks();
    uint64_t now;

    do
        now = fw_now();
    while (now - start < SPAN_NS);
    return (now - start) * 1024 / (fw_ticks() - ticks + 1) + 1;
}

FW_HOT uint64_t fw_ticks_ns(uint64_t ticks)
{
    static _Atomic uint64_t known;
    uint64_t rate = atomic_load_explicit(&known, memory_order_relaxed);

    if (rate == 0) {
        rate = measure_rate();
        atomic_store_explicit(&known, rate, memory_order_relaxed);
    }
    return ticks * rate / 1024;
}

#endif
