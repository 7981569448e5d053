/* A batch script for Slurm: what the user asks for, whether it makes sense, and
 * its text. Pure but for the stream that it is written to; tested by table. */
#ifndef FW_CLI_SCRIPT_H
#define FW_CLI_SCRIPT_H

#include <stdio.h>

#include "runtime/plan.h"

struct script {
    int nodes, tasks_per_node, cpus_per_task; /* >= 1 */
    int node_cpus;        /* CPUs of one node; 0: unknown */
    bool exclusive;       /* whole nodes */
    bool requeue;
    bool mpirun;          /* ranks are started by mpirun, not srun */
    int jobs, inner;      /* furrow's; 0: its own choice */
    const char *backend;  /* a local one, "mpi", or NULL: furrow's choice */
    const char *time;     /* as Slurm takes it; NULL: the partition's */
    const char *name, *partition, *account; /* or NULL */
    char *const *program; /* with its arguments, NULL ends */
};

/* Minutes of a time limit in one of Slurm's forms, seconds rounded up; 0: none of
 * them. */
long script_minutes(const char *time);

/* Whether a text may stand in a #SBATCH line as it is. */
bool script_word(const char *text);

/* What one task of Slurm makes of its CPUs by the nesting rules: workers and the
 * threads of each. `local`: of a job on the backend named, unless it is mpi. */
struct script_use {
    int workers, threads; /* of a worker at least */
    int cpus;             /* in use by all */
};
struct script_use script_use(const struct script *script, const struct fw_plan *local);

/* False where CPUs would idle or be shared, or nothing could run: `why` has the
 * reason and the way out. */
bool script_check(const struct script *script, const struct fw_plan *local, char why[FURROW_MESSAGE]);

/* Of a script that script_check() found good. */
void script_write(const struct script *script, FILE *out);

#endif
