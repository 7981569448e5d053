/* What is measured. Each measure prints its figures by bench_print(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats.h"
#include "timed.h"

/* -- Cost of a task ------------------------------------------------------ */

size_t bench_many(const struct bench_options *options)
{
    const double task_ns = options->variant->task_ns, long_enough = options->small ? 1e6 : 1e8;

    if (task_ns > 0)
        return (size_t)(long_enough / task_ns) + 2;
    return options->small ? 1000 : (size_t)(1e6 * options->scale);
}

static void print_per_task(const char *figure, struct bench_figure wall, size_t count)
{
    bench_print(figure, wall.median / (double)count, wall.best / (double)count, "ns");
}

static int per_task(const struct bench_options *options, const char *figure, enum bench_kind kind)
{
    struct bench_loop loop = { .count = bench_many(options) };
    struct bench_timed timed = { options, &loop, options->workers };

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    bench_set_kind(&loop, kind);
    if (kind == BENCH_STORE)
        loop.out = bench_alloc(loop.count * sizeof *loop.out);
    print_per_task(figure, bench_repeat(options, 5, bench_wall_once, &timed), loop.count);
    free(loop.out);
    return 0;
}

static int measure_empty(const struct bench_options *options)
{
    return per_task(options, "empty", BENCH_EMPTY);
}

static int measure_store(const struct bench_options *options)
{
    return per_task(options, "store", BENCH_STORE);
}

static double range_once(void *arg)
{
    const struct bench_timed *timed = arg;
    const double start = bench_now();

    timed->options->variant->range(timed->loop->count, timed->loop->out, timed->workers);
    return bench_now() - start;
}

static int measure_range(const struct bench_options *options)
{
    struct bench_loop loop = { .count = bench_many(options) };
    struct bench_timed timed = { options, &loop, options->workers };

    if (options->variant->range == NULL)
        return BENCH_NO_FIGURE;
    loop.out = bench_alloc(loop.count * sizeof *loop.out);
    print_per_task("range", bench_repeat(options, 5, range_once, &timed), loop.count);
    free(loop.out);
    return 0;
}

/* One run of 2 x 10^6 empty tasks for an instruction counter, or of 10^6 less:
 * the difference is 10^6 tasks. On one worker, since what waits counts too. */
static int count_empty(const struct bench_options *options, size_t count)
{
    struct bench_loop loop = { .count = options->small ? count / 1000 : count };

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    bench_set_kind(&loop, BENCH_EMPTY);
    options->variant->run(&loop, 1);
    return 0;
}

static int measure_count1(const struct bench_options *options)
{
    return count_empty(options, 1000000);
}

static int measure_count2(const struct bench_options *options)
{
    return count_empty(options, 2000000);
}

/* -- Starting and ending ------------------------------------------------- */

/* Calls in one sample, where one alone is too short for the clock. */
static int calls_in_sample(const struct bench_options *options)
{
    return options->small ? 10 : 200;
}

static double hot_once(void *arg)
{
    const struct bench_timed *timed = arg;
    const int calls = calls_in_sample(timed->options);
    const double start = bench_now();

    for (int i = 0; i < calls; i++)
        timed->options->variant->run(timed->loop, timed->workers);
    return (bench_now() - start) / calls;
}

/* One call after 10 ms in which the process slept. */
static double idle_once(void *arg)
{
    const struct timespec pause = { .tv_nsec = 10000000 };

    (void)nanosleep(&pause, NULL);
    return bench_wall_once(arg);
}

/* `calm`: not where waiting for a CPU is part of the figure. */
static int two_empty(const struct bench_options *options, const char *figure, int least, bool calm,
                     double (*once)(void *arg))
{
    struct bench_options own = *options;
    struct bench_loop loop = { .count = 2 };
    struct bench_timed timed = { &own, &loop, options->workers };
    struct bench_figure wall;

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    bench_set_kind(&loop, BENCH_EMPTY);
    own.calm = calm;
    (void)hot_once(&timed);
    wall = bench_repeat(&own, least, once, &timed);
    bench_print(figure, wall.median, wall.best, "ns");
    return 0;
}

static int measure_hot(const struct bench_options *options)
{
    return two_empty(options, "hot", 11, true, hot_once);
}

static int measure_idle(const struct bench_options *options)
{
    return two_empty(options, "idle", options->small ? 3 : 41, false, idle_once);
}

static double region_once(void *arg)
{
    const struct bench_timed *timed = arg;
    const int calls = calls_in_sample(timed->options);
    const double start = bench_now();

    for (int i = 0; i < calls; i++)
        timed->options->variant->region(timed->workers);
    return (bench_now() - start) / calls;
}

static int measure_region(const struct bench_options *options)
{
    struct bench_timed timed = { options, NULL, options->workers };
    struct bench_figure wall;

    if (options->variant->region == NULL)
        return BENCH_NO_FIGURE;
    wall = bench_repeat(options, 11, region_once, &timed);
    bench_print("region", wall.median, wall.best, "ns");
    return 0;
}

/* Share of the loops in which every worker ran a task, given the marks that
 * tasks left in one of them. */
static bool all_took_part(const struct bench_loop *loop)
{
    for (size_t i = 0; i < loop->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (loop->out[i] == loop->out[k])
                return false;
        }
    }
    return true;
}

/* One task of 5 microseconds per worker: what the loop takes beyond one of them,
 * and how often each worker ran one. */
static int measure_team(const struct bench_options *options)
{
    struct bench_loop loop = { .count = (size_t)options->workers };
    struct bench_timed timed = { options, &loop, options->workers };
    const int loops = options->small ? 20 : 4000;
    double *at = bench_alloc((size_t)loops * sizeof *at), one, median;
    int whole = 0;

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    loop.out = bench_alloc(loop.count * sizeof *loop.out);
    loop.turns_all = (uint32_t)(5000 / bench_turn_ns(options)) + 1;
    bench_set_kind(&loop, BENCH_MARK);
    loop.count = 1;
    one = bench_repeat(options, 101, bench_alone_once, &timed).median;
    loop.count = (size_t)options->workers;
    for (int i = -loops / 10; i < loops; i++) {
        double wall = bench_wall_once(&timed);
        if (i >= 0) {
            at[i] = wall - one;
            whole += all_took_part(&loop);
        }
    }
    median = bench_quantile(at, (size_t)loops, 0.5); /* sorts */
    bench_print("team", median, at[0], "ns");
    bench_print("team_whole", (double)whole / loops, (double)whole / loops, "of loops");
    free(loop.out);
    free(at);
    return 0;
}

/* -- Nested loops -------------------------------------------------------- */

static double nested_once(void *arg)
{
    const struct bench_timed *timed = arg;
    const size_t times = timed->options->small ? 10 : 200;

    return timed->options->variant->nested(times) / (double)times;
}

static int measure_nested(const struct bench_options *options)
{
    struct bench_options own = *options;
    struct bench_timed timed = { &own, NULL, 0 };
    struct bench_figure wall;

    if (options->variant->nested == NULL)
        return BENCH_NO_FIGURE;
    own.calm = false; /* threads made anew wait for a CPU */
    wall = bench_repeat(&own, 5, nested_once, &timed);
    bench_print("nested", wall.median, wall.best, "ns");
    return 0;
}

/* -- All of them --------------------------------------------------------- */

static const struct {
    const char *name;
    int (*measure)(const struct bench_options *options);
} measures[] = {
    { "empty", measure_empty },
    { "store", measure_store },
    { "range", measure_range },
    { "metg", bench_measure_metg },
    { "shapes", bench_measure_shapes },
    { "hot", measure_hot },
    { "idle", measure_idle },
    { "region", measure_region },
    { "team", measure_team },
    { "nested", measure_nested },
    { "neighbours", bench_measure_neighbours },
    { "start", bench_measure_start },
    { "bytes", bench_measure_bytes },
    { "limit", bench_measure_limit },
    { "uneven", bench_measure_uneven },
    { "parent1", bench_measure_parent1 },
    { "parent4", bench_measure_parent4 },
    { "shared4", bench_measure_shared4 },
    { "crowd", bench_measure_crowd },
    { "long", bench_measure_long },
    { "count1", measure_count1 },
    { "count2", measure_count2 },
};

const char bench_measures[] =
    "empty store range metg shapes hot idle region team nested neighbours "
    "start bytes limit uneven parent1 parent4 shared4 crowd long count1 count2";

int bench_measure(const char *name, const struct bench_options *options)
{
    for (size_t i = 0; i < sizeof measures / sizeof measures[0]; i++) {
        if (strcmp(measures[i].name, name) == 0)
            return measures[i].measure(options);
    }
    return 2;
}
