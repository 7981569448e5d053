/* bench/ranks/ranks.h - ways to run a loop on the ranks of one mpirun, written
 * by hand with MPI. Rank 0 measures; the other ranks follow it loop by loop.
 *
 * A run is collective over MPI_COMM_WORLD and begins hot: before the clock
 * starts, every rank has been told what the loop is and has left a barrier
 * (follow.h). Another one is the first thing under the clock. A run ends when rank 0
 * knows that all tasks have run. */
#ifndef BENCH_RANKS_H
#define BENCH_RANKS_H

#include <mpi.h>
#include <stddef.h>

#include "work.h"

/* MPI_COMM_WORLD; set before anything else here is called. */
extern int ranks_rank, ranks_size;

struct scheme {
    const char *name;
    /* Collective, once: before the first run and after the last. Or NULL. */
    void (*begin)(void);
    void (*end)(void);
    /* Runs the loop. Collective. Returns how many tasks have run: on rank 0 of
     * all ranks. */
    size_t (*run)(const struct bench_loop *loop);
};

extern const struct scheme ranks_static; /* an equal share each, one MPI_Reduce */
extern const struct scheme
    ranks_manager; /* rank 0 sends 64 tasks a message, 2 ahead, and runs none */
extern const struct scheme ranks_manager_1; /* rank 0 sends one task a message, and runs none */
extern const struct scheme
    ranks_counter; /* MPI_Fetch_and_op on a counter in a shared window, 64 tasks each */
extern const struct scheme
    ranks_circle; /* libcircle's: a queue each, requests to random ranks, a token */
extern const struct scheme ranks_furrow; /* furrow_map() on all ranks */

/* Calls tasks begin ... end - 1. */
static inline void ranks_call(const struct bench_loop *loop, size_t begin, size_t end)
{
    bench_task *const call = loop->call;

    for (size_t i = begin; i < end; i++)
        call(i, loop);
}

/* Sum over the ranks, on rank 0. Collective. */
size_t ranks_sum(size_t ran);

/* Says so and ends all ranks. */
_Noreturn void ranks_fail(const char *why);

#endif
