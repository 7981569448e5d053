/* What a batch system granted the process on this node: Slurm, else PBS, LSF,
 * SGE. Variables travel further than the allocation they tell of (a shell that
 * was left, an ssh to another host), so a grant counts only with evidence that
 * this process is in it. */
#ifndef FW_ALLOCATION_H
#define FW_ALLOCATION_H

#include <stdint.h>

#include "launcher.h"

struct fw_grant {
    const char *system;  /* "Slurm", "PBS", "LSF", "SGE"; NULL: none was found */
    const char *source;  /* the same as the name of a limit: "slurm" */
    bool here;           /* this process is on a node of the allocation */
    int64_t ends;        /* when the allocation does, seconds since 1970; 0: nothing tells */
    bool applied;        /* false: `detail` has the reason */
    int cpus;            /* >= 1 where it is known */
    bool per_rank;       /* of this rank alone; else of the node, all ranks there together */
    bool nonsense;       /* a value that can't be read: worth a line of the log */
    char detail[FURROW_MESSAGE]; /* where it stands, or why it is not applied */
    char warning[FURROW_MESSAGE]; /* another variable that makes no sense; "" */
};

/* `group`: the process's own control group, "" where unknown. */
void fw_grant_find(const struct fw_site *site, const struct fw_launcher *launcher, const char *group,
                   struct fw_grant *out);

/* What runs this process, of what was found around it. */
enum fw_launch {
    FW_LAUNCH_ALONE,    /* a login shell or the like: no batch system, no launcher */
    FW_LAUNCH_STEP,     /* srun, as a task of a step */
    FW_LAUNCH_WITHIN,   /* mpirun or the like inside an allocation */
    FW_LAUNCH_LAUNCHED, /* mpirun or the like, no batch system */
    FW_LAUNCH_SCRIPT,   /* started by the batch script, or the shell of an interactive allocation */
    FW_LAUNCH_OUTSIDE,  /* has variables of an allocation that this host is not in */
    FW_LAUNCHES
};
enum fw_launch fw_launch_of(const struct fw_launcher *launcher, const struct fw_grant *grant);

/* Its stable name in one word, and in words. */
const char *fw_launch_name(enum fw_launch launch);
const char *fw_launch_words(enum fw_launch launch);

#endif
