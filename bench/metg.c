/* Efficiency over task length, and the minimum effective task granularity
 * (stats.h). The efficiency is measured against the speed of bench_spin() alone
 * in this process. */
#include <math.h>
#include <stdio.h>

#include "stats.h"
#include "timed.h"

enum { POINTS = 64 };

struct sweep {
    int n;
    uint32_t turns[POINTS];
    size_t count[POINTS];
    struct bench_point median[POINTS], best[POINTS];
};

/* So many tasks of this length that a run takes most of a millisecond: a region
 * costs little then, and other programs rarely come in between. */
static size_t count_for(const struct bench_options *options, struct bench_loop *loop)
{
    struct bench_timed timed = { options, loop, options->workers };
    const double want_ns = options->small ? 1e5 : 7e5;
    const size_t least = 64 * (size_t)options->workers;
    const size_t most = options->small ? 10000 : 2000000;
    double wall;

    for (loop->count = least;; loop->count *= 4) {
        wall = bench_wall_once(&timed);
        for (int again = 0; again < 3; again++)
            wall = fmin(wall, bench_wall_once(&timed));
        if (wall > want_ns / 10 || loop->count > most)
            break;
    }
    wall = (double)loop->count * want_ns / wall;
    return wall > (double)least ? (size_t)wall : least;
}

/* Runs one length; the budget is shared by all lengths. */
static void sweep_point(const struct bench_options *options, struct sweep *sweep, int i,
                        double turn)
{
    struct bench_options share = *options;
    struct bench_loop loop = { .turns_all = sweep->turns[i] };
    struct bench_timed timed = { &share, &loop, options->workers };
    const double useful = turn * sweep->turns[i];
    struct bench_figure wall;
    double per_task;

    share.budget_ms = options->budget_ms / 6;
    bench_set_kind(&loop, BENCH_SPIN);
    loop.count = count_for(options, &loop);
    per_task = options->workers / (double)loop.count;
    wall = bench_repeat(&share, 5, bench_wall_once, &timed);
    sweep->median[i] =
        (struct bench_point){ wall.median * per_task, useful / (wall.median * per_task) };
    sweep->best[i] = (struct bench_point){ wall.best * per_task, useful / (wall.best * per_task) };
}

static void print_metg(const struct sweep *sweep, const char *figure, double bar)
{
    const double median = bench_metg(sweep->median, (size_t)sweep->n, bar);
    const double best = bench_metg(sweep->best, (size_t)sweep->n, bar);

    bench_print(figure, median, best, "ns");
}

/* From 1 turn to about 50 microseconds, each length about 1.3 times the one
 * before, until three in a row are run at an efficiency of 97 %. */
int bench_measure_metg(const struct bench_options *options)
{
    const double turn = bench_turn_ns(options), longest = options->small ? 500 : 50000;
    struct sweep sweep = { .n = 0 };
    int enough = 0, reached = 0;
    char figure[48];

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    for (double turns = 1; turns * turn < longest && sweep.n < POINTS; sweep.n++) {
        sweep.turns[sweep.n] = (uint32_t)turns;
        turns = floor(turns * 1.3) > turns ? floor(turns * 1.3) : turns + 1;
    }
    for (int i = 0; i < sweep.n && enough < 3; i++) {
        sweep_point(options, &sweep, i, turn);
        enough = sweep.median[i].efficiency >= 0.97 ? enough + 1 : 0;
        reached = i + 1;
        (void)snprintf(figure, sizeof figure, "efficiency:%u", sweep.turns[i]);
        bench_print(figure, sweep.median[i].efficiency, sweep.best[i].efficiency, "");
    }
    sweep.n = reached;
    bench_print("turn", turn, turn, "ns");
    print_metg(&sweep, "metg50", 0.5);
    print_metg(&sweep, "metg80", 0.8);
    return 0;
}
