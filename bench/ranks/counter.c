/* A counter in a shared window: each rank takes the next 64 indices by
 * MPI_Fetch_and_op, and one reduction ends it. */
#include "ranks.h"

#include <stdint.h>

static MPI_Win window;
static int64_t *counter; /* in rank 0's part of the window */

static void set_counter(int64_t value)
{
    const MPI_Aint first = 0;
    int64_t before;

    MPI_Fetch_and_op(&value, &before, MPI_INT64_T, 0, first, MPI_REPLACE, window);
    MPI_Win_flush(0, window);
}

static void begin_counter(void)
{
    MPI_Win_allocate_shared(ranks_rank == 0 ? (MPI_Aint)sizeof *counter : 0, sizeof *counter,
                            MPI_INFO_NULL, MPI_COMM_WORLD, &counter, &window);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, window);
    if (ranks_rank == 0)
        set_counter(0);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void end_counter(void)
{
    MPI_Win_unlock_all(window);
    MPI_Win_free(&window);
}

static size_t run_counter(const struct bench_loop *loop)
{
    const int64_t chunk = 64;
    size_t ran = 0;

    for (;;) {
        int64_t begin;
        size_t first, end;

        MPI_Fetch_and_op(&chunk, &begin, MPI_INT64_T, 0, 0, MPI_SUM, window);
        MPI_Win_flush(0, window);
        first = (size_t)begin;
        if (first >= loop->count)
            break;
        end = loop->count - first > (size_t)chunk ? first + (size_t)chunk : loop->count;
        ranks_call(loop, first, end);
        ran += end - first;
    }
    ran = ranks_sum(ran);
    if (ranks_rank == 0) /* nobody counts before the next barrier */
        set_counter(0);
    return ran;
}

const struct scheme ranks_counter = {
    .name = "counter", .begin = begin_counter, .end = end_counter, .run = run_counter
};
