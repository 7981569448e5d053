/* Whether other ranks of an mpirun take part: gridsearch_mpi has some, gridsearch
 * none. */
#ifndef GRIDSEARCH_RANKS_H
#define GRIDSEARCH_RANKS_H

#include <stdbool.h>

/* 0, or nonzero with a message on standard error. */
int ranks_begin(int *argc, char ***argv);
/* The one rank that reads options, prints and runs what the others have no part
 * in. */
bool ranks_first(void);
void ranks_end(void);

#endif
