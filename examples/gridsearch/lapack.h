/* The BLAS and LAPACK routines that are used, by their Fortran names: any
 * implementation with 32-bit integers links. Matrices are stored by columns.
 * The lengths at the end belong to the character arguments: gfortran passes
 * them, implementations in C ignore them. */
#ifndef GRIDSEARCH_LAPACK_H
#define GRIDSEARCH_LAPACK_H

#include <stddef.h>

/* C = alpha A'A + beta C (trans "T", A of k x n) in one triangle of C. */
void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *beta, double *c, const int *ldc,
            size_t uplo_length, size_t trans_length);

/* y = alpha A x + beta y (trans "N", A of m x n). */
void dgemv_(const char *trans, const int *m, const int *n, const double *alpha, const double *a,
            const int *lda, const double *x, const int *incx, const double *beta, double *y,
            const int *incy, size_t trans_length);

/* Cholesky factor of a symmetric matrix, in place in one triangle. *info: 0, or
 * the order of the first leading minor that is not positive. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

/* Solves A X = B with the factor of dpotrf_; X replaces B. */
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info, size_t uplo_length);

#endif
