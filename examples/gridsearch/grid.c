#include "grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lapack.h"
#include "memory.h"

double grid_alpha(int index)
{
    static const double alpha[GRID_ALPHAS] = { 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0 };

    return alpha[index];
}

double grid_gamma(int index)
{
    return ldexp(1.0, index - 8);
}

/* What the inner tasks share: the kernel of one (gamma, fold). */
struct system {
    int train, test;     /* images to learn from, and held out */
    double *kernel;      /* owned: train x train, lower triangle */
    double *cross;       /* owned: test x train, kernel between the two */
    double *label;       /* owned: what is learned */
    const double *truth; /* borrowed: labels of the images held out */
};

/* What an inner worker has for itself. */
struct scratch {
    double *factor;     /* owned: train x train, lower triangle */
    double *weight;     /* owned: the solution c */
    double *prediction; /* owned: for the images held out */
};

/* -- Inner job: one alpha ----------------------------------------------- */

static int scratch_end(int worker, const void *shared, void **state)
{
    struct scratch *scratch = *state;

    (void)worker, (void)shared;
    free(scratch->factor);
    free(scratch->weight);
    free(scratch->prediction);
    free(scratch);
    return 0;
}

static int scratch_begin(int worker, const void *shared, void **state)
{
    const struct system *system = shared;
    struct scratch *scratch = malloc(sizeof *scratch);

    if (scratch == NULL)
        return FURROW_ENOMEM;
    *scratch = (struct scratch){ .factor = matrix_create(system->train, system->train),
                                 .weight = matrix_create(system->train, 1),
                                 .prediction = matrix_create(system->test, 1) };
    *state = scratch;
    if (scratch->factor != NULL && scratch->weight != NULL && scratch->prediction != NULL)
        return 0;
    scratch_end(worker, shared, state);
    return FURROW_ENOMEM;
}

/* K + alpha I, lower triangle. */
static void shift_kernel(const struct system *system, double alpha, double *out)
{
    const size_t n = (size_t)system->train;

    for (size_t j = 0; j < n; j++) {
        memcpy(out + j + j * n, system->kernel + j + j * n, (n - j) * sizeof *out);
        out[j + j * n] += alpha;
    }
}

static double mean_squared_error(const double *prediction, const double *truth, int count)
{
    double sum = 0.0;

    for (int i = 0; i < count; i++)
        sum += (prediction[i] - truth[i]) * (prediction[i] - truth[i]);
    return sum / count;
}

static int score_alpha(furrow_task *task)
{
    const struct system *system = task->shared;
    struct scratch *scratch = task->state;
    const double alpha = grid_alpha((int)task->index), one = 1.0, zero = 0.0;
    const int n = system->train, m = system->test, step = 1;
    int info;

    shift_kernel(system, alpha, scratch->factor);
    memcpy(scratch->weight, system->label, (size_t)n * sizeof *system->label);
    dpotrf_("L", &n, scratch->factor, &n, &info, 1);
    if (info != 0)
        return furrow_task_fail(task, 1, "K + %g I is not positive definite in column %d of %d",
                                alpha, info, n);
    dpotrs_("L", &n, &step, scratch->factor, &n, scratch->weight, &n, &info, 1);
    dgemv_("N", &m, &n, &one, system->cross, &m, scratch->weight, &step, &zero, scratch->prediction,
           &step, 1);
    *(double *)task->out = mean_squared_error(scratch->prediction, system->truth, m);
    return 0;
}

static furrow_status search_alphas(const struct system *system, double *error)
{
    furrow_job job = { .name = "alpha",
                       .run = score_alpha,
                       .count = GRID_ALPHAS,
                       .out = error,
                       .out_size = sizeof *error,
                       .shared = system,
                       .worker_begin = scratch_begin,
                       .worker_end = scratch_end };
    furrow_config config;
    furrow_status rc = furrow_config_get(&config);

    if (rc != FURROW_OK)
        return rc;
    /* BLAS sums in another order on another number of threads: one, so that
     * the bits depend on neither the backend nor the machine. */
    config.inner_threads = 1;
    return furrow_map(&job, &config, NULL);
}

/* -- Outer job: one gamma, one fold ------------------------------------- */

static int system_end(int worker, const void *shared, void **state)
{
    struct system *system = *state;

    (void)worker, (void)shared;
    free(system->kernel);
    free(system->cross);
    free(system->label);
    free(system);
    return 0;
}

/* Memory for the largest system, once per worker. */
static int system_begin(int worker, const void *shared, void **state)
{
    const int most_test = digits_fold(0).count;
    const int most_train = DIGITS_IMAGES - digits_fold(DIGITS_FOLDS - 1).count;
    struct system *system = malloc(sizeof *system);

    if (system == NULL)
        return FURROW_ENOMEM;
    *system = (struct system){ .kernel = matrix_create(most_train, most_train),
                               .cross = matrix_create(most_test, most_train),
                               .label = matrix_create(most_train, 1) };
    *state = system;
    if (system->kernel != NULL && system->cross != NULL && system->label != NULL)
        return 0;
    system_end(worker, shared, state);
    return FURROW_ENOMEM;
}

/* exp(-gamma d) for the distances of images first ... last - 1. Returns the end
 * of what it wrote. */
static double *write_kernel(double gamma, const double *distance, int first, int last, double *out)
{
    for (int i = first; i < last; i++)
        *out++ = exp(-gamma * distance[i]);
    return out;
}

/* Column `column` of the system belongs to image `image`. */
static void fill_column(struct system *system, const double *distance, double gamma,
                        struct digits_fold fold, int column, int image)
{
    const int held_end = fold.first + fold.count;
    double *diagonal = system->kernel + (size_t)column * (size_t)(system->train + 1);
    double *cross = system->cross + (size_t)column * (size_t)system->test;
    double *after = write_kernel(gamma, distance, image, fold.first, diagonal);

    write_kernel(gamma, distance, image > held_end ? image : held_end, DIGITS_IMAGES, after);
    write_kernel(gamma, distance, fold.first, held_end, cross);
}

static void system_fill(struct system *system, const struct digits *digits, double gamma,
                        struct digits_fold fold)
{
    system->test = fold.count;
    system->train = DIGITS_IMAGES - fold.count;
    system->truth = digits->label + fold.first;
    for (int column = 0; column < system->train; column++) {
        int image = column < fold.first ? column : column + fold.count;

        system->label[column] = digits->label[image];
        fill_column(system, digits->distance + (size_t)image * DIGITS_IMAGES, gamma, fold, column,
                    image);
    }
}

static int score_fold(furrow_task *task)
{
    const struct digits *digits = task->shared;
    struct system *system = task->state;
    struct grid_scores *scores = task->out;
    const int gamma = (int)task->index / DIGITS_FOLDS, fold = (int)task->index % DIGITS_FOLDS;

    system_fill(system, digits, grid_gamma(gamma), digits_fold(fold));
    scores->threads = task->cpus;
    return (int)search_alphas(system, scores->error);
}

furrow_status grid_search(const struct digits *digits, int gammas, struct grid_scores *scores,
                          furrow_report *report)
{
    furrow_job job = { .name = "gamma and fold",
                       .run = score_fold,
                       .count = (size_t)gammas * DIGITS_FOLDS,
                       .out = scores,
                       .out_size = sizeof *scores,
                       .shared = digits,
                       .worker_begin = system_begin,
                       .worker_end = system_end };

    return furrow_map(&job, NULL, report);
}
