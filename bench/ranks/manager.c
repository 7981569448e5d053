/* A manager: rank 0 sends tasks, the others run them and say so. Rank 0 runs
 * none, but where it is alone. */
#include "ranks.h"

enum { TAG_TASKS = 1, TAG_DONE = 2 };

/* Tasks begin ... end - 1; begin == end: there are no more. */
struct span {
    size_t begin, end;
};

static void send_span(struct span span, int to)
{
    MPI_Send(&span, (int)sizeof span, MPI_BYTE, to, TAG_TASKS, MPI_COMM_WORLD);
}

/* The next tasks, at most `chunk`, to a worker. */
static void send_next(size_t *next, size_t count, size_t chunk, int to)
{
    const size_t most = count - *next, many = chunk < most ? chunk : most;

    send_span((struct span){ *next, *next + many }, to);
    *next += many;
}

/* Rank 0: every worker has `ahead` messages, as long as there are tasks. */
static size_t manage(size_t count, size_t chunk, int ahead)
{
    size_t next = 0, ran = 0;

    for (int a = 0; a < ahead; a++) {
        for (int r = 1; r < ranks_size && next < count; r++)
            send_next(&next, count, chunk, r);
    }
    while (ran < count) {
        MPI_Status status;
        size_t done;

        MPI_Recv(&done, (int)sizeof done, MPI_BYTE, MPI_ANY_SOURCE, TAG_DONE, MPI_COMM_WORLD,
                 &status);
        ran += done;
        if (next < count)
            send_next(&next, count, chunk, status.MPI_SOURCE);
    }
    for (int r = 1; r < ranks_size; r++)
        send_span((struct span){ 0, 0 }, r);
    return ran;
}

static void work(const struct bench_loop *loop)
{
    for (;;) {
        struct span span;
        size_t done;

        MPI_Recv(&span, (int)sizeof span, MPI_BYTE, 0, TAG_TASKS, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        if (span.begin == span.end)
            return;
        ranks_call(loop, span.begin, span.end);
        done = span.end - span.begin;
        MPI_Send(&done, (int)sizeof done, MPI_BYTE, 0, TAG_DONE, MPI_COMM_WORLD);
    }
}

static size_t run_managed(const struct bench_loop *loop, size_t chunk, int ahead)
{
    if (ranks_size == 1) {
        ranks_call(loop, 0, loop->count);
        return loop->count;
    }
    if (ranks_rank == 0)
        return manage(loop->count, chunk, ahead);
    work(loop);
    return 0;
}

static size_t run_manager(const struct bench_loop *loop)
{
    return run_managed(loop, 64, 2);
}

static size_t run_manager_1(const struct bench_loop *loop)
{
    return run_managed(loop, 1, 1);
}

const struct scheme ranks_manager = { .name = "manager", .run = run_manager };
const struct scheme ranks_manager_1 = { .name = "manager,1", .run = run_manager_1 };
