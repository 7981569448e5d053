/* The grid search of examples/gridsearch on the ranks of an MPI job, collectively:
 * each rank reads the digits, all run the one job, rank 0 compares with
 * scikit-learn's errors.
 *
 *   search DIGITS REFERENCE */
#include <furrow/mpi.h>

#include <stdio.h>
#include <string.h>

#include "grid.h"
#include "reference.h"

static int compare(const struct grid_scores *scores, const struct reference *reference)
{
    const double tolerance = 1e-6; /* relative: that of the example */
    int agree = 0;

    for (int gamma = 0; gamma < GRID_GAMMAS; gamma++)
        for (int alpha = 0; alpha < GRID_ALPHAS; alpha++) {
            struct cell cell = { .error = { 0 } };
            double sum = 0;

            for (int fold = 0; fold < DIGITS_FOLDS; fold++) {
                cell.error[fold] = scores[gamma * DIGITS_FOLDS + fold].error[alpha];
                sum += cell.error[fold];
            }
            cell.error[DIGITS_FOLDS] = sum / DIGITS_FOLDS;
            agree += cell_difference(&cell, &reference->cell[alpha][gamma]) <= tolerance;
        }
    return agree;
}

static int search(const char *data, const char *expected)
{
    static struct grid_scores scores[GRID_GAMMAS * DIGITS_FOLDS];
    static struct reference reference;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_report report;
    struct digits digits;
    int rank, agree;

    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (digits_init(data, &digits) != 0 || reference_read(expected, &reference) != 0)
        return 1;
    config.backend = "mpi";
    if (furrow_config_push(&config) != FURROW_OK || grid_search(&digits, GRID_GAMMAS, scores, &report) != FURROW_OK) {
        fprintf(stderr, "rank %d: %s\n", rank, furrow_message());
        return 1;
    }
    (void)furrow_config_pop();
    digits_fini(&digits);
    if (rank > 0)
        return 0;
    agree = compare(scores, &reference);
    printf("%s, %d workers: %d of %d cells agree\n", report.backend, report.workers, agree, GRID_ALPHAS * GRID_GAMMAS);
    return agree == GRID_ALPHAS * GRID_GAMMAS ? 0 : 1;
}

int main(int argc, char **argv)
{
    int status;

    if (argc != 3)
        return 2;
    if (furrow_mpi_init(&argc, &argv) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        return 1;
    }
    status = search(argv[1], argv[2]);
    return furrow_mpi_finalize() == FURROW_OK ? status : 1;
}
