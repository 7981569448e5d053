/* The machine as hwloc sees it: its processing units in hwloc's logical order,
 * so that neighbours in the list share caches and NUMA nodes. Loaded once. */
#ifndef FW_TOPOLOGY_H
#define FW_TOPOLOGY_H

#include <stdbool.h>

struct fw_pu {
    int os;   /* OS index */
    int core; /* logical index of its core */
};

struct fw_topology {
    int npus;          /* allowed PUs, >= 1 */
    struct fw_pu *pu;
    bool simulated;    /* HWLOC_XMLFILE or HWLOC_SYNTHETIC: not this machine */
};

/* The PUs that this process was allowed when it first asked: hwloc's allowed
 * set, and on this machine the affinity of the main thread, or, where OpenMP
 * binds its threads (and so has shrunk that), the union of OpenMP's places.
 * Never NULL. Any thread. */
const struct fw_topology *fw_topology(void);

#endif
