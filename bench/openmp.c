/* OpenMP's own ways to run a loop; built once with gcc and libgomp, once with
 * clang and libomp. */
#include <omp.h>

#include "harness.h"

static void run_static(const struct bench_loop *loop, int workers)
{
    bench_task *const call = loop->call;

#pragma omp parallel for num_threads(workers) schedule(static)
    for (size_t i = 0; i < loop->count; i++)
        call(i, loop);
}

static void run_dynamic1(const struct bench_loop *loop, int workers)
{
    bench_task *const call = loop->call;

#pragma omp parallel for num_threads(workers) schedule(dynamic, 1)
    for (size_t i = 0; i < loop->count; i++)
        call(i, loop);
}

static void run_dynamic64(const struct bench_loop *loop, int workers)
{
    bench_task *const call = loop->call;

#pragma omp parallel for num_threads(workers) schedule(dynamic, 64)
    for (size_t i = 0; i < loop->count; i++)
        call(i, loop);
}

static void run_guided(const struct bench_loop *loop, int workers)
{
    bench_task *const call = loop->call;

#pragma omp parallel for num_threads(workers) schedule(guided)
    for (size_t i = 0; i < loop->count; i++)
        call(i, loop);
}

static void run_taskloop(const struct bench_loop *loop, int workers)
{
    bench_task *const call = loop->call;

#pragma omp parallel num_threads(workers)
#pragma omp single
#pragma omp taskloop
    for (size_t i = 0; i < loop->count; i++)
        call(i, loop);
}

static void run_task(const struct bench_loop *loop, int workers)
{
    bench_task *const call = loop->call;

#pragma omp parallel num_threads(workers)
#pragma omp single
    for (size_t i = 0; i < loop->count; i++) {
#pragma omp task firstprivate(i, call, loop)
        call(i, loop);
    }
}

static void range_inlined(size_t count, double *out, int workers)
{
#pragma omp parallel num_threads(workers)
    {
        const size_t team = (size_t)omp_get_num_threads(), member = (size_t)omp_get_thread_num();

        bench_range(count * member / team, count * (member + 1) / team, out);
    }
}

static void region(int workers)
{
#pragma omp parallel num_threads(workers)
    __asm__ volatile("");
}

static const struct bench_loop two = { .count = 2, .kind = BENCH_EMPTY };

/* A region inside a region, as code that is called in a task does. The outer one
 * has one thread, so that nobody else uses the CPUs of the inner one. */
static double nested(size_t times)
{
    struct bench_loop loop = two;
    double start = 0, end = 0;

    loop.call = bench_tasks[BENCH_EMPTY];
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(1)
    {
        run_static(&loop, 2);
        start = bench_now();
        for (size_t k = 0; k < times; k++)
            run_static(&loop, 2);
        end = bench_now();
    }
    return end - start;
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = {
        { .name = "static", .run = run_static, .region = region, .nested = nested },
        { .name = "dynamic,1", .run = run_dynamic1 },
        { .name = "dynamic,64", .run = run_dynamic64 },
        { .name = "guided", .run = run_guided },
        { .name = "taskloop", .run = run_taskloop },
        { .name = "task", .run = run_task },
        { .name = "inlined", .range = range_inlined },
    };

    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
