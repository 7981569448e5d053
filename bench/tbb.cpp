// oneTBB: parallel_for with its two partitioners, and a task_group.
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "harness.h"

using range = tbb::blocked_range<size_t>;

// In the arena that is there, or in one of its own, with the threads it needs,
// where that has not `workers`.
template <typename Body> static void with_workers(int workers, const Body &body)
{
    if (workers == tbb::this_task_arena::max_concurrency()) {
        body();
        return;
    }
    static tbb::global_control more(tbb::global_control::max_allowed_parallelism, workers);
    static tbb::task_arena arena(workers);
    arena.execute(body);
}

template <typename Partitioner> static void run_partitioned(const bench_loop *loop, int workers)
{
    with_workers(workers, [=] {
        tbb::parallel_for(
            range(0, loop->count),
            [loop](const range &part) {
                bench_task *const call = loop->call;
                for (size_t i = part.begin(), end = part.end(); i < end; i++)
                    call(i, loop);
            },
            Partitioner());
    });
}

static void run_group(const bench_loop *loop, int workers)
{
    with_workers(workers, [=] {
        tbb::task_group group;
        for (size_t i = 0; i < loop->count; i++)
            group.run([=] { loop->call(i, loop); });
        group.wait();
    });
}

static void range_inlined(size_t count, double *out, int workers)
{
    with_workers(workers, [=] {
        tbb::parallel_for(range(0, count),
                          [out](const range &part) { bench_range(part.begin(), part.end(), out); });
    });
}

// The least that may use two CPUs, inside a task.
static double nested(size_t times)
{
    bench_loop loop{};
    double start = 0, end = 0;

    loop.count = 2;
    loop.call = bench_tasks[BENCH_EMPTY];
    tbb::task_group group;
    group.run_and_wait([&] {
        const int workers = tbb::this_task_arena::max_concurrency();
        run_partitioned<tbb::auto_partitioner>(&loop, workers);
        start = bench_now();
        for (size_t k = 0; k < times; k++)
            run_partitioned<tbb::auto_partitioner>(&loop, workers);
        end = bench_now();
    });
    return end - start;
}

static bench_variant variant(const char *name, void (*run)(const bench_loop *loop, int workers),
                             double (*nest)(size_t times) = nullptr)
{
    bench_variant out = {};

    out.name = name;
    out.run = run;
    out.nested = nest;
    return out;
}

static bench_variant inlined()
{
    bench_variant out = {};

    out.name = "inlined";
    out.range = range_inlined;
    return out;
}

int main(int argc, char **argv)
{
    const bench_variant variants[] = {
        variant("auto", run_partitioned<tbb::auto_partitioner>, nested),
        variant("simple", run_partitioned<tbb::simple_partitioner>),
        variant("task_group", run_group),
        inlined(),
    };

    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
