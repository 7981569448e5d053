/* furrow/mpi.h - the same job across the ranks of an mpirun. Library furrow_mpi.
 *
 * Two ways in. Collective, for an MPI code: every rank of a communicator calls
 * furrow_map() with backend "mpi" in its config, on the thread that may call
 * MPI, and all return together with the same status and report. Inputs, a
 * `shared` with a size, costs, count, callbacks and config are rank 0's;
 * functions and a `shared` of size 0 are each rank's own. Of a reduction `result`
 * and `shared` are each rank's own, and must be the same on all. Served, for a code
 * that knows nothing of MPI: after furrow_mpi_serve() only rank 0 goes on in
 * main, and the other ranks run tasks of its jobs.
 *
 * Tasks make no MPI calls. A job on "mpi" inside a task is never one: it runs
 * within the rank. docs/mpi.md has the whole story.
 *
 * Threads: the functions here, and jobs on "mpi", belong to the thread that
 * called MPI_Init; with MPI_THREAD_MULTIPLE to any one at a time. */
#ifndef FURROW_MPI_H
#define FURROW_MPI_H

#include <mpi.h>

#include <furrow/furrow.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls MPI_Init_thread(MPI_THREAD_FUNNELED) unless the program called MPI_Init
 * already, and uses MPI_COMM_WORLD for jobs on "mpi". argc and argv are main's,
 * or NULL. Collective over MPI_COMM_WORLD. Started without mpirun there is one
 * rank. Called again it does nothing. */
FURROW_API furrow_status furrow_mpi_init(int *argc, char ***argv);

/* Later jobs on "mpi" of this process run on a duplicate of `comm`;
 * MPI_COMM_NULL: on none. Collective over `comm`, an intra-communicator.
 * FURROW_EINVAL before MPI_Init and after MPI_Finalize, while a job on "mpi" runs,
 * and after furrow_mpi_serve(). */
FURROW_API furrow_status furrow_mpi_use(MPI_Comm comm);

/* The same for a communicator of Fortran. */
FURROW_API furrow_status furrow_mpi_use_fortran(MPI_Fint comm);

/* Rank 0 of the communicator in use returns; the other ranks serve its jobs,
 * and leave the program with status 0 when it calls furrow_mpi_finalize().
 * Task functions must be in the program or in a shared library that all ranks
 * have loaded, the same build on each. Globals that main set on rank 0 do not
 * exist on serving ranks: make them in worker_begin. A job with a `shared` of
 * size 0 runs on rank 0 alone. From then on jobs that name no backend run on
 * "mpi" where they can. */
FURROW_API furrow_status furrow_mpi_serve(void);

/* The end of jobs on "mpi"; calls MPI_Finalize only where furrow_mpi_init()
 * called MPI_Init. Collective like furrow_mpi_init(). Called again it does
 * nothing. */
FURROW_API furrow_status furrow_mpi_finalize(void);

#ifdef __cplusplus
}
#endif

#endif
