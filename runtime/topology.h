/* A machine as hwloc sees it, reduced to what furrow decides by: its processing
 * units in hwloc's order, so that neighbours in the list share caches and NUMA
 * nodes, and what each shares with the one before. A value: this machine's, a
 * simulated one, or one read from a file. */
#ifndef FW_TOPOLOGY_H
#define FW_TOPOLOGY_H

#include <stdbool.h>
#include <hwloc.h>

#include "message.h"

/* The smallest part of the machine that two PUs are both in; larger is nearer.
 * Without packages the whole machine counts as one. */
enum fw_near {
    FW_NEAR_MACHINE, /* different packages */
    FW_NEAR_PACKAGE, /* different NUMA nodes */
    FW_NEAR_NODE,    /* different L3 caches */
    FW_NEAR_L3,
    FW_NEAR_L2,
    FW_NEAR_CORE
};

struct fw_pu {
    int os;                        /* OS index */
    int core, package, node, kind; /* numbers from 0, in hwloc's order; kind: in `kind` below */
    unsigned char near;            /* enum fw_near: with the PU before; FW_NEAR_MACHINE for the first */
    bool allowed;                  /* by hwloc: on this machine the cgroup cpuset, in a file what was recorded */
};

/* Cores alike: performance and efficiency cores where the machine has both. */
struct fw_core_kind {
    char name[32];       /* "performance", "efficiency", or "kind 0" */
    int efficiency;      /* hwloc's rank: larger is faster and needs more power; -1: unknown */
    int cores, pus;      /* allowed ones */
};
enum { FW_CORE_KINDS = 16 };

struct fw_topology {
    int npus;                 /* online PUs, >= 1 */
    struct fw_pu *pu;         /* owned, with the struct */
    int allowed;              /* PUs allowed */
    int offline;              /* PUs that hwloc knows of and that are not online */
    int cores, packages, nodes;      /* with an allowed PU; packages >= 1, nodes: NUMA nodes */
    int memory_nodes;         /* NUMA nodes that no PU is nearest to: memory alone */
    int nkinds;
    struct fw_core_kind kind[FW_CORE_KINDS];
    bool simulated;           /* not this machine: nothing is bound, its affinity, quota and grant don't count */
    char name[FURROW_MESSAGE]; /* "this machine", or what is simulated */
};

enum fw_machine {
    FW_MACHINE_HERE,     /* `what` unused; what hwloc's own variables change (HWLOC_FSROOT, ...) holds */
    FW_MACHINE_XML,      /* `what`: path of a file that lstopo or hwloc wrote */
    FW_MACHINE_SYNTHETIC /* `what`: hwloc's description, "pack:2 numa:2 core:8 pu:2" */
};

/* Loads a machine. `asked_by` is what a message names: a variable or an option.
 * FURROW_EINVAL where `what` can't be read, is no machine, or is of a format
 * that this hwloc doesn't know; FURROW_ENOMEM; *out untouched then. */
FW_MUST_CHECK furrow_status fw_topology_create(enum fw_machine machine, const char *what,
                                               const char *asked_by, struct fw_topology **out);
void fw_topology_destroy(struct fw_topology *topology);

/* This process's machine, loaded once: HWLOC_XMLFILE, else HWLOC_SYNTHETIC, else
 * the real one. FURROW_EINVAL names the variable, each time; *out is then, and
 * where hwloc fails on this machine, one of a single PU. Any thread. */
FW_MUST_CHECK furrow_status fw_topology(const struct fw_topology **out);

#endif
