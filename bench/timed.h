/* bench/timed.h - one run of a loop under the clock; what the measures share. */
#ifndef BENCH_TIMED_H
#define BENCH_TIMED_H

#include "harness.h"

enum { BENCH_NO_FIGURE = 77 }; /* exit status: the variant lacks what is measured */

struct bench_timed {
    const struct bench_options *options;
    const struct bench_loop *loop;
    int workers;
};

/* Wall time in ns of one run by the variant. For bench_repeat(), as the next:
 * `arg` is a struct bench_timed. */
double bench_wall_once(void *arg);

/* CPU time in ns of the same tasks in the calling thread, without any scheduler:
 * what they need, also while other programs take the CPU away. */
double bench_alone_once(void *arg);

/* Tasks of an empty loop that is to take long enough: 10^6 times the scale, or
 * fewer where a task costs much. */
size_t bench_many(const struct bench_options *options);

void bench_set_kind(struct bench_loop *loop, enum bench_kind kind);

/* Nanoseconds of one turn of bench_spin(). */
double bench_turn_ns(const struct bench_options *options);

/* Measures with a file of their own. */
int bench_measure_metg(const struct bench_options *options);
int bench_measure_shapes(const struct bench_options *options);
int bench_measure_crowd(const struct bench_options *options);
int bench_measure_long(const struct bench_options *options);
int bench_measure_neighbours(const struct bench_options *options);
int bench_measure_uneven(const struct bench_options *options);
int bench_measure_start(const struct bench_options *options);
int bench_measure_limit(const struct bench_options *options);
int bench_measure_bytes(const struct bench_options *options);
int bench_measure_parent1(const struct bench_options *options);
int bench_measure_parent4(const struct bench_options *options);
int bench_measure_shared4(const struct bench_options *options);

#endif
