/* What started the ranks of an MPI program, and how many of them share this
 * node. Read from the environment alone: furrow's core knows no MPI. */
#ifndef FW_LAUNCHER_H
#define FW_LAUNCHER_H

#include "site.h"

struct fw_launcher {
    const char *name;  /* "Open MPI", "srun", ...; NULL: none was found */
    bool is_step;      /* srun itself: what Slurm says of a step's tasks holds */
    int local_size;    /* ranks on this node, >= 1 */
    int local_rank;    /* this one's number on the node; -1: unknown */
    const char *local_from;  /* the variable that says so */
    const char *more_cpus;   /* option that gives a rank n CPUs, with one %d */
    bool counts_cores;       /* its n is one of cores */
    char warning[FURROW_MESSAGE]; /* a variable that makes no sense; "" */
};

/* In the order of trust: a launcher's own variables, then Slurm's of a step that
 * is on this node. The batch script's count no ranks. `group`: the process's own
 * control group, "" where unknown. */
void fw_launcher_find(const struct fw_site *site, const char *group, struct fw_launcher *out);

#endif
