/* The search: errors of kernel ridge regression for a grid of penalties alpha
 * and kernel widths gamma, each cross-validated.
 *
 *   k(x, z) = exp(-gamma ||x - z||^2)     c = (K + alpha I)^-1 y
 *
 * Two jobs, one inside the other. The outer job has a task for each (gamma,
 * fold), which makes the kernel matrix; the inner one has a task for each
 * alpha, which factorises it. Where the CPUs go is left to furrow: with many
 * CPUs an outer task has several, and its inner job uses them. */
#ifndef GRIDSEARCH_GRID_H
#define GRIDSEARCH_GRID_H

#include <furrow/furrow.h>

#include "digits.h"

enum { GRID_ALPHAS = 7, GRID_GAMMAS = 10 };

double grid_alpha(int index); /* 10^-6 ... 10^0 */
double grid_gamma(int index); /* 2^-8 ... 2^1 */

/* What one (gamma, fold) gives. */
struct grid_scores {
    double error[GRID_ALPHAS]; /* mean squared errors on the fold */
    int threads;               /* that the task could use */
};

/* Runs the search for the first `gammas` values of gamma, with the calling
 * thread's config.
 *
 *   scores  out: gammas x DIGITS_FOLDS, folds next to each other
 *   report  out: of the outer job */
furrow_status grid_search(const struct digits *digits, int gammas, struct grid_scores *scores,
                          furrow_report *report);

#endif
