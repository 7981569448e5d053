/* The CPUs of a node dealt out to its ranks. */
#ifndef FW_RANKS_H
#define FW_RANKS_H

#include <stdbool.h>

#include "message.h"

/* Deals PUs to ranks, each to one that may use it. No rank could have one more
 * without taking it from a rank that has no more than it: counts differ by at
 * most one where the masks allow that. Ranks of the same mask have neighbours,
 * the larger shares first.
 *
 *   may    by rank and PU: ranks * npus entries; whether it may use it
 *   owner  out: npus entries: the rank that has the PU; -1: none may use it.
 *          Where there are fewer PUs than ranks some ranks have none
 *
 * Pure but for memory: FURROW_ENOMEM, owner unspecified then. Cost: at most
 * npus x ranks x npus steps, and npus x ranks where all masks are the same. */
FW_MUST_CHECK furrow_status fw_ranks_deal(const bool *may, int ranks, int npus, int *owner);

#endif
