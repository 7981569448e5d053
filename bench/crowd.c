/* Workers that share CPUs, and workers beside one that is busy for long. */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "timed.h"

/* -- More workers than CPUs ----------------------------------------------- */

static int cpus_of(int workers)
{
    cpu_set_t set;
    const int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return cpus < workers ? cpus : workers;
}

/* One run, as a multiple of an equal share of the work for each CPU; a tenth of
 * the tasks alone, just before, tell how long they take. */
static double crowd_once(void *arg)
{
    const struct bench_timed *timed = arg;
    struct bench_loop part = *timed->loop;
    struct bench_timed sample = { timed->options, &part, 1 };
    double alone;

    part.count /= 10;
    alone = bench_alone_once(&sample) * 10;
    return bench_wall_once(arg) * cpus_of(timed->workers) / alone;
}

/* Tasks of 20 microseconds, a quarter of a second of them on two CPUs. */
int bench_measure_crowd(const struct bench_options *options)
{
    struct bench_options own = *options;
    struct bench_loop loop = { .count = options->small ? 200 : 25000 };
    struct bench_timed timed = { &own, &loop, options->workers };
    struct bench_figure ratio;
    char figure[32];

    if (options->variant->run == NULL)
        return BENCH_NO_FIGURE;
    own.calm = false; /* they wait for each other's CPU */
    loop.turns_all = (uint32_t)(20000 / bench_turn_ns(&own));
    bench_set_kind(&loop, BENCH_SPIN);
    ratio = bench_repeat(&own, 3, crowd_once, &timed);
    (void)snprintf(figure, sizeof figure, "crowd%d", options->workers);
    bench_print(figure, ratio.median, ratio.best, "of ideal");
    return 0;
}

/* -- One long task -------------------------------------------------------- */

/* Tasks that sleep for 10 ms, so many that they keep the other workers busy for
 * as long as the first task sleeps. */
static void fill_naps(const struct bench_options *options, struct bench_loop *loop,
                      uint32_t *microseconds)
{
    const uint32_t nap = options->small ? 1000 : 10000, first = 200 * nap;

    for (size_t i = 0; i < loop->count; i++)
        microseconds[i] = i == 0 ? first : nap;
    loop->turns = microseconds;
    bench_set_kind(loop, BENCH_NAPS);
}

/* Nanoseconds that the second task takes alone, the least of ten. */
static double nap_alone(const struct bench_loop *loop)
{
    double best = 1e18;

    for (int i = 0; i < 10; i++) {
        const double start = bench_now();

        loop->call(1, loop);
        best = fmin(best, bench_now() - start);
    }
    return best;
}

/* The first task sleeps 200 times as long as each other one; once, after a small
 * loop that gets everything going. The ideal is the larger of that task and an
 * equal share of all sleep, which is measured. */
int bench_measure_long(const struct bench_options *options)
{
    const size_t rest = 200 * (size_t)(options->workers - 1);
    struct bench_loop loop = { .count = 1 + rest };
    struct bench_loop warm = { .count = 100 };
    struct bench_timed timed = { options, &loop, options->workers };
    struct bench_timed first = { options, &warm, options->workers };
    uint32_t *microseconds = bench_alloc(loop.count * sizeof *microseconds);
    double first_ns, slept, wall, ideal;

    if (options->variant->run == NULL || options->workers < 2)
        return BENCH_NO_FIGURE;
    bench_set_kind(&warm, BENCH_EMPTY);
    (void)bench_wall_once(&first);
    fill_naps(options, &loop, microseconds);
    first_ns = microseconds[0] * 1e3;
    slept = nap_alone(&loop) * (double)rest + first_ns;
    ideal = fmax(slept / options->workers, first_ns);
    wall = bench_wall_once(&timed);
    bench_print("long", wall / ideal, wall / ideal, "of ideal");
    if (options->variant->idle != NULL)
        bench_print("long_idle", options->variant->idle(wall), options->variant->idle(wall), "ms");
    free(microseconds);
    return 0;
}
