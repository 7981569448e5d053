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

uint64_t fw_clock_wall(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
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

/* Both clocks at one time, as nearly as can be: the ticks between two reads of
 * the clock that are closest together. A thread that loses its CPU between the
 * two clocks would otherwise spoil the rate for the whole process. */
static uint64_t read_both(uint64_t *ns)
{
    enum { TRIES = 5 };
    uint64_t ticks = 0, closest = UINT64_MAX;

    for (int i = 0; i < TRIES; i++) {
        const uint64_t before = fw_now(), here = fw_ticks(), apart = fw_now() - before;

        if (apart < closest) {
            closest = apart;
            ticks = here;
            *ns = before + apart / 2;
        }
    }
    return ticks;
}

/* Nanoseconds of 1024 ticks, over some microseconds of both clocks. */
static uint64_t measure_rate(void)
{
    enum { SPAN_NS = 20000 };
    uint64_t start, end;
    const uint64_t first = read_both(&start);
    uint64_t ticks;

    while (fw_now() - start < SPAN_NS)
        ;
    ticks = read_both(&end) - first;
    return (end - start) * 1024 / (ticks > 0 ? ticks : 1) + 1;
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
