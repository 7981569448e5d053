/* Which CPUs this process may use, and which of them its jobs hold.
 *
 * A CPU is named by its place in fw_cpus()->os; a lease is a list of places, in
 * hwloc's order, so that a slice of it is a compact part of the machine. */
#ifndef FW_CPUS_H
#define FW_CPUS_H

#include <stddef.h>

#include "config.h"
#include "topology.h"

struct fw_cpus {
    int count;       /* CPUs this process may use, >= 1 */
    const int *os;   /* their OS indices */
    const int *core; /* the core of each */
};

/* The limits as a function of values: PUs of the machine, one per core where
 * `unit` is FW_UNIT_CORE, at most max_cpus (0: no limit). Writes the kept PUs'
 * places in `topology` to `out` (npus entries); returns how many, >= 1. */
int fw_cpus_limit(const struct fw_topology *topology, enum fw_unit unit, int max_cpus, int *out);

/* This process's; the same for its whole life. Never NULL. */
const struct fw_cpus *fw_cpus(void);

/* Takes up to `most` CPUs that no other job holds, at least one, in hwloc's
 * order; writes their places to `at` (fw_cpus()->count entries); returns how
 * many. A CPU that is shared since none was free is held twice. */
int fw_cpus_hold(int most, int *at);
void fw_cpus_release(const int *at, int count);

/* How many fw_cpus_hold(most) would give now. */
int fw_cpus_free(int most);

/* Distinct cores among these CPUs. */
int fw_cpus_cores(const int *at, int count);

/* Their OS indices as hwloc's list, "0-3,8", at most `size` bytes with the
 * NUL. Returns the bytes needed without the NUL, as snprintf does. */
size_t fw_cpus_text(const int *at, int count, char *out, size_t size);

#endif
