#include "follow.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"

int ranks_rank, ranks_size;

/* A loop without its addresses. */
struct card {
    size_t count;
    size_t numbers; /* that follow: `turns` */
    enum bench_kind kind;
    uint32_t turns_all;
    bool over; /* no loop: the end */
};

/* Of one rank; a cache line each. */
struct line {
    _Alignas(64) _Atomic uint64_t napped_ns;
};

static struct bench_loop current;
static uint32_t *numbers; /* owned: current.turns */
static MPI_Win window;
static struct line *board; /* ranks_size lines, in rank 0's part of the window */

/* -- The board ----------------------------------------------------------- */

void follow_begin(void)
{
    MPI_Aint bytes = ranks_rank == 0 ? (MPI_Aint)((size_t)ranks_size * sizeof *board) : 0;
    int unit;

    MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &board, &window);
    MPI_Win_shared_query(window, 0, &bytes, &unit, &board);
    if (ranks_rank == 0)
        follow_forget();
    MPI_Barrier(MPI_COMM_WORLD);
}

void follow_end(void)
{
    MPI_Win_free(&window);
    free(numbers);
    numbers = NULL;
}

void follow_forget(void)
{
    for (int r = 0; r < ranks_size; r++)
        atomic_store(&board[r].napped_ns, 0);
}

void follow_nap(size_t index, const struct bench_loop *loop)
{
    const double start = bench_now();

    bench_tasks[BENCH_NAPS](index, loop);
    (void)atomic_fetch_add(&board[ranks_rank].napped_ns, (uint64_t)(bench_now() - start));
}

double follow_idle_ms(double wall_ns)
{
    double most = 0;

    for (int r = 1; r < ranks_size; r++) {
        const double idle = wall_ns - (double)atomic_load(&board[r].napped_ns);

        most = idle > most ? idle : most;
    }
    return most / 1e6;
}

/* -- The next loop ------------------------------------------------------- */

/* Waits asleep: ranks with nothing to do leave the CPUs to what rank 0 measures
 * between two runs. */
static void wait_asleep(MPI_Request *request)
{
    const struct timespec pause = { .tv_nsec = 50000 };
    int done = 0;

    for (;;) {
        MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (done)
            return;
        (void)nanosleep(&pause, NULL);
    }
}

/* Takes part in the broadcast of a card, and of its numbers. Collective. */
static void pass(struct card *card, const uint32_t *turns)
{
    MPI_Request request;

    MPI_Ibcast(card, (int)sizeof *card, MPI_BYTE, 0, MPI_COMM_WORLD, &request);
    wait_asleep(&request);
    if (card->over)
        return;
    numbers = realloc(numbers, (card->numbers + 1) * sizeof *numbers);
    if (numbers == NULL)
        ranks_fail("no memory for a loop");
    if (turns != NULL)
        memcpy(numbers, turns, card->numbers * sizeof *numbers);
    MPI_Bcast(numbers, (int)card->numbers, MPI_UINT32_T, 0, MPI_COMM_WORLD);
    current = (struct bench_loop){ .count = card->count,
                                   .kind = card->kind,
                                   .call = card->kind == BENCH_NAPS ? follow_nap
                                                                    : bench_tasks[card->kind],
                                   .turns = card->numbers > 0 ? numbers : NULL,
                                   .turns_all = card->turns_all };
    MPI_Barrier(MPI_COMM_WORLD);
}

void follow_announce(const struct bench_loop *loop)
{
    struct card card = { .over = loop == NULL };

    if (loop != NULL && (loop->out != NULL || loop->stamp != NULL))
        ranks_fail("loops whose tasks write to memory are not run across ranks here");
    if (loop != NULL)
        card = (struct card){ .count = loop->count,
                              .numbers = loop->turns != NULL ? loop->count : 0,
                              .kind = loop->kind,
                              .turns_all = loop->turns_all };
    pass(&card, loop != NULL ? loop->turns : NULL);
}

bool follow_await(void)
{
    struct card card;

    pass(&card, NULL);
    return !card.over;
}

const struct bench_loop *follow_loop(void)
{
    return &current;
}
