#include "ranks.h"

#ifdef GRIDSEARCH_MPI

#include <furrow/mpi.h>
#include <stdio.h>

static int rank;

int ranks_begin(int *argc, char ***argv)
{
    if (furrow_mpi_init(argc, argv) != FURROW_OK)
        return fprintf(stderr, "gridsearch: %s\n", furrow_message());
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return 0;
}

bool ranks_first(void)
{
    return rank == 0;
}

void ranks_end(void)
{
    if (furrow_mpi_finalize() != FURROW_OK)
        fprintf(stderr, "gridsearch: %s\n", furrow_message());
}

#else

int ranks_begin(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return 0;
}

bool ranks_first(void)
{
    return true;
}

void ranks_end(void)
{
}

#endif
