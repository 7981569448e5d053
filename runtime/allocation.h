/* What a batch system granted the process on this node: Slurm, else PBS, LSF,
 * SGE. Variables travel further than the allocation they tell of (a shell that
 * was left, an ssh to another host), so a grant counts only with evidence that
 * this process is in it. */
#ifndef FW_ALLOCATION_H
#define FW_ALLOCATION_H

#include "launcher.h"

struct fw_grant {
    const char *system;  /* "Slurm", "PBS", "LSF", "SGE"; NULL: none was found */
    const char *source;  /* the same as the name of a limit: "slurm" */
    bool applied;        /* false: `detail` has the reason */
    int cpus;            /* >= 1 where it is known */
    bool per_rank;       /* of this rank alone; else of the node, all ranks there together */
    bool nonsense;       /* a value that can't be read: worth a line of the log */
    char detail[FURROW_MESSAGE]; /* where it stands, or why it is not applied */
};

/* `group`: the process's own control group, "" where unknown. */
void fw_grant_find(const struct fw_site *site, const struct fw_launcher *launcher, const char *group,
                   struct fw_grant *out);

#endif
