/* An MPI code: all ranks start the job together, and each gets all energies.
 *
 *     mpirun -n 4 collective */
#include <furrow/mpi.h>
#include <math.h>
#include <stdio.h>

enum { STEPS = 2000, GRID = 4000 };

/* The energy of a particle in a well of this width, by quadrature. */
static int energy(furrow_task *task)
{
    const double width = *(const double *)task->in, *depth = task->shared;
    double sum = 0.0;

    for (int i = 0; i < GRID; i++) {
        double x = width * ((double)i + 0.5) / GRID;
        sum += exp(-x * x) * (1.0 - *depth * cos(x));
    }
    *(double *)task->out = sum * width / GRID;
    return 0;
}

int main(int argc, char **argv)
{
    static double width[STEPS], out[STEPS];
    furrow_config config = FURROW_CONFIG_DEFAULT;
    int rank, best = 0;
    double depth = 1.5; /* rank 0's counts, as do its inputs */
    const furrow_job job = { .name = "wells", .run = energy, .count = STEPS, .everywhere = true,
                             .in = width, .in_size = sizeof *width, .out = out, .out_size = sizeof *out,
                             .shared = &depth, .shared_size = sizeof depth };

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < STEPS; i++)
        width[i] = 0.1 + 0.002 * i;
    config.backend = "mpi";
    if (furrow_mpi_use(MPI_COMM_WORLD) != FURROW_OK || furrow_map(&job, &config, NULL) != FURROW_OK)
        MPI_Abort(MPI_COMM_WORLD, fprintf(stderr, "rank %d: %s\n", rank, furrow_message()) > 0);
    for (int i = 1; i < STEPS; i++)
        best = out[i] < out[best] ? i : best;
    if (rank == 0)
        printf("lowest energy %.6f at width %.3f\n", out[best], width[best]);
    (void)furrow_mpi_finalize();
    return MPI_Finalize();
}
