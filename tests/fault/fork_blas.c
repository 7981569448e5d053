/* fork_blas LIBRARY: OpenBLAS in the program before a job and in its tasks: right
 * results, no hang, whichever threads it is built on. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>

#include "fault.h"

enum { N = 200, TASKS = 8 };

/* Fortran's interface, the same in every build. */
typedef void gemm_fn(const char *, const char *, const int *, const int *, const int *,
                     const double *, const double *, const int *, const double *, const int *,
                     const double *, double *, const int *);
static gemm_fn *gemm;

/* Element i, j of the product of two matrices whose product is known: a[i][k] =
 * i + 1, b[k][j] = 1 / (j + 1). Returns the largest relative error. */
static double multiply(void)
{
    const double one = 1, zero = 0;
    const int n = N;
    double *a = malloc(3 * (size_t)N * N * sizeof *a), *b = a + N * N, *c = b + N * N, worst = 0;

    for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++) {
            a[j * N + i] = i + 1;
            b[j * N + i] = 1.0 / (j + 1);
        }
    gemm("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n);
    for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++)
            worst = fmax(worst, fabs(c[j * N + i] * (j + 1) / ((double)N * (i + 1)) - 1));
    free(a);
    return worst;
}

static int work(furrow_task *task)
{
    *(double *)task->out = multiply();
    return 0;
}

static void job(int workers, int inner)
{
    furrow_config config = fault_config(workers);
    double out[TASKS];
    const furrow_job what = { .run = work, .count = TASKS, .out = out, .out_size = sizeof out[0] };
    furrow_report report;

    fault_case("%d workers with %d threads", workers, inner);
    config.inner_threads = inner;
    CHECK_EQ(furrow_map(&what, &config, &report), FURROW_OK);
    for (int i = 0; i < TASKS && report.done == TASKS; i++)
        CHECK(out[i] < 1e-12);
}

int main(int argc, char **argv)
{
    void *library;
    union {
        void *object;
        gemm_fn *function;
    } found;

    if (argc != 2 || (library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL)) == NULL)
        fault_skip("this OpenBLAS is not here");
    found.object = dlsym(library, "dgemm_");
    gemm = found.function;
    if (!CHECK(gemm != NULL))
        return fault_end();
    CHECK(multiply() < 1e-12);
    job(2, 1);
    job(2, 2);
    CHECK(multiply() < 1e-12);
    job(1, 2);
    return fault_end();
}
