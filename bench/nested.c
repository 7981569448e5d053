/* bench/nested: two workers, each calling OpenBLAS, which by itself would use
 * all CPUs in each of them.
 *
 *   nested [--smoke] [LIBRARY]     LIBRARY: a file of OpenBLAS, default libopenblas.so.0
 *
 * The same matrix products (double, 256 and 512 square) are run
 *   furrow      as tasks of furrow_map() on two workers, OpenBLAS at its defaults
 *   two x one   by hand: two threads that take products in turn, OpenBLAS set to 1
 *   one x two   by hand: one thread, OpenBLAS set to 2
 *   two x two   by hand without a limit: what furrow spares its user (shown only)
 * in interleaved rounds in one process, in turns forwards and backwards. Goal
 * (N1): best by hand / furrow >= 0.97, the median over the rounds. Figures of one
 * run compare with each other only; on a machine that others use as well, the
 * ratio alone means something.
 *
 * OpenBLAS's threads keep looking for work for a while after they had some and
 * would slow the next contestant: a pause follows those that used them. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <furrow/furrow.h>

enum { WORKERS = 2, ROUNDS_MOST = 31, PAUSE_US = 150000, ROW_MAJOR = 101, NO_TRANS = 111 };

typedef void dgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                      const double *a, int lda, const double *b, int ldb, double beta, double *c,
                      int ldc);

static dgemm_fn *dgemm;
static void (*blas_set)(int threads);
static int (*blas_get)(void);

/* The products of one size: all of the same two matrices, each into its own. */
static struct {
    int n;
    size_t count;
    double *a, *b, *c;
    atomic_size_t next; /* by hand: the next product to take */
} set;

static void multiply(size_t i)
{
    const size_t square = (size_t)set.n * (size_t)set.n;

    dgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, set.n, set.n, set.n, 1.0, set.a, set.n, set.b, set.n, 0.0,
          set.c + i * square, set.n);
}

static void fill(int n, size_t count)
{
    const size_t square = (size_t)n * (size_t)n;

    set.n = n;
    set.count = count;
    set.a = malloc((2 + count) * square * sizeof *set.a);
    if (set.a == NULL) {
        fprintf(stderr, "nested: no memory for %zu products\n", count);
        exit(1);
    }
    set.b = set.a + square;
    set.c = set.b + square;
    for (size_t i = 0; i < (2 + count) * square; i++)
        set.a[i] = 1.0 / (double)(1 + i % 97);
}

/* -- Contestants ---------------------------------------------------------- */

static int product_task(furrow_task *task)
{
    multiply(task->index);
    return 0;
}

static void run_furrow(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .name = "products", .run = product_task, .count = set.count };

    config.jobs = WORKERS;
    if (furrow_map(&job, &config, NULL) != FURROW_OK) {
        fprintf(stderr, "nested: %s\n", furrow_message());
        exit(1);
    }
}

static void *take_products(void *unused)
{
    size_t i;

    while ((i = atomic_fetch_add(&set.next, 1)) < set.count)
        multiply(i);
    return unused;
}

static void by_hand(int threads, int blas)
{
    const int before = blas_get();
    pthread_t other;

    blas_set(blas);
    atomic_store(&set.next, 0);
    if (threads == 2 && pthread_create(&other, NULL, take_products, NULL) != 0) {
        fprintf(stderr, "nested: no second thread\n");
        exit(1);
    }
    (void)take_products(NULL);
    if (threads == 2)
        (void)pthread_join(other, NULL);
    blas_set(before);
}

static void run_two_by_one(void)
{
    by_hand(2, 1);
}

static void run_one_by_two(void)
{
    by_hand(1, 2);
}

static void run_two_by_two(void)
{
    by_hand(2, 2);
}

static const struct {
    const char *name;
    void (*run)(void);
    int uses_pool;
} contestants[] = {
    { "furrow", run_furrow, 0 },
    { "two x one", run_two_by_one, 0 },
    { "one x two", run_one_by_two, 1 },
    { "two x two", run_two_by_two, 1 },
};
enum { FURROW, HAND_FIRST, HAND_LAST = 2, CONTESTANTS = 4 };

/* -- Rounds --------------------------------------------------------------- */

static double seconds_of(int contestant)
{
    struct timespec start, end;

    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    contestants[contestant].run();
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    if (contestants[contestant].uses_pool)
        (void)usleep(PAUSE_US);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
    double sorted[ROUNDS_MOST];

    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* The contestant by hand whose median is the smallest. */
static int best_by_hand(double seconds[CONTESTANTS][ROUNDS_MOST], int rounds)
{
    int best = HAND_FIRST;

    for (int c = HAND_FIRST + 1; c <= HAND_LAST; c++)
        if (median(seconds[c], rounds) < median(seconds[best], rounds))
            best = c;
    return best;
}

static void measure(int n, size_t count, int rounds)
{
    static double seconds[CONTESTANTS][ROUNDS_MOST];
    double ratio[ROUNDS_MOST];
    int best;

    fill(n, count);
    for (int c = 0; c < CONTESTANTS; c++) /* warm */
        (void)seconds_of(c);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < CONTESTANTS; i++) {
            const int c = r % 2 == 0 ? i : CONTESTANTS - 1 - i;

            seconds[c][r] = seconds_of(c);
        }
    best = best_by_hand(seconds, rounds);
    for (int r = 0; r < rounds; r++)
        ratio[r] = seconds[best][r] / seconds[FURROW][r];
    for (int c = 0; c < CONTESTANTS; c++)
        printf("%4d  %-10s %9.3f ms a product\n", n, contestants[c].name,
               median(seconds[c], rounds) * 1e3 / (double)count);
    printf("%4d  %s / furrow: %.3f (goal >= 0.97)\n", n, contestants[best].name,
           median(ratio, rounds));
    free(set.a);
}

static void load(const char *library)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        fprintf(stderr, "nested: %s; name the file of OpenBLAS\n", dlerror());
        exit(2);
    }
    *(void **)&dgemm = dlsym(handle, "cblas_dgemm");
    *(void **)&blas_set = dlsym(handle, "openblas_set_num_threads");
    *(void **)&blas_get = dlsym(handle, "openblas_get_num_threads");
    if (dgemm == NULL || blas_set == NULL || blas_get == NULL) {
        fprintf(stderr, "nested: %s is not OpenBLAS\n", library);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const int smoke = argc > 1 && strcmp(argv[1], "--smoke") == 0;

    load(argc > 1 + smoke ? argv[1 + smoke] : "libopenblas.so.0");
    printf("OpenBLAS at its defaults: %d threads; %d workers\n", blas_get(), WORKERS);
    measure(256, smoke ? 2 : 24, smoke ? 1 : ROUNDS_MOST);
    measure(512, smoke ? 2 : 6, smoke ? 1 : ROUNDS_MOST);
    return 0;
}
