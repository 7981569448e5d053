/* bench/harness.h - the measuring program that all contestants share.
 *
 * A contestant's source lists what it offers and calls bench_main(). Its command
 * line:
 *
 *   PROGRAM VARIANT [--scale K] MEASURE [--workers N] [--budget MS] [--small]
 *
 * prints one line per figure, separated by tabs:
 *
 *   <figure> <median of the repetitions> <smallest> <unit>
 *
 * with "-" for a number that was not reached (bench_metg()).
 *
 * --budget: milliseconds of repetitions per figure; --scale: loops of K times as
 * many tasks, for what is slow to start, and no repetition is left out (see
 * bench_repeat()); --small: counts so small that the figures mean nothing, to see
 * that it all works. What is measured: bench/measures.c. Exit status 77: not here,
 * and the last line on standard error says why. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>

#include "work.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One way to run a loop. Slots may be NULL: no such figure. Called from the main
 * thread. */
struct bench_variant {
    const char *name;
    /* Runs the loop on `workers` threads and returns when it is over. */
    void (*run)(const struct bench_loop *loop, int workers);
    /* Fills `out` by bench_range(), inlined or handed over as a range. */
    void (*range)(size_t count, double *out, int workers);
    /* The least that starts all workers and waits for them. */
    void (*region)(int workers);
    /* Inside one task or region that may use two CPUs: `times` inner loops of
     * two empty tasks on two workers. Returns their nanoseconds. */
    double (*nested)(size_t times);

    /* -- For tasks in other processes ---- */

    /* About what one task costs, ns, where that is so much that measures must run
     * fewer of them; 0: little. */
    double task_ns;
    /* CPU time in ns of the same tasks one after the other without any scheduler;
     * NULL: bench_tasks[] are what it runs. */
    double (*alone)(const struct bench_loop *loop);
    /* Memory for results where workers write; ends with the program. NULL: that
     * of bench_alloc(). */
    void *(*alloc)(size_t bytes);
    /* A job of one task that never ends and may take `limit` seconds. */
    void (*limited)(double limit);
    /* Makes the process that starts the workers larger by so much, in pages of
     * 4 KiB; NULL: this process. */
    void (*grow)(size_t bytes);

    /* -- For ranks ---- */

    /* What comes before a run and is not part of it. NULL: nothing. */
    void (*ready)(const struct bench_loop *loop, int workers);
    /* Of the last run, which took `wall_ns` and was of naps: the most milliseconds
     * that a worker other than the first had nothing to do. */
    double (*idle)(double wall_ns);
};

struct bench_options {
    const struct bench_variant *variant;
    int workers;
    double budget_ms;
    double scale; /* >= 1 */
    bool small;
    bool calm; /* see bench_repeat(); a measure about waiting clears it */
};

/* Runs what the command line asks for. Returns the exit status: 0; 1: it
 * failed, 2: a wrong command line, 77: this variant has no such figure. */
int bench_main(int argc, char **argv, const struct bench_variant *variants, size_t count);

/* -- For the measures ---------------------------------------------------- */

/* Nanoseconds on CLOCK_MONOTONIC. */
double bench_now(void);

/* Of the repetitions of one figure. */
struct bench_figure {
    double median, best;
};

/* Repeats once(arg), which returns one sample, until the budget is used up: at
 * least `least` times, unless that takes 20 budgets. The first call is a warm-up.
 *
 * Where options->calm, samples in which threads of this process waited for a CPU
 * for more than 0.5 % of the time (/proc/self/task/<n>/schedstat) are not used:
 * other programs had the CPU then. Up to two budgets are spent to get `least`
 * calm ones; where there are fewer, the `least` calmest count. */
struct bench_figure bench_repeat(const struct bench_options *options, int least,
                                 double (*once)(void *arg), void *arg);

/* Threads of this process count there too from now on: it takes part in the runs. */
void bench_watch(long process);

/* NAN: not reached. */
void bench_print(const char *figure, double median, double best, const char *unit);

/* Ends the program with status 77 where the contestant cannot be measured here;
 * printf-like, one sentence without a line end. */
void bench_not_here(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Zeroed memory that forked processes share; ends the program where there is
 * none. */
void *bench_alloc_shared(size_t bytes);

/* Zeroed memory, touched; ends the program where there is none. */
void *bench_alloc(size_t bytes);

/* 0, or 77 where the variant has no such figure. */
int bench_measure(const char *name, const struct bench_options *options);

/* Names of all measures, separated by blanks. */
extern const char bench_measures[];

#ifdef __cplusplus
}
#endif

#endif
