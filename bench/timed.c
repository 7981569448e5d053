#include "timed.h"

#include <time.h>

double bench_wall_once(void *arg)
{
    const struct bench_timed *timed = arg;
    const struct bench_variant *variant = timed->options->variant;
    double start;

    if (variant->ready != NULL)
        variant->ready(timed->loop, timed->workers);
    start = bench_now();
    variant->run(timed->loop, timed->workers);
    return bench_now() - start;
}

/* Nanoseconds of CPU that the calling thread has used. */
static double cpu_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double bench_alone_once(void *arg)
{
    const struct bench_timed *timed = arg;
    bench_task *const call = timed->loop->call;
    double start;

    if (timed->options->variant->alone != NULL)
        return timed->options->variant->alone(timed->loop);
    start = cpu_now();
    for (size_t i = 0; i < timed->loop->count; i++)
        call(i, timed->loop);
    return cpu_now() - start;
}

void bench_set_kind(struct bench_loop *loop, enum bench_kind kind)
{
    loop->kind = kind;
    loop->call = bench_tasks[kind];
}

double bench_turn_ns(const struct bench_options *options)
{
    struct bench_loop loop = { .count = 1, .turns_all = options->small ? 10000 : 2000000 };
    struct bench_timed timed = { options, &loop, 1 };

    bench_set_kind(&loop, BENCH_SPIN);
    return bench_repeat(options, 5, bench_alone_once, &timed).best / loop.turns_all;
}
