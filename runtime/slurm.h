/* What Slurm's environment says, of a batch script, a step's task, or a process
 * that a launcher started within either. */
#ifndef FW_SLURM_H
#define FW_SLURM_H

#include "allocation.h"

/* Whether this process is a task of a step that srun started. */
bool fw_slurm_in_step(const struct fw_site *site);

/* Evidence that the job of the environment has this node: slurmd started this
 * process here, its control group is the job's, or the job's list of nodes has
 * this host. */
bool fw_slurm_is_here(const struct fw_site *site, const char *group);

/* Tasks of the step on this node, >= 1; a list that can't be read is told. */
int fw_slurm_step_tasks(const struct fw_site *site, char warning[FURROW_MESSAGE]);

/* As fw_grant_find(), of Slurm alone; out->system stays NULL outside. */
void fw_slurm_grant(const struct fw_site *site, const struct fw_launcher *launcher, const char *group,
                    struct fw_grant *out);

#endif
