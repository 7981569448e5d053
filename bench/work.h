/* bench/work.h - what every contestant runs: loops of tasks that do nothing,
 * store a number, compute for a known time, or sleep.
 *
 * The time of a task is counted in turns of one short loop, so that a task that
 * loses its CPU does not end earlier for it. How long a turn takes is measured
 * in the process that needs to know. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_kind {
    BENCH_EMPTY, /* returns at once */
    BENCH_STORE, /* out[index] = index */
    BENCH_SPIN,  /* `turns_all` turns */
    BENCH_SPINS, /* turns[index] turns */
    BENCH_MARK,  /* `turns_all` turns, then out[index] = a number of the thread */
    BENCH_NAP,   /* sleeps nap_ns where nap_begin <= index < nap_end */
    BENCH_BYTES, /* BENCH_RESULT bytes of result, out[8 index] ... */
    BENCH_STAMP, /* the first to run sets *stamp to the time */
    BENCH_NAPS,  /* sleeps turns[index] microseconds */
    BENCH_KINDS
};

enum { BENCH_RESULT = 64 }; /* bytes */

struct bench_loop;
typedef void bench_task(size_t index, const struct bench_loop *loop);

/* One parallel loop; borrowed by who runs it, read-only but for *out. */
struct bench_loop {
    size_t count;
    enum bench_kind kind;
    bench_task *call;      /* bench_tasks[kind]: called once per index through this pointer */
    double *out;           /* `count` numbers, eight times as many for BENCH_BYTES, or NULL */
    uint64_t *stamp;       /* nanoseconds on CLOCK_MONOTONIC, 0: not yet; in memory that forked
                            * processes share; or NULL */
    const uint32_t *turns; /* `count`, >= 1; or NULL */
    const float *cost;     /* `count` relative lengths, for those that can use them; or NULL */
    uint32_t turns_all;    /* >= 1 */
    size_t nap_begin, nap_end;
    long nap_ns;
};

/* By kind. */
extern bench_task *const bench_tasks[BENCH_KINDS];

/* Computes for `turns` turns of about one CPU cycle: so many multiplications that
 * do not wait for each other, on the one unit that does them. The same machine
 * code in all contestants where the processor is an x86; it jumps into a row of
 * 256 multiplications, since a loop whose end is mispredicted would cost as much as
 * a short task. */
static inline void bench_spin(uint32_t turns)
{
#if defined(__x86_64__)
    uint64_t rows = turns / 256, entry = turns % 256;

    __asm__ volatile("lea (%[entry],%[entry],2), %[entry]\n\t" /* 3 bytes each */
                     "neg %[entry]\n\t"
                     "lea 2f(%%rip), %%rax\n\t"
                     "add %%rax, %[entry]\n\t"
                     "jmp *%[entry]\n"
                     "1:\n\t"
                     ".rept 256\n\t"
                     ".byte 0x6b, 0xc1, 0x03\n\t" /* imul $3, %ecx, %eax */
                     ".endr\n"
                     "2:\n\t"
                     "sub $1, %[rows]\n\t"
                     "jnc 1b"
                     : [entry] "+r"(entry), [rows] "+r"(rows)
                     :
                     : "rax", "cc");
#else
    while (turns > 0) {
        turns--;
        __asm__ volatile("" : "+r"(turns));
    }
#endif
}

/* A number that only the calling thread has. */
double bench_thread_mark(void);

/* The BENCH_RESULT bytes of task `index`, into `out`. */
void bench_fill(size_t index, void *out);

/* See BENCH_STAMP. */
void bench_stamp(const struct bench_loop *loop);

/* Sleeps if this task is one that does. */
void bench_nap(size_t index, const struct bench_loop *loop);

/* out[i] for begin <= i < end: the loop that contestants inline, or are handed
 * as a range. */
static inline void bench_range(size_t begin, size_t end, double *out)
{
    for (size_t i = begin; i < end; i++)
        out[i] = 0.5 * (double)i + 1.0;
}

/* -- Lengths of tasks ---------------------------------------------------- */

enum bench_shape {
    BENCH_RAMP_UP,   /* 1, 2, ... count */
    BENCH_RAMP_DOWN, /* count, ... 2, 1 */
    BENCH_LOGNORMAL, /* sigma = 1, one fixed series */
    BENCH_FIRST,     /* all 1, one of 1000: the first, */
    BENCH_LAST,      /* the last, */
    BENCH_MIDDLE,    /* index count / 2 */
    BENCH_SHAPES
};
extern const char *const bench_shape_names[BENCH_SHAPES];

/* Relative lengths > 0 of `count` tasks into `out`. */
void bench_lengths(enum bench_shape shape, size_t count, float *out);

/* Lower bound of the makespan of `count` tasks on `workers`, in the unit of
 * `length`: an equal share, or the longest task. */
double bench_ideal(const float *length, size_t count, int workers);

#ifdef __cplusplus
}
#endif

#endif
