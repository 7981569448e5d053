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

/* Which lengths, and how many tasks of each. */
struct effort {
    double shortest, longest; /* ns */
    double step;              /* each length over the one before, about */
    double want_ns;           /* of a run */
    size_t least, most;       /* tasks of the runs that find how many are needed */
    int again, samples;       /* repetitions of these runs, and then of each length at least */
    double enough;            /* where three lengths in a row are so efficient it ends */
};

/* From 1 turn to 50 microseconds. A run takes most of a millisecond: a region
 * costs little then, and other programs rarely come in between. */
static struct effort effort_of_threads(const struct bench_options *options)
{
    const struct effort small = { 0, 500, 1.3, 1e5, 64, 10000, 3, 2, 0.97 };
    struct effort effort = { 0, 50000, 1.3, 7e5, 64, 2000000, 3, 5, 0.97 };

    if (options->small)
        return small;
    if (options->scale > 1) {
        effort.want_ns *= options->scale;
        effort.most = (size_t)(2e6 * options->scale);
        effort.again = 0;
        effort.samples = 3;
    }
    return effort;
}

/* Around what a task costs, and 20 ms at most. */
static struct effort effort_of_slow(const struct bench_options *options)
{
    const double task_ns = options->variant->task_ns;
    const struct effort small = { task_ns, 2 * task_ns, 1.6, 1e6, 2, 100, 0, 1, 0.9 };

    return options->small
               ? small
               : (struct effort){ task_ns / 8, fmin(100 * task_ns, 2e7), 1.6, 4e7, 8, 1000000, 0, 3,
                                  0.9 };
}

/* How many tasks of this length. */
static size_t count_for(const struct bench_options *options, const struct effort *effort,
                        struct bench_loop *loop)
{
    struct bench_timed timed = { options, loop, options->workers };
    const size_t least = effort->least * (size_t)options->workers;
    double wall;

    for (loop->count = least;; loop->count *= 4) {
        wall = bench_wall_once(&timed);
        for (int again = 0; again < effort->again; again++)
            wall = fmin(wall, bench_wall_once(&timed));
        if (wall > effort->want_ns / 10 || loop->count > effort->most)
            break;
    }
    wall = (double)loop->count * effort->want_ns / wall;
    return wall > (double)least ? (size_t)wall : least;
}

/* Runs one length; the budget is shared by all lengths. */
static void sweep_point(const struct bench_options *options, const struct effort *effort,
                        struct sweep *sweep, int i, double turn)
{
    struct bench_options share = *options;
    struct bench_loop loop = { .turns_all = sweep->turns[i] };
    struct bench_timed timed = { &share, &loop, options->workers };
    const double useful = turn * sweep->turns[i];
    struct bench_figure wall;
    double per_task;

    share.budget_ms = options->budget_ms / 6;
    bench_set_kind(&loop, BENCH_SPIN);
    loop.count = count_for(options, effort, &loop);
    per_task = options->workers / (double)loop.count;
    wall = bench_repeat(&share, effort->samples, bench_wall_once, &timed);
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

int bench_measure_metg(const struct bench_options *options)
{
    const struct effort effort =
        options->variant->task_ns > 0 ? effort_of_slow(options) : effort_of_threads(options);
    const double turn = bench_turn_ns(options);
    struct sweep sweep = { .n = 0 };
    int enough = 0, reached = 0;
    char figure[48];

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    for (double turns = fmax(1, floor(effort.shortest / turn));
         turns * turn < effort.longest && sweep.n < POINTS; sweep.n++) {
        sweep.turns[sweep.n] = (uint32_t)turns;
        turns = fmax(floor(turns * effort.step), turns + 1);
    }
    for (int i = 0; i < sweep.n && enough < 3; i++) {
        sweep_point(options, &effort, &sweep, i, turn);
        enough = sweep.median[i].efficiency >= effort.enough ? enough + 1 : 0;
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
