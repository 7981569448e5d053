/* Leases: the process's CPUs dealt out to its jobs, and a job's to its workers.
 *
 * A lease is a list of places in fw_cpus(), ascending. The jobs of level 0 hold
 * theirs while they run (rule 7 of docs/nesting.md); cutting one is a pure
 * function of what neighbours share. */
#ifndef FW_LEASE_H
#define FW_LEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "cpus.h"

/* Takes up to `most` CPUs that no other job holds, at least one, in hwloc's
 * order; writes their places to `at` (fw_cpus()->count entries); returns how
 * many. A CPU that is shared since none was free is held twice. */
int fw_lease_hold(int most, int *at);
/* Takes these, whether they are held already or not. */
void fw_lease_take(const int *at, int count);
void fw_lease_release(const int *at, int count);

/* True where no job holds a CPU; a moment's truth. */
bool fw_lease_all_free(void);

/* How many fw_lease_hold(most) would give now. */
int fw_lease_free(int most);

/* Cuts `count` CPUs into the shares of `workers` <= count workers: sizes differ
 * by at most one and sum to `count`; of all such cuts into slices one that cuts
 * between packages as often as can be, then between NUMA nodes, L3 caches, L2
 * caches, cores: so no share straddles one where a cut avoids it.
 *
 *   near   by position: enum fw_near, with the CPU before; the first is not read
 *   first  out: workers + 1 positions; worker w has first[w] ... first[w+1] - 1
 *
 * Cost: O(workers x (larger shares + 1)), nothing where all shares are equal.
 * Without memory for that the larger shares come first. */
void fw_lease_cut(const unsigned char *near, int count, int workers, int *first);

/* The same for places of `cpus`, with any number of workers: beyond `count` each
 * has one CPU, shared in turn. `first`: `workers` + 1 positions in `at`. */
void fw_lease_deal(const struct fw_cpus *cpus, const int *at, int count, int workers, int *first);

/* CPUs of worker `worker` after fw_lease_deal(). */
static inline int fw_lease_size(const int *first, int count, int workers, int worker)
{
    return workers > count ? 1 : first[worker + 1] - first[worker];
}

/* OS indices of places as hwloc's list, "0-3,8", at most `size` bytes with the
 * NUL. Returns the bytes needed without the NUL, as snprintf does. */
size_t fw_lease_text(const struct fw_cpus *cpus, const int *at, int count, char *out, size_t size);

#endif
