/* Tables for bench/stats.c and the shapes of bench/work.c. */
#include <math.h>
#include <stdio.h>

#include "stats.h"
#include "work.h"

static int failures;

static void expect(const char *what, double seen, double wanted)
{
    if ((isnan(seen) && isnan(wanted)) || fabs(seen - wanted) <= 1e-6 * fabs(wanted))
        return;
    fprintf(stderr, "%s: %.9g, wanted %.9g\n", what, seen, wanted);
    failures++;
}

static void quantiles(void)
{
    double odd[] = { 3, 1, 2 }, even[] = { 4, 1, 3, 2 }, one[] = { 7 };

    expect("median of 3", bench_quantile(odd, 3, 0.5), 2);
    expect("median of 4", bench_quantile(even, 4, 0.5), 2.5);
    expect("smallest of 4", bench_quantile(even, 4, 0), 1);
    expect("largest of 4", bench_quantile(even, 4, 1), 4);
    expect("any of 1", bench_quantile(one, 1, 0.9), 7);
}

static void metg(void)
{
    static const struct {
        const char *what;
        struct bench_point point[5];
        double bar, wanted;
    } rows[] = {
        { "half way in the logarithm",
          { { 1, 0.2 }, { 10, 0.4 }, { 1000, 0.6 }, { 2000, 0.9 }, { 4000, 0.9 } },
          0.5,
          100 },
        { "on a point",
          { { 1, 0.2 }, { 10, 0.5 }, { 20, 0.6 }, { 40, 0.9 }, { 80, 0.9 } },
          0.5,
          10 },
        { "all reach it", { { 2, 0.9 }, { 4, 0.9 }, { 8, 0.9 }, { 16, 0.9 }, { 32, 1 } }, 0.8, 2 },
        { "none reaches it",
          { { 2, 0 }, { 4, 0.1 }, { 8, 0.2 }, { 16, 0.3 }, { 32, 0.4 } },
          0.5,
          NAN },
        { "a lucky short one",
          { { 1, 0.9 }, { 10, 0.4 }, { 1000, 0.6 }, { 2000, 0.9 }, { 4000, 0.9 } },
          0.5,
          100 },
        { "a disturbed long one, followed by enough",
          { { 1, 0.6 }, { 10, 0.7 }, { 20, 0.8 }, { 40, 0.9 }, { 80, 0.1 } },
          0.5,
          1 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].what, bench_metg(rows[i].point, 5, rows[i].bar), rows[i].wanted);
}

static void lengths(void)
{
    float length[10];

    bench_lengths(BENCH_RAMP_UP, 10, length);
    expect("ramp, equal shares", bench_ideal(length, 10, 2), 27.5);
    bench_lengths(BENCH_RAMP_DOWN, 10, length);
    expect("ramp down starts with the longest", length[0], 10);
    bench_lengths(BENCH_LAST, 10, length);
    expect("the long one bounds", bench_ideal(length, 10, 2), 1000);
    expect("the last is long", length[9], 1000);
    bench_lengths(BENCH_MIDDLE, 10, length);
    expect("the middle is long", length[5], 1000);
    expect("the rest is short", length[4], 1);
}

int main(void)
{
    quantiles();
    metg();
    lengths();
    return failures > 0;
}
