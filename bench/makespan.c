/* Loops of unequal tasks, as multiples of the ideal makespan. */
#include <stdio.h>
#include <stdlib.h>

#include "timed.h"

/* -- Tasks of different lengths ------------------------------------------ */

/* Turns proportional to `length`, such that the ideal makespan is `ideal`
 * turns. */
static void scale_turns(const float *length, size_t count, int workers, double ideal, uint32_t *out)
{
    const double unit = ideal / bench_ideal(length, count, workers);

    for (size_t i = 0; i < count; i++)
        out[i] = length[i] * unit > 1 ? (uint32_t)(length[i] * unit + 0.5) : 1;
}

/* The lower bound of the makespan, as a part of the time of all tasks. Leaves
 * the turns in `length` too. */
static double bound_of(const uint32_t *turns, size_t count, int workers, float *length)
{
    double total = 0;

    for (size_t i = 0; i < count; i++)
        total += length[i] = (float)turns[i];
    return bench_ideal(length, count, workers) / total;
}

struct shaped {
    struct bench_timed timed;
    double bound;
};

/* One run, as a multiple of the lower bound: the bound in turns, at the speed
 * at which this process ran all tasks alone just before. */
static double makespan_once(void *arg)
{
    const struct shaped *shaped = arg;
    const double alone = bench_alone_once((void *)&shaped->timed);

    return bench_wall_once((void *)&shaped->timed) / (alone * shaped->bound);
}

/* The ideal in turns; `least` repetitions. */
static void measure_shape(const struct bench_options *options, enum bench_shape shape, size_t count,
                          double turns_ideal, int least, const char *figure)
{
    float *length = bench_alloc(count * sizeof *length);
    uint32_t *turns = bench_alloc(count * sizeof *turns);
    struct bench_loop loop = { .count = count, .turns = turns, .cost = length };
    struct shaped shaped = { .timed = { options, &loop, options->workers } };
    struct bench_figure ratio;

    bench_set_kind(&loop, BENCH_SPINS);
    bench_lengths(shape, count, length);
    scale_turns(length, count, options->workers, turns_ideal, turns);
    shaped.bound = bound_of(turns, count, options->workers, length);
    ratio = bench_repeat(options, least, makespan_once, &shaped);
    bench_print(figure, ratio.median, ratio.best, "of ideal");
    free(turns);
    free(length);
}

static void measure_shape_of(const struct bench_options *options, enum bench_shape shape,
                             size_t count, double turn)
{
    char figure[48];

    (void)snprintf(figure, sizeof figure, "%s:%zu", bench_shape_names[shape], count);
    measure_shape(options, shape, count, (options->small ? 1e5 : 1e7) / turn, 5, figure);
}

int bench_measure_shapes(const struct bench_options *options)
{
    const double turn = bench_turn_ns(options);

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    for (int shape = 0; shape < BENCH_SHAPES; shape++) {
        measure_shape_of(options, (enum bench_shape)shape, 200, turn);
        measure_shape_of(options, (enum bench_shape)shape, options->small ? 2000 : 20000, turn);
    }
    return 0;
}

/* The same for what is slow to start: few shapes, and a long ideal. */
int bench_measure_uneven(const struct bench_options *options)
{
    static const struct {
        enum bench_shape shape;
        const char *figure;
    } uneven[] = { { BENCH_RAMP_UP, "uneven_up" },
                   { BENCH_RAMP_DOWN, "uneven_down" },
                   { BENCH_LAST, "uneven_last" } };
    const double ideal = options->small ? 1e6 : options->variant->task_ns > 0 ? 1e8 : 2e8;
    const double turn = bench_turn_ns(options);

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    for (size_t i = 0; i < sizeof uneven / sizeof uneven[0]; i++)
        measure_shape(options, uneven[i].shape, 200, ideal / turn, 2, uneven[i].figure);
    return 0;
}

/* -- Slow neighbours ----------------------------------------------------- */

static double wall_alone(const struct bench_timed *timed)
{
    const double start = bench_now();

    (void)bench_alone_once((void *)timed);
    return bench_now() - start;
}

/* Among very many empty tasks some neighbours in the middle sleep. The ideal is
 * an equal share of the sleep for each of 8 workers, which sleep at the same
 * time whatever the number of CPUs. */
int bench_measure_neighbours(const struct bench_options *options)
{
    struct bench_options once = *options;
    struct bench_loop loop = { .count = options->small ? 8000 : 8000000, .nap_ns = 5000000 };
    struct bench_loop nap = { .count = options->small ? 1 : 10,
                              .nap_end = SIZE_MAX,
                              .nap_ns = loop.nap_ns };
    struct bench_timed timed = { &once, &loop, 8 }, one = { &once, &nap, 1 };
    const size_t slow = options->small ? 8 : 400;
    struct bench_figure wall;
    double ideal;

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    once.budget_ms = 0;
    once.calm = false;
    loop.nap_begin = loop.count / 2 - slow / 2;
    loop.nap_end = loop.nap_begin + slow;
    bench_set_kind(&loop, BENCH_NAP);
    bench_set_kind(&nap, BENCH_NAP);
    ideal = wall_alone(&one) / (double)nap.count * (double)slow / timed.workers;
    wall = bench_repeat(&once, 1, bench_wall_once, &timed);
    bench_print("neighbours", wall.median / ideal, wall.best / ideal, "of ideal");
    return 0;
}
