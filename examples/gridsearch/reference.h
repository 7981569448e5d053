/* The same search as scikit-learn did it. */
#ifndef GRIDSEARCH_REFERENCE_H
#define GRIDSEARCH_REFERENCE_H

#include "grid.h"

/* The errors of one cell of the grid: on each fold, then their mean. */
struct cell {
    double error[DIGITS_FOLDS + 1];
};

struct reference {
    struct cell cell[GRID_ALPHAS][GRID_GAMMAS];
};

/* Reads alpha, gamma, the errors of five folds and their mean, separated by
 * commas, below a line of titles. Returns 0; or -1 after a sentence on standard
 * error. */
int reference_read(const char *path, struct reference *out);

/* The largest difference between two cells, relative to `expected`. */
double cell_difference(const struct cell *cell, const struct cell *expected);

#endif
