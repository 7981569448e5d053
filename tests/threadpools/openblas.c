/* OpenBLAS inside tasks: how many threads it has, how many the process has, and
 * that both are as before when the job is over. Arguments: the file of a build
 * of OpenBLAS, and what its threads are, "pthreads" or "OpenMP". */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <furrow/furrow.h>

#include "../common/check.h"
#include "count.h"

enum { CPUS = 4, N = 192, ROW_MAJOR = 101, NO_TRANS = 111 };

typedef void dgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, double alpha,
                      const double *a, int lda, const double *b, int ldb, double beta, double *c,
                      int ldc);

static dgemm_fn *dgemm;
static int (*blas_threads)(void);
static void (*blas_set)(int threads);
static int (*omp_threads)(void); /* of the OpenMP runtime that OpenBLAS uses; NULL: none */
static bool on_pthreads;

static void must_have(void *handle, const char *what)
{
    if (handle == NULL) {
        fprintf(stderr, "%s: %s\n", what, dlerror());
        exit(1);
    }
}

static void load(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    must_have(handle, path);
    *(void **)&dgemm = dlsym(handle, "cblas_dgemm");
    *(void **)&blas_threads = dlsym(handle, "openblas_get_num_threads");
    *(void **)&blas_set = dlsym(handle, "openblas_set_num_threads");
    must_have((void *)dlsym(handle, "cblas_dgemm"), "cblas_dgemm");
    if (on_pthreads)
        return;
    handle = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
    must_have(handle, "the OpenMP runtime of OpenBLAS");
    *(void **)&omp_threads = dlsym(handle, "omp_get_max_threads");
}

/* Threads that OpenBLAS may use for the caller. */
static int limit_now(void)
{
    return omp_threads != NULL ? omp_threads() : blas_threads();
}

/* -- A task ---------------------------------------------------------------- */

static atomic_int most_threads; /* of the process, while tasks run */
static atomic_int allowed;      /* so many may be there */

/* Rows of ones times a matrix of `value`: every element is N * value. */
static void multiply(double value)
{
    double *a = malloc(3 * N * N * sizeof *a), *b = a + N * N, *c = b + N * N;

    if (a == NULL)
        abort();
    for (int i = 0; i < N * N; i++) {
        a[i] = 1;
        b[i] = value;
    }
    for (int i = 0; i < 3; i++)
        dgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, N, N, N, 1.0, a, N, b, N, 0.0, c, N);
    for (int i = 0; i < N * N; i++)
        if (fabs(c[i] - N * value) > 1e-9 * N) {
            CHECK(false, "element %d is %g, not %g", i, c[i], N * value);
            break;
        }
    free(a);
}

static int expected_limit(const furrow_task *task)
{
    const int smallest = *(const int *)task->shared;

    return on_pthreads ? smallest : task->cpus;
}

static int work(furrow_task *task)
{
    CHECK(limit_now() == expected_limit(task),
          "%d threads in a task with %d CPUs, smallest lease %d", limit_now(), task->cpus,
          *(const int *)task->shared);
    multiply((double)task->index + 1);
    note_most(&most_threads, count_settled(atomic_load(&allowed)));
    return task->index % 3 == 2 ? 5 : 0;
}

/* A job below: one worker for each CPU of this task's lease. */
static int work_below(furrow_task *task)
{
    const int smallest = 1;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = work, .count = 6, .shared = &smallest };

    multiply((double)task->cpus);
    config.keep_going = true;
    return furrow_map(&job, &config, NULL) == FURROW_ETASK ? 0 : 1;
}

/* -- Jobs ------------------------------------------------------------------ */

/* `smallest`: the smallest lease, which all workers' OpenBLAS has on pthreads. */
static void check_job(furrow_task_fn run, const char *backend, int jobs, int inner, int smallest,
                      furrow_status expected)
{
    const int before = limit_now(), blas_before = blas_threads(), idle = count_threads() - 1;
    const int busy = inner > 0 && jobs * inner > CPUS ? jobs * inner : CPUS;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = run, .count = 7, .shared = &smallest };

    config.backend = backend;
    config.jobs = jobs;
    config.inner_threads = inner;
    config.keep_going = true;
    atomic_store(&most_threads, 0);
    atomic_store(&allowed, idle + busy);
    CHECK_EQ(furrow_map(&job, &config, NULL), expected);
    CHECK(atomic_load(&most_threads) <= atomic_load(&allowed),
          "%d threads, %d may work and %d were idle (%s, jobs %d, inner %d)",
          atomic_load(&most_threads), busy, idle, backend, jobs, inner);
    CHECK_EQ(limit_now(), before);
    if (on_pthreads)
        CHECK_EQ(blas_threads(), blas_before);
}

static int stop_at_once(furrow_task *task)
{
    (void)task;
    return 1;
}

/* Not loaded when the first job ran: found by the second. */
static void loaded_between_jobs(const char *path)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = stop_at_once, .count = 2 };

    config.jobs = 2;
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_ETASK);
    load(path);
}

static void pushed_limits(void)
{
    const int before = limit_now();

    CHECK_EQ(furrow_thread_limit_push(2), FURROW_OK);
    CHECK_EQ(limit_now(), 2);
    multiply(1);
    CHECK_EQ(furrow_thread_limit_push(1), FURROW_OK);
    CHECK_EQ(limit_now(), 1);
    multiply(2);
    CHECK_EQ(limit_now(), 1);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    CHECK_EQ(limit_now(), 2);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    CHECK_EQ(limit_now(), before);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    on_pthreads = strcmp(argv[2], "pthreads") == 0;
    setenv("HWLOC_SYNTHETIC", "pu:4", 1);
    CHECK_EQ(furrow_cpu_count(0), CPUS);
    loaded_between_jobs(argv[1]);
    for (int jobs = 1; jobs <= CPUS; jobs++) {
        check_job(work, "openmp", jobs, 0, CPUS / jobs, FURROW_ETASK);
        check_job(work_below, "openmp", jobs, 0, CPUS / jobs, FURROW_OK);
    }
    check_job(work, "openmp", 2, 1, 1, FURROW_ETASK);
    check_job(work, "openmp", 2, 3, 3, FURROW_ETASK); /* asked for: more than CPUs */
    for (int inner = 1; inner <= 3; inner++)
        check_job(work, "sequential", 1, inner, inner, FURROW_ETASK);
    blas_set(2); /* the program's own: the same again afterwards */
    check_job(work, "openmp", 4, 0, 1, FURROW_ETASK);
    pushed_limits();
    return check_end();
}
