#include "stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_quantile(double *at, size_t n, double p)
{
    const double place = p * (double)(n - 1);
    const size_t low = (size_t)place, high = low + 1 < n ? low + 1 : low;

    qsort(at, n, sizeof *at, ascending);
    return at[low] + (place - (double)low) * (at[high] - at[low]);
}

/* Where the line from `below` to `above` crosses the bar. */
static double crossing(const struct bench_point *below, const struct bench_point *above, double bar)
{
    const double x0 = log(below->granularity), x1 = log(above->granularity);
    const double part = (bar - below->efficiency) / (above->efficiency - below->efficiency);

    return exp(x0 + part * (x1 - x0));
}

/* This point and the next two, where there are so many, reach the bar. */
static bool reaches(const struct bench_point *point, size_t n, size_t i, double bar)
{
    for (size_t k = i; k < n && k < i + 3; k++) {
        if (point[k].efficiency < bar)
            return false;
    }
    return true;
}

double bench_metg(const struct bench_point *point, size_t n, double bar)
{
    size_t i = 0;

    while (i < n && !reaches(point, n, i, bar))
        i++;
    if (i == n)
        return NAN;
    return i == 0 || point[i - 1].efficiency >= bar ? point[i].granularity
                                                    : crossing(&point[i - 1], &point[i], bar);
}
