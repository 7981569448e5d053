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
    double task_ns;           /* what an empty task costs all told; 0: find out by runs of
                               * each length how many tasks it needs */
    int samples;              /* of each length, at least */
    double enough;            /* where three lengths in a row are so efficient it ends */
};

/* What a task costs that does nothing, from a loop long enough: ns. */
static double empty_ns(const struct bench_options *options)
{
    struct bench_loop loop = { .count = bench_many(options) };
    struct bench_timed timed = { options, &loop, options->workers };
    double wall;

    bench_set_kind(&loop, BENCH_EMPTY);
    wall = bench_wall_once(&timed);
    for (int again = 0; again < 3; again++)
        wall = fmin(wall, bench_wall_once(&timed));
    return wall * options->workers / (double)loop.count;
}

/* From 1 turn to 50 microseconds. A run takes most of a millisecond: a region
 * costs little then, and other programs rarely come in between. What is slow to
 * start gets longer runs, by the scale. */
static struct effort effort_of_quick(const struct bench_options *options)
{
    const struct effort small = { 0, 500, 1.3, 1e5, 0, 2, 0.97 };
    struct effort effort = { 0, 50000, 1.3, 7e5 * options->scale, 0, 5, 0.97 };

    if (options->small)
        return small;
    if (options->scale > 1) {
        effort.task_ns = empty_ns(options);
        effort.step = 1.5;
        effort.samples = 3;
        effort.enough = 0.92; /* the start takes its part */
    }
    return effort;
}

/* Around what a task costs, and 20 ms at most. */
static struct effort effort_of_slow(const struct bench_options *options)
{
    const double task_ns = options->variant->task_ns;
    const struct effort small = { task_ns, 2 * task_ns, 1.6, 1e6, task_ns, 1, 0.9 };
    struct effort effort = { task_ns / 2, fmin(1000 * task_ns, 2e7), 2, 2e7, 0, 3, 0.9 };

    if (options->small)
        return small;
    effort.task_ns = empty_ns(options);
    return effort;
}

/* How many tasks take want_ns, found by runs of more and more. */
static double search_count(const struct bench_options *options, struct bench_loop *loop,
                           double want_ns)
{
    struct bench_timed timed = { options, loop, options->workers };
    const size_t most = options->small ? 10000 : 2000000;
    double wall;

    for (loop->count = 64 * (size_t)options->workers;; loop->count *= 4) {
        wall = bench_wall_once(&timed);
        for (int again = 0; again < 3; again++)
            wall = fmin(wall, bench_wall_once(&timed));
        if (wall > want_ns / 10 || loop->count > most)
            break;
    }
    return (double)loop->count * want_ns / wall;
}

/* How many tasks of this length: 64 a worker at least, or 8 slow ones. */
static size_t count_for(const struct bench_options *options, const struct effort *effort,
                        struct bench_loop *loop, double useful)
{
    const size_t least = (options->variant->task_ns > 0 ? 8u : 64u) * (size_t)options->workers;
    const double count = effort->task_ns > 0
                             ? effort->want_ns * options->workers / (useful + effort->task_ns)
                             : search_count(options, loop, effort->want_ns);

    return count > (double)least ? (size_t)count : least;
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
    loop.count = count_for(options, effort, &loop, useful);
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
        options->variant->task_ns > 0 ? effort_of_slow(options) : effort_of_quick(options);
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
