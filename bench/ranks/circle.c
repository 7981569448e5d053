/* libcircle's scheme, written anew from its description (J. LaFon, S. Misra,
 * J. Bringhurst, "On distributed file tree walk of parallel file systems",
 * SC 2012): a queue on each rank, all work in rank 0's at first; who has none asks
 * a random rank, which gives half of its queue away; between two items each rank
 * looks for such requests; a token ends it (E. W. Dijkstra, W. H. J. Feijen,
 * A. J. M. van Gasteren, "Derivation of a termination detection algorithm for
 * distributed computations", Inf. Proc. Letters 16, 1983).
 *
 * Items are indices here; libcircle's are strings, which cost more. */
#include "ranks.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { TAG_REQUEST = 11, TAG_WORK, TAG_TOKEN, TAG_OVER };
enum colour { WHITE, BLACK };

/* This rank. */
struct circle {
    uint64_t *queue; /* owned; the newest last */
    size_t length;
    uint64_t random;
    enum colour colour; /* black: gave work to a rank that the token has passed */
    bool has_token;
    enum colour token;
    bool launched; /* rank 0: a token was sent */
    int asked;     /* the rank whose answer is awaited; -1: none */
    bool over;
    size_t ran;
};

static bool has_message(int from, int tag, MPI_Status *status)
{
    int there;

    MPI_Iprobe(from, tag, MPI_COMM_WORLD, &there, status);
    return there;
}

/* -- Work ---------------------------------------------------------------- */

/* Gives half of the queue, the oldest items, to whoever asks. */
static void answer(struct circle *circle)
{
    MPI_Status status;
    size_t half;

    while (has_message(MPI_ANY_SOURCE, TAG_REQUEST, &status)) {
        MPI_Recv(NULL, 0, MPI_BYTE, status.MPI_SOURCE, TAG_REQUEST, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        half = circle->length / 2;
        circle->length -= half;
        if (half > 0 && status.MPI_SOURCE < ranks_rank)
            circle->colour = BLACK;
        MPI_Send(circle->queue + circle->length, (int)half, MPI_UINT64_T, status.MPI_SOURCE,
                 TAG_WORK, MPI_COMM_WORLD);
    }
}

/* Any rank but this one: a multiplicative sequence (Knuth's MMIX constants, TAOCP vol. 2, 3.3.4). */
static int random_rank(struct circle *circle)
{
    circle->random = circle->random * 6364136223846793005u + 1442695040888963407u;
    return (ranks_rank + 1 + (int)((circle->random >> 33) % (uint64_t)(ranks_size - 1))) %
           ranks_size;
}

/* The queue is empty: asks a rank, or takes what that one answers. */
static void ask(struct circle *circle)
{
    MPI_Status status;
    int many;

    if (circle->asked < 0 && !circle->over) {
        circle->asked = random_rank(circle);
        MPI_Send(NULL, 0, MPI_BYTE, circle->asked, TAG_REQUEST, MPI_COMM_WORLD);
    }
    if (circle->asked < 0 || !has_message(circle->asked, TAG_WORK, &status))
        return;
    MPI_Get_count(&status, MPI_UINT64_T, &many);
    MPI_Recv(circle->queue, many, MPI_UINT64_T, circle->asked, TAG_WORK, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    circle->length = (size_t)many;
    circle->asked = -1;
}

/* -- The end ------------------------------------------------------------- */

static void pass_token(struct circle *circle, enum colour token)
{
    const int colour = (int)token;

    MPI_Send(&colour, 1, MPI_INT, (ranks_rank + 1) % ranks_size, TAG_TOKEN, MPI_COMM_WORLD);
    circle->colour = WHITE;
    circle->has_token = false;
}

static void take_token(struct circle *circle)
{
    MPI_Status status;
    int colour;

    if (!has_message(MPI_ANY_SOURCE, TAG_TOKEN, &status))
        return;
    MPI_Recv(&colour, 1, MPI_INT, status.MPI_SOURCE, TAG_TOKEN, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    circle->token = (enum colour)colour;
    circle->has_token = true;
}

static void declare_over(struct circle *circle)
{
    for (int r = 1; r < ranks_size; r++)
        MPI_Send(NULL, 0, MPI_BYTE, r, TAG_OVER, MPI_COMM_WORLD);
    circle->over = true;
}

static void take_over(struct circle *circle)
{
    MPI_Status status;

    if (!has_message(0, TAG_OVER, &status))
        return;
    MPI_Recv(NULL, 0, MPI_BYTE, 0, TAG_OVER, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    circle->over = true;
}

/* This rank has no work and no answer to wait for: a token that comes by goes
 * on, and rank 0 sees whether it came back white. */
static void pass_on(struct circle *circle)
{
    take_token(circle);
    if (ranks_rank != 0) {
        if (circle->has_token)
            pass_token(circle, circle->colour == BLACK ? BLACK : circle->token);
        take_over(circle);
    } else if (circle->has_token && circle->token == WHITE && circle->colour == WHITE) {
        declare_over(circle);
    } else if (circle->has_token || !circle->launched) {
        circle->launched = true;
        pass_token(circle, WHITE);
    }
}

/* All ranks are over, but some wait for an answer still. */
static void leave(struct circle *circle)
{
    MPI_Request request;
    int left = 0;

    while (circle->asked >= 0) {
        answer(circle);
        ask(circle);
    }
    for (MPI_Ibarrier(MPI_COMM_WORLD, &request); !left;) {
        answer(circle);
        MPI_Test(&request, &left, MPI_STATUS_IGNORE);
    }
}

/* -- A run --------------------------------------------------------------- */

static void fill(struct circle *circle, size_t count)
{
    circle->queue = malloc((count + 1) * sizeof *circle->queue);
    if (circle->queue == NULL)
        ranks_fail("no memory for a queue");
    for (size_t i = 0; ranks_rank == 0 && i < count; i++)
        circle->queue[circle->length++] = i;
}

static size_t run_circle(const struct bench_loop *loop)
{
    struct circle circle = { .random = (uint64_t)ranks_rank + 1, .asked = -1 };
    size_t index;

    fill(&circle, loop->count);
    while (ranks_size > 1 ? !circle.over : circle.length > 0) {
        answer(&circle);
        if (circle.length > 0) {
            index = circle.queue[--circle.length];
            loop->call(index, loop);
            circle.ran++;
        } else {
            ask(&circle);
            if (circle.length == 0 && circle.asked < 0)
                pass_on(&circle);
        }
    }
    leave(&circle);
    free(circle.queue);
    return ranks_sum(circle.ran);
}

const struct scheme ranks_circle = { .name = "circle", .run = run_circle };
