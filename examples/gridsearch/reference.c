#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CELLS = GRID_ALPHAS * GRID_GAMMAS };

/* Rows come in the order of alpha, then gamma. */
static bool parse_row(const char *line, int row, struct reference *out)
{
    int a = row / GRID_GAMMAS, g = row % GRID_GAMMAS;
    double *e = out->cell[a][g].error, alpha, gamma;

    return sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &alpha, &gamma, &e[0], &e[1], &e[2],
                  &e[3], &e[4], &e[5]) == 8 &&
           alpha == grid_alpha(a) && gamma == grid_gamma(g);
}

static int read_rows(FILE *file, const char *path, struct reference *out)
{
    char line[1024];
    int row = -1; /* the titles */

    for (; fgets(line, sizeof line, file) != NULL; row++)
        if (row >= 0 && (row >= CELLS || !parse_row(line, row, out))) {
            fprintf(stderr, "gridsearch: %s, line %d: not the row of the grid expected there\n",
                    path, row + 2);
            return -1;
        }
    if (row == CELLS)
        return 0;
    fprintf(stderr, "gridsearch: %s has no %d cells\n", path, CELLS);
    return -1;
}

int reference_read(const char *path, struct reference *out)
{
    FILE *file = fopen(path, "r");
    int rc;

    if (file == NULL) {
        fprintf(stderr, "gridsearch: cannot open %s: %s; --data DIR says where it is\n", path,
                strerror(errno));
        return -1;
    }
    rc = read_rows(file, path, out);
    fclose(file);
    return rc;
}

double cell_difference(const struct cell *cell, const struct cell *expected)
{
    double most = 0.0;

    for (int i = 0; i <= DIGITS_FOLDS; i++) {
        double difference = fabs(cell->error[i] - expected->error[i]) / expected->error[i];

        if (!(difference <= most)) /* not-a-number is the largest */
            most = difference;
    }
    return most;
}
