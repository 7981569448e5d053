/* bench/stats.h - from samples to figures. Pure functions; tested by
 * bench/test_stats.c. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>

/* The p-th quantile (0 ... 1) by linear interpolation between neighbours;
 * sorts `at`. n >= 1. */
double bench_quantile(double *at, size_t n, double p);

/* One point of a sweep over task lengths. */
struct bench_point {
    double granularity; /* wall time x workers / tasks: what a task costs, all told */
    double efficiency;  /* useful time / granularity, 0 ... about 1 */
};

/* Minimum effective task granularity METG(bar): the smallest granularity at
 * which the efficiency is at least `bar`, as Task Bench defines it (Slaughter et
 * al., SC 2020). Between two points the efficiency is taken as
 * linear in the logarithm of the granularity. The next two longer lengths must
 * reach the bar too, so that one lucky point does not count.
 *
 *   point  n points of growing task length
 *
 * Returns NAN where no length reaches the bar, and the granularity of the
 * shortest where all do. */
double bench_metg(const struct bench_point *point, size_t n, double bar);

#endif
