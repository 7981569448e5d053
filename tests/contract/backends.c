/* The backends that keep the contract: one line each. */
#include <stdio.h>
#include <stdlib.h>

#include "contract.h"

const struct row rows[] = {
    { "sequential", "sequential", 1, IN_CALLER },
    { "openmp", "openmp", 2, THREADS },
    { "openmp3", "openmp", 3, THREADS }, /* more workers than most of our machines have CPUs */
    { "posix", "posix", 2, THREADS },
#if !CONTRACT_THREAD_SANITIZER
    { "forked", "forked", 2, PROCESSES },
    { "fork", "fork", 2, PROCESSES },
#endif
};
const int nrows = sizeof rows / sizeof *rows;

static const furrow_backend *const own[] = {
    &posix_backend,
#if !CONTRACT_THREAD_SANITIZER
    &forked_backend,
#endif
};

void rows_register(void)
{
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (furrow_backend_register(own[i]) != FURROW_OK) {
            fprintf(stderr, "%s: %s\n", own[i]->name, furrow_message());
            exit(2);
        }
    }
}
