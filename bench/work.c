#include "work.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* -- Tasks --------------------------------------------------------------- */

static void task_empty(size_t index, const struct bench_loop *loop)
{
    (void)index, (void)loop;
}

static void task_store(size_t index, const struct bench_loop *loop)
{
    loop->out[index] = (double)index;
}

static void task_spin(size_t index, const struct bench_loop *loop)
{
    (void)index;
    bench_spin(loop->turns_all);
}

static void task_spins(size_t index, const struct bench_loop *loop)
{
    bench_spin(loop->turns[index]);
}

double bench_thread_mark(void)
{
    static _Thread_local char here;

    return (double)(uintptr_t)&here;
}

static void task_mark(size_t index, const struct bench_loop *loop)
{
    bench_spin(loop->turns_all);
    loop->out[index] = bench_thread_mark();
}

void bench_nap(size_t index, const struct bench_loop *loop)
{
    const struct timespec nap = { .tv_nsec = loop->nap_ns };

    if (index >= loop->nap_begin && index < loop->nap_end)
        (void)nanosleep(&nap, NULL);
}

void bench_fill(size_t index, void *out)
{
    memset(out, (int)(index % 255) + 1, BENCH_RESULT);
}

static void task_bytes(size_t index, const struct bench_loop *loop)
{
    bench_fill(index, (char *)loop->out + index * BENCH_RESULT);
}

void bench_stamp(const struct bench_loop *loop)
{
    uint64_t none = 0;
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    (void)__atomic_compare_exchange_n(loop->stamp, &none,
                                      (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec, false,
                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void task_stamp(size_t index, const struct bench_loop *loop)
{
    (void)index;
    bench_stamp(loop);
}

static void task_naps(size_t index, const struct bench_loop *loop)
{
    const uint32_t us = loop->turns[index];
    const struct timespec nap = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L };

    (void)nanosleep(&nap, NULL);
}

bench_task *const bench_tasks[BENCH_KINDS] = {
    [BENCH_EMPTY] = task_empty, [BENCH_STORE] = task_store, [BENCH_SPIN] = task_spin,
    [BENCH_SPINS] = task_spins, [BENCH_MARK] = task_mark,   [BENCH_NAP] = bench_nap,
    [BENCH_BYTES] = task_bytes, [BENCH_STAMP] = task_stamp, [BENCH_NAPS] = task_naps,
};

/* -- Lengths of tasks ---------------------------------------------------- */

const char *const bench_shape_names[BENCH_SHAPES] = {
    [BENCH_RAMP_UP] = "ramp_up", [BENCH_RAMP_DOWN] = "ramp_down", [BENCH_LOGNORMAL] = "lognormal",
    [BENCH_FIRST] = "first",     [BENCH_LAST] = "last",           [BENCH_MIDDLE] = "middle",
};

/* Uniform in (0, 1): the top bits of a multiplicative sequence (Knuth's MMIX
 * constants, TAOCP vol. 2, 3.3.4). */
static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958. */
static double normal(uint64_t *state)
{
    const double radius = sqrt(-2.0 * log(uniform(state)));

    return radius * cos(2.0 * 3.14159265358979323846 * uniform(state));
}

void bench_lengths(enum bench_shape shape, size_t count, float *out)
{
    const size_t long_one = shape == BENCH_FIRST ? 0 : shape == BENCH_LAST ? count - 1 : count / 2;
    uint64_t state = 1;

    for (size_t i = 0; i < count; i++) {
        switch (shape) {
        case BENCH_RAMP_UP:
            out[i] = (float)(i + 1);
            break;
        case BENCH_RAMP_DOWN:
            out[i] = (float)(count - i);
            break;
        case BENCH_LOGNORMAL:
            out[i] = (float)exp(normal(&state));
            break;
        default:
            out[i] = i == long_one ? 1000.0f : 1.0f;
        }
    }
}

double bench_ideal(const float *length, size_t count, int workers)
{
    double total = 0, longest = 0;

    for (size_t i = 0; i < count; i++) {
        total += length[i];
        longest = length[i] > longest ? length[i] : longest;
    }
    return total / workers > longest ? total / workers : longest;
}
