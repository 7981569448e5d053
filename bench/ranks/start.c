/* bench_ranks_start: what MPI_Init and MPI_Finalize cost, and furrow beside them.
 *
 *   bench_ranks_start static|furrow start [--budget MS] [--small]
 *
 * One sample a process, by rank 0's clock: mpirun's own time is not in it.
 * Figures, in ms:
 *
 *   start         all of it: MPI_Init, for furrow a job of one empty task per rank,
 *                 MPI_Finalize
 *   start_added   that without the time inside MPI_Init and MPI_Finalize
 *   start_final   inside MPI_Finalize
 *
 * "static" stands for a program written by hand: it uses no furrow. Both are this one, linked to the same libraries. MPI's calls are seen
 * through its profiling interface. */
#include <furrow/mpi.h>

#include <stdio.h>
#include <string.h>

#include "harness.h"

static double inside_init, inside_finalize; /* ns */

int MPI_Init_thread(int *argc, char ***argv, int wanted, int *given)
{
    const double start = bench_now();
    const int code = PMPI_Init_thread(argc, argv, wanted, given);

    PMPI_Barrier(MPI_COMM_WORLD); /* ranks leave MPI_Init one after the other */
    inside_init += bench_now() - start;
    return code;
}

int MPI_Finalize(void)
{
    const double start = bench_now();
    const int code = PMPI_Finalize();

    inside_finalize += bench_now() - start;
    return code;
}

/* -- The two programs ------------------------------------------------------ */

static bool run_bare(int *argc, char ***argv, int *rank)
{
    int given, size;

    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &given);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return MPI_Finalize() == MPI_SUCCESS;
}

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

static bool run_furrow(int *argc, char ***argv, int *rank)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = nothing };
    int size;

    config.backend = "mpi";
    if (furrow_mpi_init(argc, argv) != FURROW_OK)
        return false;
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    job.count = (size_t)size;
    return furrow_map(&job, &config, NULL) == FURROW_OK && furrow_mpi_finalize() == FURROW_OK;
}

static void print_ms(const char *figure, double ns)
{
    bench_print(figure, ns / 1e6, ns / 1e6, "ms");
}

int main(int argc, char **argv)
{
    const bool furrow = argc > 2 && strcmp(argv[1], "furrow") == 0;
    const double start = bench_now();
    double whole;
    int rank = 0;

    if (argc < 3 || strcmp(argv[2], "start") != 0 || !(furrow || strcmp(argv[1], "static") == 0)) {
        fprintf(stderr, "usage: %s static|furrow start\n", argv[0]);
        return 2;
    }
    if (furrow ? !run_furrow(&argc, &argv, &rank) : !run_bare(&argc, &argv, &rank)) {
        fprintf(stderr, "%s\n", furrow_message());
        return 1;
    }
    whole = bench_now() - start;
    if (rank == 0) {
        print_ms("start", whole);
        print_ms("start_added", whole - inside_init - inside_finalize);
        print_ms("start_final", inside_finalize);
    }
    return 0;
}
