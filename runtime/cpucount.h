/* How many CPUs a process may use, which, and why: the smallest of a chain of
 * limits, each kept with its source (docs/cpus.md has the table).
 *
 * A function of values: a machine and what limits it. A CPU is named by its place
 * in the list, which is in hwloc's order, so that a slice of it is a compact part
 * of the machine; leases (lease.h) are lists of places. */
#ifndef FW_CPUCOUNT_H
#define FW_CPUCOUNT_H

#include "allocation.h"
#include "cgroup.h"
#include "config.h"
#include "launcher.h"
#include "topology.h"

/* -- Limits -------------------------------------------------------------- */

enum fw_limit_source {
    FW_LIMIT_MACHINE,  /* online PUs */
    FW_LIMIT_CPUSET,   /* what hwloc says is allowed, the cgroup's cpuset */
    FW_LIMIT_AFFINITY, /* what the process was started with */
    FW_LIMIT_QUOTA,    /* CPU time of its control groups */
    FW_LIMIT_GRANT,    /* of the batch system */
    FW_LIMIT_RANKS,    /* the share of one of several ranks on the node */
    FW_LIMIT_MAX_CPUS, /* FURROW_MAX_CPUS */
    FW_LIMIT_UNIT,     /* FURROW_UNIT=core: one PU of each core */
    FW_LIMIT_SOURCES
};

struct fw_limit {
    enum fw_limit_source source;
    const char *name;            /* "machine", "cgroup quota", "slurm", ...: static, stable */
    bool applied;                /* false: `detail` says why it does not count */
    int cpus;                    /* >= 1 where applied; 0 where unknown */
    char detail[FURROW_MESSAGE]; /* where it stands, or of what it is made */
};

enum { FW_CPU_WARNINGS = 4 };

struct fw_limits {
    int n;
    struct fw_limit limit[FW_LIMIT_SOURCES]; /* in the order of the enum, those there are */
    int winner;                              /* the first of the smallest */
    int nwarnings;
    char warning[FW_CPU_WARNINGS][FURROW_MESSAGE]; /* contradictions, values without sense */
};

/* -- CPUs ---------------------------------------------------------------- */

struct fw_cpus {
    int count;                 /* >= 1 */
    const int *os;             /* OS index of each place, >= 0 */
    const int *core;           /* its core; equal ones stand together */
    const unsigned char *near; /* enum fw_near: with the place before */
    int cores;                 /* different cores among them: FURROW_PHYSICAL */
    const int *allowed;        /* OS indices that the masks leave the process, in hwloc's order; count <= nallowed */
    int nallowed;
    const int *portion;        /* what of them is left to this rank, as `allowed`; count <= nportion */
    int nportion;
    bool simulated;            /* of another machine: never bind */
    bool ours;                 /* the masks leave the process what nobody else uses: an allocation, a launcher's
                                * binding, a cpuset. FURROW_BIND_AUTO binds process workers */
    bool repaired;             /* the launcher's binding was smaller than the rank's share and does not count:
                                * the process is to be bound to `portion`. Never where a grant is smaller than the
                                * cpuset: which CPUs are granted only the binding tells then */
    struct fw_limits limits;
};

/* What the count depends on; NULL: not known, or does not count. */
struct fw_cpu_inputs {
    const struct fw_topology *topology;
    hwloc_const_bitmap_t affinity;
    bool affinity_is_places;           /* the union of OpenMP's places */
    const struct fw_cgroup *cgroup;
    const struct fw_grant *grant;
    const struct fw_launcher *launcher;
    hwloc_const_bitmap_t dealt;        /* what the ranks of the node left this one (ranks.h) */
    int dealt_ranks;                   /* how many they are */
    enum fw_unit unit;
    int max_cpus;                      /* 0: none */
    bool repair;                       /* FURROW_BIND=repair */
};

/* FURROW_ENOMEM; *out untouched then. Owned: fw_cpus_destroy(). */
FW_MUST_CHECK furrow_status fw_cpus_create(const struct fw_cpu_inputs *in, struct fw_cpus **out);
void fw_cpus_destroy(struct fw_cpus *cpus);

/* Different cores among these places, which are in ascending order. */
int fw_cpus_cores(const struct fw_cpus *cpus, const int *at, int count);

#endif
