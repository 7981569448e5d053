/* bench/ranks/follow.h - how the ranks learn of the next loop, and what they
 * tell rank 0 of it. */
#ifndef BENCH_FOLLOW_H
#define BENCH_FOLLOW_H

#include <stdbool.h>

#include "ranks.h"

/* Makes the board: a line of shared memory for each rank, where a task that naps
 * notes for how long. Collective over MPI_COMM_WORLD, whose ranks are on one host. */
void follow_begin(void);
void follow_end(void);

/* Rank 0: tells the others of `loop`, or with NULL that there is none any more.
 * They sleep until then, and leave a barrier together with rank 0. */
void follow_announce(const struct bench_loop *loop);

/* Other ranks: waits for what rank 0 announces. False: no more loops. */
bool follow_await(void);

/* What was announced last, with an own copy of its numbers; this rank's. */
const struct bench_loop *follow_loop(void);

/* The task of loops that nap (BENCH_NAPS), noted on the board. */
void follow_nap(size_t index, const struct bench_loop *loop);

/* Clears the board; rank 0, while no loop runs. */
void follow_forget(void);

/* Milliseconds of `wall_ns` in which the rank that napped least did not nap; of
 * all ranks but 0. */
double follow_idle_ms(double wall_ns);

#endif
