/* How fast nodes are fed, and how often somebody looks: pure functions, which
 * rank 0, the leaders and the model in bench/scale have in common. */
#ifndef FW_MPI_PACE_H
#define FW_MPI_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How fast a node begins tasks. All zero at first, but for `at`. */
struct fw_pace_rate {
    double per_second;  /* smoothed; 0: not known */
    uint64_t at, begun; /* when it was measured last, in ns, and tasks begun by then */
};

/* `begun` tasks by `now`; it takes up only what is some ms after the last time. */
void fw_pace_measure(struct fw_pace_rate *rate, uint64_t now, uint64_t begun);

/* Tasks of one letter to a node of `workers`, of `all` over all `nodes`, while
 * `left` are in stock. rate: tasks a second of the node, 0: not known. >= 1. */
size_t fw_pace_chunk(double rate, int workers, int all, int nodes, size_t left);

/* A node with so many tasks left is to ask for more. */
bool fw_pace_low(size_t left, int workers, double rate);

/* Where that begins: so many tasks. */
double fw_pace_low_mark(int workers, double rate);

/* How often one that waits looks before its first sleep: in a row, and then giving
 * the CPU away each time. */
struct fw_pace_looks {
    unsigned spins, yields;
};

/* Of `ranks` that share `cpus`. Where each has one of its own, looking is the
 * fastest way to hear; where they have not, who looks takes the CPU from one that
 * works, and has nothing to hear before that one has had it. */
struct fw_pace_looks fw_pace_looks(int ranks, int cpus);

/* Nanoseconds of the next sleep of one that has waited for `waited`. */
uint64_t fw_pace_sleep(uint64_t waited);

/* Nanoseconds from one letter of results of a node to the next, and those that a
 * node is left alone when it just got tasks, or had nothing to give back. */
uint64_t fw_pace_ship(int nodes);
uint64_t fw_pace_patience(void);

/* Nodes that are asked to give back at the same time. */
enum { FW_PACE_ASKED_MOST = 8 };

#endif
