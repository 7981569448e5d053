/* The cheapest clock there is, for evidence of how long small tasks take: 11 ns
 * where clock_gettime() takes 27 on the machine of docs/performance.md. A hint:
 * nothing that is promised is measured with it. */
#ifndef FW_TICKS_H
#define FW_TICKS_H

#include <stdint.h>

#include "clock.h"

#if defined(__x86_64__)

/* Time stamp counter: constant rate on every x86-64 CPU of the last ten years. */
static inline uint64_t fw_ticks(void)
{
    return __builtin_ia32_rdtsc();
}

/* Nanoseconds of so many ticks. The rate is measured at the first call. */
uint64_t fw_ticks_ns(uint64_t ticks);

#else

static inline uint64_t fw_ticks(void)
{
    return fw_now();
}

static inline uint64_t fw_ticks_ns(uint64_t ticks)
{
    return ticks;
}

#endif

#endif
