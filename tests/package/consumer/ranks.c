/* A served program; without mpirun it has one rank. */
#include <furrow/mpi.h>
#include <stdio.h>

static int square(furrow_task *task)
{
    *(double *)task->out = (double)task->index * (double)task->index;
    return 0;
}

int main(int argc, char **argv)
{
    double out[1000];
    const furrow_job job = { .run = square, .count = 1000, .out = out, .out_size = sizeof *out };
    size_t wrong = 0;

    if (furrow_mpi_init(&argc, &argv) != FURROW_OK || furrow_mpi_serve() != FURROW_OK ||
        furrow_map(&job, NULL, NULL) != FURROW_OK)
        return 1;
    for (size_t i = 0; i < 1000; i++)
        wrong += out[i] < (double)i * (double)i || out[i] > (double)i * (double)i;
    if (wrong == 0)
        puts("squares");
    return furrow_mpi_finalize() != FURROW_OK;
}
