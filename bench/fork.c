/* The fork backend beside bare forks, our own threads and Python's Pool.
 *
 *   cc -std=c11 -O2 -Iinclude bench/fork.c -Lbuild/release -lfurrow -lm \
 *      -Wl,-rpath,$PWD/build/release -o build/bench-fork
 *   build/bench-fork              the table of goals F1 to F3
 *   build/bench-fork large GIB    what a parent of this size pays at the start
 *
 * Every figure is a ratio inside one run: contestants take turns in each round,
 * and medians are printed. `W` is two workers. Needs nothing but the library;
 * rows of Python are left out where there is no python3. */
#define _GNU_SOURCE
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <furrow/furrow.h>

enum { WORKERS = 2, ROUNDS = 9 };

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return values[n / 2];
}

static void row(const char *what, double got, const char *unit, double ratio, const char *to)
{
    printf("%-44s %10.4g %-6s", what, got, unit);
    if (ratio > 0)
        printf(" %8.3f x %s", ratio, to);
    printf("\n");
    (void)fflush(stdout);
}

static void must(furrow_status status)
{
    if (status == FURROW_OK)
        return;
    fprintf(stderr, "%s\n", furrow_message());
    exit(1);
}

static furrow_config config_of(const char *backend)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = backend;
    config.jobs = WORKERS;
    config.strict = true;
    return config;
}

/* -- Start ------------------------------------------------------------------- */

struct stamps {
    _Atomic double first; /* when the first task began; 0: not yet */
};
static struct stamps *stamps;

static void stamp(void)
{
    double none = 0;

    (void)atomic_compare_exchange_strong(&stamps->first, &none, now());
}

static int stamp_task(furrow_task *task)
{
    (void)task;
    stamp();
    return 0;
}

struct start {
    double first, whole; /* seconds until the first result, and until all is over */
};

static struct start start_bare(void)
{
    const double begin = now();
    struct start out;
    pid_t pid[WORKERS];

    atomic_store(&stamps->first, 0);
    for (int w = 0; w < WORKERS; w++)
        if ((pid[w] = fork()) == 0) {
            stamp();
            _exit(0);
        }
    for (int w = 0; w < WORKERS; w++)
        (void)waitpid(pid[w], NULL, 0);
    out.whole = now() - begin;
    out.first = atomic_load(&stamps->first) - begin;
    return out;
}

static struct start start_ours(void)
{
    const furrow_config config = config_of("fork");
    const furrow_job job = { .run = stamp_task, .count = WORKERS };
    const double begin = now();
    struct start out;

    atomic_store(&stamps->first, 0);
    must(furrow_map(&job, &config, NULL));
    out.whole = now() - begin;
    out.first = atomic_load(&stamps->first) - begin;
    return out;
}

static void medians(struct start *s, int n, struct start *out)
{
    double *values = malloc((size_t)n * sizeof *values);

    for (int i = 0; i < n; i++)
        values[i] = s[i].first;
    out->first = median(values, n);
    for (int i = 0; i < n; i++)
        values[i] = s[i].whole;
    out->whole = median(values, n);
    free(values);
}

/* Seconds that Python's Pool of two takes to its first result; 0: no Python. */
static double start_python(void)
{
    FILE *p = popen("python3 -c '\n"
                    "import time\n"
                    "from multiprocessing import Pool\n"
                    "v = []\n"
                    "for i in range(9):\n"
                    "    a = time.monotonic()\n"
                    "    with Pool(2) as p:\n"
                    "        p.apply(abs, (1,))\n"
                    "        v.append(time.monotonic() - a)\n"
                    "print(sorted(v)[4])\n' 2>/dev/null",
                    "r");
    double seconds = 0;

    if (p != NULL && fscanf(p, "%lf", &seconds) != 1)
        seconds = 0;
    if (p != NULL)
        (void)pclose(p);
    return seconds;
}

static void table_start(int rounds)
{
    struct start *bare = malloc(2 * (size_t)rounds * sizeof *bare), *ours = bare + rounds, b, o;
    double python;

    (void)start_ours();
    for (int r = 0; r < rounds; r++) {
        bare[r] = start_bare();
        ours[r] = start_ours();
    }
    medians(bare, rounds, &b);
    medians(ours, rounds, &o);
    row("two bare forks, first result", b.first * 1e6, "us", 0, "");
    row("two bare forks, both reaped", b.whole * 1e6, "us", 0, "");
    row("F1 fork, start to first result", o.first * 1e6, "us", o.first / b.whole,
        "the bare forks (goal 2)");
    row("   fork, whole job of two tasks", o.whole * 1e6, "us", o.whole / b.whole,
        "the bare forks");
    if ((python = start_python()) > 0)
        row("   Python Pool(2), first result", python * 1e6, "us", o.first / python,
            "Python's (goal 0.1)");
    free(bare);
}

/* -- Items ------------------------------------------------------------------- */

static int empty(furrow_task *task)
{
    (void)task;
    return 0;
}

static int fill64(furrow_task *task)
{
    memset(task->out, 1, 64);
    return 0;
}

static double item_ns(const char *backend, furrow_task_fn run, size_t count, void *out,
                      size_t out_size)
{
    const furrow_config config = config_of(backend);
    const furrow_job job = { .run = run, .count = count, .out = out, .out_size = out_size };
    const double begin = now();

    must(furrow_map(&job, &config, NULL));
    return (now() - begin) * 1e9 / (double)count;
}

static void table_items(void)
{
    enum { MANY = 100000000, SOME = 1000000 };
    double fork_ns[ROUNDS], threads_ns[ROUNDS], none[ROUNDS], staged[ROUNDS], in_place[ROUNDS];
    char *own = calloc(SOME, 64), *shared = furrow_alloc((size_t)SOME * 64);
    double f, t, n, s, p;

    for (int r = 0; r < ROUNDS; r++) {
        fork_ns[r] = item_ns("fork", empty, MANY, NULL, 0);
        threads_ns[r] = item_ns("openmp", empty, MANY, NULL, 0);
        none[r] = item_ns("fork", empty, SOME, NULL, 0);
        staged[r] = item_ns("fork", fill64, SOME, own, 64);
        in_place[r] = item_ns("fork", fill64, SOME, shared, 64);
    }
    f = median(fork_ns, ROUNDS), t = median(threads_ns, ROUNDS);
    n = median(none, ROUNDS), s = median(staged, ROUNDS), p = median(in_place, ROUNDS);
    row("threads (openmp), empty item", t, "ns", 0, "");
    row("F2 fork, empty item", f, "ns", f / t, "our threads (goal 1.25)");
    row("fork, empty item, a million", n, "ns", 0, "");
    row("F3 64 bytes of result more, staged", s - n, "ns", (s - n) / 30, "30 ns (goal 1)");
    row("   64 bytes of result more, in place", p - n, "ns", (p - n) / 30, "30 ns");
    free(own);
    furrow_free(shared);
}

/* -- METG -------------------------------------------------------------------- */

static int spin_length;

static int spin(furrow_task *task)
{
    int n = spin_length;

    (void)task;
    while (n-- > 0)
        __asm__ volatile("" : "+r"(n));
    return 0;
}

/* Nanoseconds of one turn of the loop: from tasks so long that nothing else counts. */
static double turn_ns(void)
{
    furrow_task task = { 0 };
    double best = 1e9;

    spin_length = 20000000;
    for (int i = 0; i < 5; i++) {
        const double begin = now();

        (void)spin(&task);
        best = fmin(best, (now() - begin) * 1e9 / spin_length);
    }
    return best;
}

static double efficiency(const char *backend, double turn)
{
    const size_t count = (size_t)(1e8 / (turn * spin_length + 1));
    const double wall = item_ns(backend, spin, count, NULL, 0); /* of all workers, per task */

    return turn * spin_length / (wall * WORKERS);
}

/* The shortest task, in ns, at which the backend is 80 % efficient. */
static double metg(const char *backend, double turn)
{
    double lo = 0, hi = 64;

    for (int n = 1; n <= 64; n *= 2) {
        spin_length = n;
        if (efficiency(backend, turn) >= 0.8) {
            hi = n;
            break;
        }
        lo = n;
    }
    for (int n = (int)lo + 1; n < (int)hi; n++) {
        spin_length = n;
        if (efficiency(backend, turn) >= 0.8)
            return n * turn;
    }
    return hi * turn;
}

static void table_metg(void)
{
    const double turn = turn_ns();
    double f[ROUNDS], t[ROUNDS];

    for (int r = 0; r < ROUNDS; r++) {
        f[r] = metg("fork", turn);
        t[r] = metg("openmp", turn);
    }
    row("threads (openmp), METG(80%)", median(t, ROUNDS), "ns", 0, "");
    row("F2 fork, METG(80%)", median(f, ROUNDS), "ns", median(f, ROUNDS) / median(t, ROUNDS),
        "our threads (goal 1.25)");
}

/* -- Imbalance --------------------------------------------------------------- */

enum { RAMP = 200 };

/* From nothing to twice the mean. */
static int ramp(furrow_task *task)
{
    const int turns = *(const int *)task->shared;

    for (volatile long n = (long)turns * (long)(task->index + 1); n > 0; n--)
        ;
    return 0;
}

/* Makespan over the sum of what its workers were busy. */
static double imbalance(const char *backend, int turns)
{
    const furrow_config config = config_of(backend);
    const furrow_job job = { .run = ramp, .count = RAMP, .shared = &turns };
    furrow_report report;

    must(furrow_map(&job, &config, &report));
    return report.wall_seconds * WORKERS / report.busy_seconds;
}

static void table_imbalance(void)
{
    double f[ROUNDS], t[ROUNDS];

    for (int r = 0; r < ROUNDS; r++) {
        f[r] = imbalance("fork", 20000);
        t[r] = imbalance("openmp", 20000);
    }
    row("threads (openmp), ramp: makespan / ideal", median(t, ROUNDS), "", 0, "");
    row("fork, ramp: makespan / ideal (goal 1.01)", median(f, ROUNDS), "", 0, "");
}

/* -- Time limits ------------------------------------------------------------- */

static int stuck(furrow_task *task)
{
    while (task->index == 0)
        (void)pause();
    return 0;
}

static void table_limits(void)
{
    static const double limits[] = { 0.01, 0.1, 1.0 };
    furrow_config config = config_of("fork");
    const furrow_job job = { .run = stuck, .count = 1 };
    struct start none[ROUNDS], o;
    double whole; /* of a job that does nothing */
    char what[64];

    for (int r = 0; r < ROUNDS; r++)
        none[r] = start_ours();
    medians(none, ROUNDS, &o);
    whole = o.whole;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        double late[5];

        config.jobs = 1;
        config.timeout = limits[i];
        for (int r = 0; r < 5; r++) {
            const double begin = now();

            (void)furrow_map(&job, &config, NULL);
            late[r] = now() - begin - limits[i] - whole;
        }
        (void)snprintf(what, sizeof what, "a task stuck past its limit of %g s ends later by",
                       limits[i]);
        row(what, median(late, 5) * 1e3, "ms", median(late, 5) / fmax(limits[i] / 10, 0.01),
            "the most allowed (a tenth, 10 ms)");
    }
}

/* -- Large parents ------------------------------------------------------------- */

static void measure_large(const char *what)
{
    enum { FEW = 5 };
    struct start bare[FEW], ours[FEW], b, o;

    for (int r = 0; r < FEW; r++) {
        bare[r] = start_bare();
        ours[r] = start_ours();
    }
    medians(bare, FEW, &b);
    medians(ours, FEW, &o);
    printf("%-40s %9.2f %9.2f %9.2f %9.2f\n", what, b.first * 1e3, b.whole * 1e3, o.first * 1e3,
           o.whole * 1e3);
    (void)fflush(stdout);
}

static void table_large(size_t gib)
{
    const size_t size = gib << 30, huge = (size_t)2 << 20;
    char *p;

    printf("ms                                       bare first  bare all ours first  ours all\n");
    measure_large("small");
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    (void)madvise(p, size, MADV_NOHUGEPAGE);
    memset(p, 1, size);
    measure_large("private, pages of 4 KiB");
    (void)madvise(p, size, MADV_DONTFORK);
    measure_large("the same with MADV_DONTFORK");
    (void)munmap(p, size);
    p = mmap(NULL, size + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        exit(1);
    (void)madvise(p, size + huge, MADV_HUGEPAGE);
    memset(p, 1, size + huge);
    measure_large("private, huge pages");
    (void)munmap(p, size + huge);
    p = furrow_alloc(size);
    if (p == NULL)
        exit(1);
    memset(p, 1, size);
    measure_large("furrow_alloc()");
    furrow_free(p);
}

int main(int argc, char **argv)
{
    stamps = mmap(NULL, sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stamps == MAP_FAILED)
        return 1;
    if (argc > 1 && strcmp(argv[1], "large") == 0) {
        table_large(argc > 2 ? strtoul(argv[2], NULL, 10) : 1);
        return 0;
    }
    table_start(99);
    table_items();
    table_metg();
    table_imbalance();
    table_limits();
    return 0;
}
