/* How many workers each rank has: a pure function of what all ranks know. */
#ifndef FW_MPI_DEAL_H
#define FW_MPI_DEAL_H

#include "world.h"

/* Workers that a rank offers: one that leases all its CPUs, or as many as its
 * CPUs hold `inner_threads` (> 0). */
int fw_deal_offer(int cpus, int inner_threads);

/* What a job gets where it names no number of workers: `jobs` < 0 of all offers
 * together, at least 1. */
int fw_deal_wanted(const struct fw_peer *peer, int ranks, int jobs, int inner_threads);

/* The part of one rank. */
struct fw_share_of_rank {
    int own;          /* its workers */
    int number;       /* of its first one, over all ranks */
    int line;         /* of its first one, over the ranks of its node */
    int node_workers;
};

/* Deals `workers` over the ranks: in turn, as far as each offers some; what is
 * left then evenly. */
struct fw_share_of_rank fw_deal(const struct fw_peer *peer, int ranks, int rank, int workers, int inner_threads);

/* Smallest and largest lease of a worker. */
void fw_deal_leases(const struct fw_peer *peer, int ranks, int workers, int inner_threads, int *least, int *most);

int fw_deal_cpus(const struct fw_peer *peer, int ranks);

#endif
