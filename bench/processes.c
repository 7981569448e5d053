/* What is measured of workers in other processes: how soon they begin, also
 * below a large parent, and what results cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stats.h"
#include "timed.h"

#define GIB ((size_t)1 << 30)
#define HUGE_PAGE ((size_t)2 << 20)

/* -- Start --------------------------------------------------------------- */

enum { STARTS = 41 };

/* Of one job: until its first task had run, and until it was over. */
struct start {
    double first, all; /* ns */
};

static struct start start_once(const struct bench_options *options, uint64_t *stamp)
{
    struct bench_loop loop = { .count = (size_t)options->workers, .stamp = stamp };
    double begin, end;

    bench_set_kind(&loop, BENCH_STAMP);
    *stamp = 0;
    begin = bench_now();
    options->variant->run(&loop, options->workers);
    end = bench_now();
    if ((double)*stamp < begin || (double)*stamp > end) {
        fprintf(stderr, "the first task says that it ran before or after its job\n");
        exit(1);
    }
    return (struct start){ (double)*stamp - begin, end - begin };
}

static void print_ms(const char *what, const char *until, double *ns, int n)
{
    char figure[64];
    const double median = bench_quantile(ns, (size_t)n, 0.5); /* sorts */

    (void)snprintf(figure, sizeof figure, "%s_%s", what, until);
    bench_print(figure, median * 1e-6, ns[0] * 1e-6, "ms");
}

/* One empty task per worker, from nothing: WHAT_first until the first had run,
 * WHAT_all until all was over. Repeated until the budget is used up; three times
 * at least. */
static void measure_starts(const struct bench_options *options, const char *what)
{
    uint64_t *stamp = bench_alloc_shared(sizeof *stamp);
    double first[STARTS], all[STARTS], until;
    int n = 0;

    (void)start_once(options, stamp);
    until = bench_now() + 2e6 * options->budget_ms;
    do {
        const struct start start = start_once(options, stamp);

        first[n] = start.first;
        all[n++] = start.all;
    } while (n < STARTS && !(options->small && n > 0) && (n < 3 || bench_now() < until));
    (void)munmap(stamp, sizeof *stamp);
    print_ms(what, "first", first, n);
    print_ms(what, "all", all, n);
}

int bench_measure_start(const struct bench_options *options)
{
    measure_starts(options, "start");
    return 0;
}

/* -- Large parents ------------------------------------------------------- */

/* Kibibytes that programs may still use. */
static size_t memory_left(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    size_t kib = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return kib;
}

/* Bytes of a parent of `gib`; ends the program where there is no room for it and
 * a quarter more. */
static size_t size_of_parent(const struct bench_options *options, size_t gib)
{
    const size_t left = memory_left() << 10;

    if (options->small)
        return gib << 22;
    if (left < gib * GIB / 4 * 5)
        bench_not_here("a parent of %zu GiB needs %zu MiB of free memory, and there are %zu", gib,
                       gib * 1280, left >> 20);
    return gib * GIB;
}

/* Private memory in whole huge pages, touched. */
static char *fill_private(size_t bytes, int advice)
{
    char *p =
        mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        bench_not_here("no memory for a parent of %zu MiB", bytes >> 20);
    (void)madvise(p, bytes + HUGE_PAGE, advice);
    return memset(p, 1, bytes + HUGE_PAGE);
}

static void drop_private(char *p, size_t bytes)
{
    (void)munmap(p, bytes + HUGE_PAGE);
}

int bench_measure_parent1(const struct bench_options *options)
{
    const size_t bytes = size_of_parent(options, 1);
    char *p = NULL;

    if (options->variant->grow != NULL)
        options->variant->grow(bytes);
    else
        p = fill_private(bytes, MADV_NOHUGEPAGE);
    measure_starts(options, "parent1");
    if (p != NULL)
        drop_private(p, bytes);
    return 0;
}

/* What a parent may do about it: nothing, keep the memory from its children,
 * huge pages. */
int bench_measure_parent4(const struct bench_options *options)
{
    const size_t bytes = size_of_parent(options, 4);
    char *p = fill_private(bytes, MADV_NOHUGEPAGE);

    measure_starts(options, "parent4_pages");
    (void)madvise(p, bytes + HUGE_PAGE, MADV_DONTFORK);
    measure_starts(options, "parent4_dontfork");
    drop_private(p, bytes);
    p = fill_private(bytes, MADV_HUGEPAGE);
    measure_starts(options, "parent4_huge");
    drop_private(p, bytes);
    return 0;
}

/* The parent's 4 GiB are in memory that the workers share. */
int bench_measure_shared4(const struct bench_options *options)
{
    const size_t bytes = size_of_parent(options, 4);
    void *p;

    if (options->variant->alloc == NULL)
        return BENCH_NO_FIGURE;
    p = options->variant->alloc(bytes);
    if (p == NULL)
        bench_not_here("no shared memory for a parent of %zu MiB", bytes >> 20);
    memset(p, 1, bytes);
    measure_starts(options, "parent4_shared");
    return 0;
}

/* -- Time limits --------------------------------------------------------- */

struct limited {
    const struct bench_options *options;
    double seconds;
};

/* How much later than its limit the job of a task that never ends was over: the
 * start of the job counts too. */
static double late_once(void *arg)
{
    const struct limited *limited = arg;
    const double start = bench_now();

    limited->options->variant->limited(limited->seconds);
    return bench_now() - start - limited->seconds * 1e9;
}

int bench_measure_limit(const struct bench_options *options)
{
    static const struct {
        const char *figure;
        double seconds;
    } limits[] = { { "limit_10ms", 0.01 }, { "limit_100ms", 0.1 }, { "limit_1s", 1 } };
    const size_t count = options->small ? 1 : sizeof limits / sizeof limits[0];

    if (options->variant->limited == NULL)
        return BENCH_NO_FIGURE;
    for (size_t i = 0; i < count; i++) {
        struct limited limited = { options, limits[i].seconds };
        const struct bench_figure late = bench_repeat(options, 3, late_once, &limited);

        bench_print(limits[i].figure, late.median * 1e-6, late.best * 1e-6, "ms");
    }
    return 0;
}

/* -- Results ------------------------------------------------------------- */

/* Every result must have arrived. */
static void check_results(const struct bench_loop *loop)
{
    char want[BENCH_RESULT];

    for (size_t i = 0; i < loop->count; i++) {
        bench_fill(i, want);
        if (memcmp(want, (const char *)loop->out + i * BENCH_RESULT, BENCH_RESULT) != 0) {
            fprintf(stderr, "the result of task %zu is missing or wrong\n", i);
            exit(1);
        }
    }
}

/* One loop without results and one with, in turn: what the results add. */
static double bytes_once(void *arg)
{
    struct bench_timed *timed = arg;
    struct bench_loop loop = *timed->loop;
    struct bench_timed one = { timed->options, &loop, timed->workers };
    double without;

    bench_set_kind(&loop, BENCH_EMPTY);
    without = bench_wall_once(&one);
    bench_set_kind(&loop, BENCH_BYTES);
    return bench_wall_once(&one) - without;
}

int bench_measure_bytes(const struct bench_options *options)
{
    const size_t many = bench_many(options), most = 1000000;
    struct bench_loop loop = { .count = many < most ? many : most };
    struct bench_timed timed = { options, &loop, options->workers };
    const size_t bytes = loop.count * BENCH_RESULT;
    void *(*const alloc)(size_t) = options->variant->alloc;
    struct bench_figure more;

    loop.out = alloc != NULL ? alloc(bytes) : bench_alloc(bytes);
    if (loop.out == NULL)
        bench_not_here("no shared memory for %zu bytes of results", bytes);
    more = bench_repeat(options, 5, bytes_once, &timed);
    if (options->variant->task_ns == 0)
        check_results(&loop);
    bench_print("bytes", more.median / (double)loop.count, more.best / (double)loop.count, "ns");
    return 0;
}
