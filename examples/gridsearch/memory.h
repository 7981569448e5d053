/* Arrays of doubles on 64-byte boundaries: BLAS kernels may sum in another
 * order where an array lies differently, and the bits shall not depend on it. */
#ifndef GRIDSEARCH_MEMORY_H
#define GRIDSEARCH_MEMORY_H

#include <stdint.h>
#include <stdlib.h>

/* rows x columns doubles, content unspecified; NULL: no memory. The caller
 * frees them. */
static inline double *matrix_create(int rows, int columns)
{
    size_t bytes = (size_t)rows * (size_t)columns * sizeof(double);

    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

#endif
