/* A grid search on real data, run by every backend that is there: the errors
 * must agree with scikit-learn's and have the same bits each time. */
#include <furrow/furrow.h>

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "grid.h"
#include "options.h"
#include "ranks.h"
#include "reference.h"

enum { EXIT_USAGE = 2 };

/* Furrow's own backends; the first one is what the others are compared with. */
static const char *const backends[] = { "sequential", "openmp", "fork", "mpi" };

enum { BACKENDS = sizeof backends / sizeof backends[0] };

/* Allowed difference from scikit-learn, relative. With alpha = 10^-6 the systems'
 * condition is up to 10^9: so much of the 10^-16 of a double is left. */
static const double tolerance = 1e-6;

/* What a backend made of the search. */
struct run {
    furrow_report report;
    struct grid_scores scores[GRID_GAMMAS * DIGITS_FOLDS];
};

/* The program's work: read-only but for the runs. */
struct search {
    struct options options;
    struct digits digits;
    struct reference reference;
    struct run first, run; /* of the first backend, of the latest other one */
};

static int fail(int status, const char *message)
{
    fprintf(stderr, "gridsearch: %s\n", message);
    return status;
}

/* -- Backends ----------------------------------------------------------- */

static furrow_config config_for(const char *backend, const struct options *options)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = backend;
    config.jobs = options->jobs;
    config.strict = true;
    if (strcmp(backend, backends[0]) == 0)
        config.inner_threads = 1; /* one CPU: what speed-up is measured from */
    return config;
}

/* A name that furrow has, be the backend available or not. */
static bool is_known(const char *backend)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_report report;

    config.backend = backend; /* not strict: only an unknown name is refused */
    return furrow_plan(NULL, &config, &report) == FURROW_OK;
}

/* Whether the environment and --backend have a meaning here. */
static int check_request(const struct options *options)
{
    furrow_config config;
    furrow_report report;

    if (furrow_config_get(&config) != FURROW_OK)
        return fail(EXIT_USAGE, furrow_message());
    if (options->backend == NULL)
        return EXIT_SUCCESS;
    config = config_for(options->backend, options);
    if (furrow_plan(NULL, &config, &report) != FURROW_OK)
        return fail(EXIT_USAGE, report.message);
    return EXIT_SUCCESS;
}

static furrow_status run_search(struct search *search, const char *backend, struct run *out)
{
    furrow_config config = config_for(backend, &search->options);
    furrow_status rc = furrow_config_push(&config);

    if (rc != FURROW_OK) {
        out->report.status = rc;
        snprintf(out->report.message, sizeof out->report.message, "%s", furrow_message());
        return rc;
    }
    rc = grid_search(&search->digits, search->options.gammas, out->scores, &out->report);
    (void)furrow_config_pop();
    return rc;
}

static bool same_bits(const struct search *search)
{
    const struct grid_scores *a = search->first.scores, *b = search->run.scores;

    for (int s = 0; s < search->options.gammas * DIGITS_FOLDS; s++)
        if (memcmp(a[s].error, b[s].error, sizeof a[s].error) != 0)
            return false;
    return true;
}

/* -- The table ---------------------------------------------------------- */

static void print_titles(void)
{
    printf("%-10s  %7s  %13s  %7s  %8s  %9s\n", "backend", "workers", "inner threads", "seconds",
           "speed-up", "same bits");
    fflush(stdout);
}

/* What the outer tasks had: "1", or "2-3". */
static void write_threads(const struct grid_scores *scores, int count, char *out, size_t size)
{
    int least = INT_MAX, most = 0;

    for (int s = 0; s < count; s++) {
        least = scores[s].threads < least ? scores[s].threads : least;
        most = scores[s].threads > most ? scores[s].threads : most;
    }
    snprintf(out, size, least < most ? "%d-%d" : "%d", least, most);
}

static void print_row(const struct search *search, const struct run *run, const char *bits)
{
    double seconds = run->report.wall_seconds;
    char threads[32];

    write_threads(run->scores, search->options.gammas * DIGITS_FOLDS, threads, sizeof threads);
    printf("%-10s  %7d  %13s  %7.2f  %8.2f  %9s\n", run->report.backend, run->report.workers,
           threads, seconds, search->first.report.wall_seconds / seconds, bits);
    fflush(stdout);
}

/* One row. A backend that furrow does not have gives none. */
static int compare_backend(struct search *search, const char *backend)
{
    furrow_status rc = run_search(search, backend, &search->run);
    bool same;

    if (rc == FURROW_EBACKEND && search->options.backend == NULL) {
        if (is_known(backend))
            printf("%-10s  not available: %s\n", backend, search->run.report.message);
        return EXIT_SUCCESS;
    }
    if (rc != FURROW_OK)
        return fail(EXIT_FAILURE, search->run.report.message);
    same = same_bits(search);
    print_row(search, &search->run, same ? "yes" : "NO");
    return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* All rows; what fails leaves its row out. */
static int compare_backends(struct search *search)
{
    const char *named = search->options.backend;
    int status = EXIT_SUCCESS;

    print_titles();
    if (run_search(search, backends[0], &search->first) != FURROW_OK)
        return fail(EXIT_FAILURE, search->first.report.message);
    print_row(search, &search->first, "-");
    if (named != NULL)
        return strcmp(named, backends[0]) == 0 ? status : compare_backend(search, named);
    for (int b = 1; b < BACKENDS; b++)
        status |= compare_backend(search, backends[b]);
    return status;
}

/* -- The errors --------------------------------------------------------- */

static struct cell cell_at(const struct search *search, int alpha, int gamma)
{
    const struct grid_scores *scores = &search->first.scores[gamma * DIGITS_FOLDS];
    struct cell cell;
    double sum = 0.0;

    for (int fold = 0; fold < DIGITS_FOLDS; fold++) {
        cell.error[fold] = scores[fold].error[alpha];
        sum += cell.error[fold];
    }
    cell.error[DIGITS_FOLDS] = sum / DIGITS_FOLDS;
    return cell;
}

static void print_best(const struct search *search)
{
    double best = INFINITY;
    int alpha = 0, gamma = 0;

    for (int a = 0; a < GRID_ALPHAS; a++)
        for (int g = 0; g < search->options.gammas; g++) {
            double mean = cell_at(search, a, g).error[DIGITS_FOLDS];

            if (mean < best) {
                best = mean;
                alpha = a;
                gamma = g;
            }
        }
    printf("\nBest: alpha = %g, gamma = %g, mean squared error %.6f\n", grid_alpha(alpha),
           grid_gamma(gamma), best);
}

static int print_agreement(const struct search *search)
{
    const int cells = GRID_ALPHAS * search->options.gammas;
    double most = 0.0;
    int agree = 0;

    for (int a = 0; a < GRID_ALPHAS; a++)
        for (int g = 0; g < search->options.gammas; g++) {
            struct cell cell = cell_at(search, a, g);
            double difference = cell_difference(&cell, &search->reference.cell[a][g]);

            agree += difference <= tolerance;
            most = difference <= most ? most : difference;
        }
    printf(
        "%d of %d cells agree with scikit-learn: largest relative difference %.1e, allowed %.0e\n",
        agree, cells, most, tolerance);
    return agree == cells ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* -- All of it ---------------------------------------------------------- */

static int read_data(struct search *search)
{
    const char *folder = search->options.data;
    char digits[PATH_MAX], reference[PATH_MAX];

    if (snprintf(digits, sizeof digits, "%s/digits.csv", folder) >= PATH_MAX ||
        snprintf(reference, sizeof reference, "%s/digits_gridsearch_reference.csv", folder) >=
            PATH_MAX)
        return fail(EXIT_FAILURE, "the path of the data folder is too long");
    if (reference_read(reference, &search->reference) != 0)
        return EXIT_FAILURE;
    return digits_init(digits, &search->digits) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int do_search(struct search *search)
{
    int status;

    printf("Kernel ridge regression on %d handwritten digits, %d-fold cross-validation:\n"
           "outside %d gammas x %d folds, inside %d alphas\n\n",
           DIGITS_IMAGES, DIGITS_FOLDS, search->options.gammas, DIGITS_FOLDS, GRID_ALPHAS);
    status = compare_backends(search);
    if (search->first.report.status == FURROW_OK) {
        print_best(search);
        status |= print_agreement(search);
    }
    return status;
}

/* Another rank has a part in the one job that all ranks start. */
static int take_part(struct search *search)
{
    const char *named = search->options.backend;

    if (named == NULL || strcmp(named, "mpi") == 0)
        (void)run_search(search, "mpi", &search->run); /* rank 0 tells what went wrong */
    return EXIT_SUCCESS;
}

static int search_with(struct search *search, int argc, char **argv)
{
    enum options_next next = options_read(argc, argv, &search->options);
    int status;

    if (next != OPTIONS_RUN)
        return next == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_USAGE;
    if (ranks_first() && (status = check_request(&search->options)) != EXIT_SUCCESS)
        return status;
    if ((status = read_data(search)) != EXIT_SUCCESS)
        return status;
    status = ranks_first() ? do_search(search) : take_part(search);
    digits_fini(&search->digits);
    return status;
}

int main(int argc, char **argv)
{
    struct search search = { 0 };
    int status;

    if (ranks_begin(&argc, &argv) != 0)
        return EXIT_FAILURE;
    status = search_with(&search, argc, argv);
    ranks_end();
    return status;
}
