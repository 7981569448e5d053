/* Seeds of tasks. */
#ifndef FW_SEED_H
#define FW_SEED_H

#include <stddef.h>
#include <stdint.h>

/* What furrow_seed() returns, in the two steps that the loop over tasks takes.
 * Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014: the (index + 1)-th output of SplitMix64 whose state
 * starts at `seed`. The constants are part of the interface: they never change. */
#define FW_SEED_STEP UINT64_C(0x9E3779B97F4A7C15)

/* The generator's state for a task; the next task's is FW_SEED_STEP further. */
static inline uint64_t fw_seed_state(uint64_t seed, size_t index)
{
    return seed + ((uint64_t)index + 1) * FW_SEED_STEP;
}

static inline uint64_t fw_seed_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t fw_seed(uint64_t seed, size_t index)
{
    return fw_seed_mix(fw_seed_state(seed, index));
}

#endif
