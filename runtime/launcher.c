#include "launcher.h"

#include <string.h>

#include "message.h"
#include "slurm.h"

/* Launchers that count the ranks of a node themselves. */
static const struct {
    const char *name, *local_size, *local_rank, *more_cpus;
    bool counts_cores;
} launchers[] = {
    { "Open MPI", "OMPI_COMM_WORLD_LOCAL_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
      "mpirun --map-by slot:PE=%d (or --bind-to none)", true },
    { "MVAPICH2", "MV2_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_RANK",
      "MV2_CPU_BINDING_POLICY=hybrid MV2_THREADS_PER_PROCESS=%d (or MV2_ENABLE_AFFINITY=0)", false },
    { "Hydra", "MPI_LOCALNRANKS", "MPI_LOCALRANKID",
      "mpiexec -bind-to hwthread:%d (or -bind-to none; with Intel MPI I_MPI_PIN=off)", false },
};

static bool counts_ranks(const struct fw_site *site, size_t row, struct fw_launcher *out)
{
    const char *variable = launchers[row].local_size;
    bool nonsense = false;
    int size;

    if (fw_site_number(site, variable, &size, &nonsense) && size < 1)
        nonsense = true;
    if (nonsense)
        fw_message_append(out->warning, "%s=%.40s makes no sense and is ignored", variable,
                          fw_site_get(site, variable));
    if (nonsense || fw_site_get(site, variable) == NULL)
        return false;
    out->name = launchers[row].name;
    out->local_size = size;
    out->local_from = variable;
    out->more_cpus = launchers[row].more_cpus;
    out->counts_cores = launchers[row].counts_cores;
    if (!fw_site_number(site, launchers[row].local_rank, &out->local_rank, NULL) ||
        out->local_rank >= size)
        out->local_rank = -1;
    return true;
}

void fw_launcher_find(const struct fw_site *site, const char *group, struct fw_launcher *out)
{
    *out = (struct fw_launcher){ .local_size = 1, .local_rank = -1 };
    for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++)
        if (counts_ranks(site, i, out))
            return;
    if (!fw_slurm_in_step(site) || !fw_slurm_is_here(site, group))
        return;
    out->name = "srun";
    out->is_step = true;
    out->local_from = "SLURM_STEP_TASKS_PER_NODE";
    out->more_cpus = "srun --cpus-per-task=%d (or --cpu-bind=none)";
    out->local_size = fw_slurm_step_tasks(site, out->warning);
    if (!fw_site_number(site, "SLURM_LOCALID", &out->local_rank, NULL) ||
        out->local_rank >= out->local_size)
        out->local_rank = -1;
}
