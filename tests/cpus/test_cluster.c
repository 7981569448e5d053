/* Batch systems and launchers: environments as they were found, or made. */
#include "site.h"

#include "runtime/allocation.h"
#include "runtime/hostlist.h"
#include "runtime/slurm.h"

/* -- Slurm's lists ------------------------------------------------------- */

static const struct {
    const char *list, *host;
    int place;
} hosts[] = {
    { "n1", "n1", 0 },
    { "n1", "n1.cluster.example", 0 },
    { "n1", "n2", FW_HOSTLIST_ABSENT },
    { "n1", "n11", FW_HOSTLIST_ABSENT },
    { "n11", "n1", FW_HOSTLIST_ABSENT },
    { "N1", "n1", 0 },
    { "n[1-3,7],m0[08-10]", "n3", 2 },
    { "n[1-3,7],m0[08-10]", "n7", 3 },
    { "n[1-3,7],m0[08-10]", "m008", 4 },
    { "n[1-3,7],m0[08-10]", "m010", 6 },
    { "n[1-3,7],m0[08-10]", "m08", FW_HOSTLIST_ABSENT },
    { "n[1-3,7],m0[08-10]", "n4", FW_HOSTLIST_ABSENT },
    { "n[8-12]", "n10", 2 },
    { "n[8-12]", "n08", FW_HOSTLIST_ABSENT },
    { "n[001-128]", "n100", 99 },
    { "n[001-128]", "n1", FW_HOSTLIST_ABSENT },
    { "r[0-1]n[0-3]", "r1n2", 6 },
    { "r[1-2][3-4]", "r14", 1 },
    { "login,n[1-2]-ib,z", "n2-ib", 2 },
    { "login,n[1-2]-ib,z", "z", 3 },
    { "n[1-2].cluster,m", "n2", 1 },
    { "n[0-999999999]", "n7", 7 },
    { "", "n1", FW_HOSTLIST_BAD },
    { "n[1-2", "n1", FW_HOSTLIST_BAD },
    { "n1-2]", "n1", FW_HOSTLIST_BAD },
    { "n[]", "n", FW_HOSTLIST_BAD },
    { "n[2-1]", "n1", FW_HOSTLIST_BAD },
    { "n[a-b]", "na", FW_HOSTLIST_BAD },
    { "n[1,]", "n1", FW_HOSTLIST_BAD },
    { "n[[1-2]]", "n1", FW_HOSTLIST_BAD },
    { "n1,,n2", "n2", FW_HOSTLIST_BAD },
    { "n1,", "n1", FW_HOSTLIST_BAD },
    { "n[0-9999999999]", "n1", FW_HOSTLIST_BAD },
};

Test(hostlist, finds_a_host)
{
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        cr_expect_eq(fw_hostlist_find(hosts[i].list, hosts[i].host), hosts[i].place, "\"%s\" in \"%s\": %d",
                     hosts[i].host, hosts[i].list, fw_hostlist_find(hosts[i].list, hosts[i].host));
}

static const struct {
    const char *list;
    int place, count;
} counts[] = {
    { "72(x2),36", 0, 72 }, { "72(x2),36", 1, 72 }, { "72(x2),36", 2, 36 },
    { "72(x2),36", 3, FW_HOSTLIST_ABSENT }, { "8", 0, 8 }, { "8,4", 1, 4 },
    { "1(x999999999)", 5, 1 },
    { "", 0, FW_HOSTLIST_BAD }, { "many", 0, FW_HOSTLIST_BAD }, { "0", 0, FW_HOSTLIST_BAD },
    { "-1", 0, FW_HOSTLIST_BAD }, { "8(x0)", 0, FW_HOSTLIST_BAD }, { "8(x2", 0, FW_HOSTLIST_BAD },
    { "8(2)", 0, FW_HOSTLIST_BAD }, { "8,", 0, FW_HOSTLIST_BAD }, { "8 4", 0, FW_HOSTLIST_BAD },
    { "99999999999", 0, FW_HOSTLIST_BAD },
};

Test(hostlist, counts_at_a_place)
{
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        cr_expect_eq(fw_counts_at(counts[i].list, counts[i].place), counts[i].count, "\"%s\" at %d", counts[i].list,
                     counts[i].place);
}

/* -- Grants -------------------------------------------------------------- */

struct row {
    const char *claim;
    struct place place;
    const char *group;  /* the process's control group; NULL: "" */
    const char *system; /* NULL: none */
    int cpus;           /* 0: not applied */
    bool per_rank;
    const char *says;   /* part of the detail */
    const char *launcher;
    int local_size, local_rank;
    bool warns;
};

static const struct row rows[] = {
    { "nothing around", { .host = "box" }, NULL, NULL, 0, false, NULL, NULL, 1, -1, false },

    /* -- Slurm */
    { "a batch script has the node's CPUs",
      { "n2", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=72(x2),36", "SLURM_CPUS_ON_NODE=72",
                "SLURMD_NODENAME=n2", "SLURM_LOCALID=0", "SLURM_PROCID=0", "SLURM_NTASKS=4", "SLURM_TASKS_PER_NODE=2" },
        { { NULL, NULL } } },
      NULL, "Slurm", 72, false, "SLURM_CPUS_ON_NODE=72; job 7", NULL, 1, -1, false },
    { "without the number for this node, its entry of the list",
      { "n3", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=72(x2),36", "SLURMD_NODENAME=n3" },
        { { NULL, NULL } } },
      NULL, "Slurm", 36, false, "node 2 of the job", NULL, 1, -1, false },
    { "ssh to another node of the job: not the first node's number",
      { "n3", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=72(x2),36", "SLURM_CPUS_ON_NODE=72",
                "SLURMD_NODENAME=n1" },
        { { NULL, NULL } } },
      NULL, "Slurm", 36, false, "node 2 of the job", NULL, 1, -1, false },
    { "a shell of salloc on a host that is not the job's",
      { "ctl", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=2(x3)", "SLURM_NNODES=3" },
        { { NULL, NULL } } },
      NULL, "Slurm", 0, false, "ctl, is not among the nodes of job 7", NULL, 1, -1, false },
    { "a node that slurmd knows by another name, by its control group",
      { "vm-123", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=cloud1", "SLURM_CPUS_ON_NODE=8", "SLURMD_NODENAME=cloud1" },
        { { NULL, NULL } } },
      "/slurm/uid_0/job_7/step_batch", "Slurm", 8, false, "SLURM_CPUS_ON_NODE=8", NULL, 1, -1, false },
    { "another job's control group is no evidence",
      { "vm-123", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=cloud1", "SLURM_CPUS_ON_NODE=8", "SLURMD_NODENAME=cloud1" },
        { { NULL, NULL } } },
      "/slurm/uid_0/job_77/step_batch", "Slurm", 0, false, "vm-123", NULL, 1, -1, false },
    { "a task of a step has its own CPUs, and ranks beside it",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_STEP_NODELIST=n[1-2]", "SLURM_JOB_NODELIST=n[1-2]",
                "SLURM_STEP_TASKS_PER_NODE=3,2", "SLURM_CPUS_ON_NODE=12", "SLURM_CPUS_PER_TASK=4", "SLURMD_NODENAME=n1",
                "SLURM_LOCALID=2", "SLURM_PROCID=2" },
        { { NULL, NULL } } },
      NULL, "Slurm", 4, true, "SLURM_CPUS_PER_TASK=4; job 7; step 0", "srun", 3, 2, false },
    { "a task without -c: the step's CPUs on the node, shared",
      { "n2", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=1", "SLURM_STEP_NODELIST=n[1-2]", "SLURM_JOB_NODELIST=n[1-2]",
                "SLURM_STEP_TASKS_PER_NODE=3,2", "SLURM_CPUS_ON_NODE=12", "SLURMD_NODENAME=n2", "SLURM_LOCALID=1" },
        { { NULL, NULL } } },
      NULL, "Slurm", 12, false, "SLURM_CPUS_ON_NODE=12", "srun", 2, 1, false },
    { "mpirun within a job: its own count of ranks, the node's CPUs",
      { "n2", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_STEP_TASKS_PER_NODE=1", "SLURM_NTASKS=1", "SLURM_NNODES=1",
                "SLURM_CPUS_ON_NODE=16", "SLURM_CPUS_PER_TASK=16", "SLURMD_NODENAME=n2", "SLURM_JOB_NODELIST=n[1-2]",
                "OMPI_COMM_WORLD_LOCAL_SIZE=4", "OMPI_COMM_WORLD_LOCAL_RANK=3", "OMPI_COMM_WORLD_SIZE=8" },
        { { NULL, NULL } } },
      NULL, "Slurm", 16, false, "SLURM_CPUS_ON_NODE=16", "Open MPI", 4, 3, false },
    { "the batch script's number is no step",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=4294967291", "SLURM_CPUS_ON_NODE=4", "SLURM_CPUS_PER_TASK=2",
                "SLURMD_NODENAME=n1" },
        { { NULL, NULL } } },
      NULL, "Slurm", 4, false, "SLURM_CPUS_ON_NODE=4", NULL, 1, -1, false },
    { "a step's environment on a host that is not the job's counts no ranks",
      { "home", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_STEP_TASKS_PER_NODE=4", "SLURM_JOB_NODELIST=n1",
                  "SLURMD_NODENAME=n1", "SLURM_CPUS_ON_NODE=4" },
        { { NULL, NULL } } },
      NULL, "Slurm", 0, false, "home", NULL, 1, -1, false },
    { "lists that can't be read are told",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n[1-3]", "SLURM_JOB_CPUS_PER_NODE=a few", "SLURM_CPUS_ON_NODE=-4",
                "SLURMD_NODENAME=n1" },
        { { NULL, NULL } } },
      NULL, "Slurm", 0, false, "give no number of CPUs", NULL, 1, -1, true },
    { "a list of nodes that can't be read is told",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n[1-", "SLURM_JOB_CPUS_PER_NODE=8" }, { { NULL, NULL } } },
      NULL, "Slurm", 0, false, "no list of nodes", NULL, 1, -1, true },
    { "tasks of the step that can't be read are one",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_STEP_TASKS_PER_NODE=2(y)", "SLURM_CPUS_ON_NODE=4",
                "SLURMD_NODENAME=n1" },
        { { NULL, NULL } } },
      NULL, "Slurm", 4, false, "SLURM_CPUS_ON_NODE=4", "srun", 1, -1, true },

    /* -- PBS */
    { "PBS Pro: the chunk's CPUs",
      { "c5.x.y", { "PBS_JOBID=12.srv", "PBS_NODEFILE=/spool/nodes", "NCPUS=16" }, { { "/spool/nodes", "c5\nc6\n" } } },
      NULL, "PBS", 16, false, "NCPUS=16", NULL, 1, -1, false },
    { "Torque: a line a core",
      { "c5", { "PBS_JOBID=12.srv", "PBS_NODEFILE=/spool/nodes" }, { { "/spool/nodes", "c5\nc5\nc5.x.y\nc6" } } },
      NULL, "PBS", 3, false, "3 lines", NULL, 1, -1, false },
    { "PBS: not this host",
      { "c9", { "PBS_JOBID=12.srv", "PBS_NODEFILE=/spool/nodes", "NCPUS=16" }, { { "/spool/nodes", "c5\n" } } },
      NULL, "PBS", 0, false, "c9, is not in PBS_NODEFILE", NULL, 1, -1, false },
    { "PBS: no file",
      { "c5", { "PBS_JOBID=12.srv", "PBS_NODEFILE=/spool/nodes", "NCPUS=16" }, { { NULL, NULL } } },
      NULL, "PBS", 0, false, "can't be read", NULL, 1, -1, false },

    /* -- LSF */
    { "LSF: this host's slots",
      { "hb", { "LSB_JOBID=3", "LSB_MCPU_HOSTS=ha 4 hb 2 " }, { { NULL, NULL } } },
      NULL, "LSF", 2, false, "2 slots", NULL, 1, -1, false },
    { "LSF: bound slots are not CPUs",
      { "hb", { "LSB_JOBID=3", "LSB_MCPU_HOSTS=hb 2", "LSB_AFFINITY_HOSTFILE=/a" }, { { NULL, NULL } } },
      NULL, "LSF", 0, false, "LSB_AFFINITY_HOSTFILE", NULL, 1, -1, false },
    { "LSF: not this host",
      { "hc", { "LSB_JOBID=3", "LSB_MCPU_HOSTS=ha 4 hb 2" }, { { NULL, NULL } } },
      NULL, "LSF", 0, false, "not in LSB_MCPU_HOSTS", NULL, 1, -1, false },
    { "LSF: no list",
      { "ha", { "LSB_JOBID=3", "LSB_MCPU_HOSTS=ha hb 2" }, { { NULL, NULL } } },
      NULL, "LSF", 0, false, "no list of hosts", NULL, 1, -1, true },

    /* -- SGE */
    { "SGE: a parallel environment's slots",
      { "e1", { "JOB_ID=5", "SGE_ROOT=/sge", "NSLOTS=12", "PE_HOSTFILE=/spool/pe" },
        { { "/spool/pe", "e1.x 8 all.q@e1 UNDEFINED\ne2.x 4 all.q@e2 UNDEFINED\n" } } },
      NULL, "SGE", 8, false, "8 slots", NULL, 1, -1, false },
    { "SGE: a serial job has one",
      { "e1", { "JOB_ID=5", "SGE_ROOT=/sge", "NSLOTS=1", "SGE_JOB_SPOOL_DIR=/spool/e1/5.1" },
        { { "/spool/e1/5.1/environment", "X=1\n" } } },
      NULL, "SGE", 1, false, "NSLOTS=1", NULL, 1, -1, false },
    { "SGE: variables alone show nothing",
      { "e1", { "JOB_ID=5", "SGE_ROOT=/sge", "NSLOTS=4" }, { { NULL, NULL } } },
      NULL, "SGE", 0, false, "nothing shows", NULL, 1, -1, false },
    { "JOB_ID alone is not SGE's", { "e1", { "JOB_ID=5" }, { { NULL, NULL } } }, NULL, NULL, 0, false, NULL, NULL, 1, -1, false },
    { "Slurm goes before the others",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=4", "SLURMD_NODENAME=n1", "PBS_JOBID=1", "LSB_JOBID=1" }, { { NULL, NULL } } },
      NULL, "Slurm", 4, false, NULL, NULL, 1, -1, false },

    /* -- Launchers */
    { "Open MPI", { "n1", { "OMPI_COMM_WORLD_LOCAL_SIZE=3", "OMPI_COMM_WORLD_LOCAL_RANK=0" }, { { NULL, NULL } } },
      NULL, NULL, 0, false, NULL, "Open MPI", 3, 0, false },
    { "MVAPICH2", { "n1", { "MV2_COMM_WORLD_LOCAL_SIZE=2", "MV2_COMM_WORLD_LOCAL_RANK=1" }, { { NULL, NULL } } },
      NULL, NULL, 0, false, NULL, "MVAPICH2", 2, 1, false },
    { "Hydra", { "n1", { "MPI_LOCALNRANKS=2", "MPI_LOCALRANKID=1", "PMI_SIZE=2" }, { { NULL, NULL } } },
      NULL, NULL, 0, false, NULL, "Hydra", 2, 1, false },
    { "a count of ranks that makes no sense is told",
      { "n1", { "OMPI_COMM_WORLD_LOCAL_SIZE=0" }, { { NULL, NULL } } }, NULL, NULL, 0, false, NULL, NULL, 1, -1, true },
    { "a rank's number that makes no sense is unknown",
      { "n1", { "OMPI_COMM_WORLD_LOCAL_SIZE=2", "OMPI_COMM_WORLD_LOCAL_RANK=2" }, { { NULL, NULL } } },
      NULL, NULL, 0, false, NULL, "Open MPI", 2, -1, false },
};

static void check_grant(const struct row *row, const struct fw_grant *got)
{
    if (row->system == NULL) {
        cr_expect_null(got->system, "%s: %s", row->claim, got->system);
        return;
    }
    cr_assert_not_null(got->system, "%s", row->claim);
    cr_expect_str_eq(got->system, row->system, "%s: %s", row->claim, got->system);
    cr_expect_eq(got->applied, row->cpus > 0, "%s: %s", row->claim, got->detail);
    cr_expect_eq(got->cpus, row->cpus, "%s: %d (%s)", row->claim, got->cpus, got->detail);
    cr_expect_eq(got->per_rank, row->per_rank, "%s", row->claim);
    if (row->says != NULL)
        cr_expect_not_null(strstr(got->detail, row->says), "%s: %s", row->claim, got->detail);
}

Test(cluster, grants_and_ranks_are_found_with_evidence)
{
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct row *row = &rows[r];
        const char *group = row->group != NULL ? row->group : "";
        struct fw_launcher launcher;
        struct fw_grant grant;
        char root[64];
        struct fw_site site = place_open(&row->place, root);

        fw_launcher_find(&site, group, &launcher);
        fw_grant_find(&site, &launcher, group, &grant);
        check_grant(row, &grant);
        cr_expect_eq(launcher.name == NULL, row->launcher == NULL, "%s: launcher", row->claim);
        if (row->launcher != NULL && launcher.name != NULL)
            cr_expect_str_eq(launcher.name, row->launcher, "%s: %s", row->claim, launcher.name);
        cr_expect_eq(launcher.local_size, row->local_size, "%s: %d ranks", row->claim, launcher.local_size);
        cr_expect_eq(launcher.local_rank, row->local_rank, "%s: rank %d", row->claim, launcher.local_rank);
        cr_expect_eq(grant.nonsense || launcher.warning[0] != '\0', row->warns, "%s: %s%s", row->claim, grant.detail,
                     launcher.warning);
        place_close(root);
    }
}

/* -- The end of the allocation, and what runs the process ----------------- */

static const struct {
    const char *claim;
    struct place place;
    enum fw_launch launch;
    long long ends;
    bool warns;
} ways[] = {
    { "a login shell", { "login", { NULL }, { { NULL, NULL } } }, FW_LAUNCH_ALONE, 0, false },
    { "a batch script of Slurm that tells its end",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=4", "SLURMD_NODENAME=n1", "SLURM_JOB_END_TIME=1700000000" },
        { { NULL, NULL } } },
      FW_LAUNCH_SCRIPT, 1700000000, false },
    { "one that does not",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=4", "SLURMD_NODENAME=n1" }, { { NULL, NULL } } },
      FW_LAUNCH_SCRIPT, 0, false },
    { "a task of a step",
      { "n2", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=0", "SLURM_JOB_NODELIST=n[1-2]", "SLURMD_NODENAME=n2",
                "SLURM_STEP_TASKS_PER_NODE=1(x2)", "SLURM_CPUS_ON_NODE=4", "SLURM_JOB_END_TIME=1700000000" },
        { { NULL, NULL } } },
      FW_LAUNCH_STEP, 1700000000, false },
    { "a rank of mpirun on another node of the job: its own step is not the rank's",
      { "n2", { "OMPI_COMM_WORLD_LOCAL_SIZE=2", "OMPI_COMM_WORLD_LOCAL_RANK=1", "SLURM_JOB_ID=7", "SLURM_STEP_ID=1",
                "SLURM_JOB_NODELIST=n[1-2]", "SLURMD_NODENAME=n2", "SLURM_STEP_TASKS_PER_NODE=1", "SLURM_CPUS_ON_NODE=4",
                "SLURM_JOB_END_TIME=1700000000" },
        { { NULL, NULL } } },
      FW_LAUNCH_WITHIN, 1700000000, false },
    { "mpirun on a workstation", { "box", { "OMPI_COMM_WORLD_LOCAL_SIZE=2" }, { { NULL, NULL } } }, FW_LAUNCH_LAUNCHED, 0, false },
    { "a shell of salloc on the login host: the end is not its own",
      { "login", { "SLURM_JOB_ID=7", "SLURM_JOB_NODELIST=n1", "SLURM_JOB_CPUS_PER_NODE=4", "SLURM_JOB_END_TIME=1700000000" },
        { { NULL, NULL } } },
      FW_LAUNCH_OUTSIDE, 0, false },
    { "the interactive step of salloc is a shell",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_STEP_ID=4294967290", "SLURMD_NODENAME=n1", "SLURM_CPUS_ON_NODE=4" },
        { { NULL, NULL } } },
      FW_LAUNCH_SCRIPT, 0, false },
    { "without a limit Slurm has a number that means never",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=4", "SLURMD_NODENAME=n1", "SLURM_JOB_END_TIME=4294967295" },
        { { NULL, NULL } } },
      FW_LAUNCH_SCRIPT, 0, false },
    { "an end that is no time is told",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=4", "SLURMD_NODENAME=n1", "SLURM_JOB_END_TIME=tomorrow" },
        { { NULL, NULL } } },
      FW_LAUNCH_SCRIPT, 0, true },
    { "nor one of 0",
      { "n1", { "SLURM_JOB_ID=7", "SLURM_CPUS_ON_NODE=4", "SLURMD_NODENAME=n1", "SLURM_JOB_END_TIME=0" },
        { { NULL, NULL } } },
      FW_LAUNCH_SCRIPT, 0, true },
    { "a job of PBS",
      { "c5", { "PBS_JOBID=12.srv", "PBS_NODEFILE=/spool/nodes", "NCPUS=16" }, { { "/spool/nodes", "c5\n" } } },
      FW_LAUNCH_SCRIPT, 0, false },
};

Test(cluster, the_end_and_the_launch_are_found)
{
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct fw_launcher launcher;
        struct fw_grant grant;
        char root[64];
        struct fw_site site = place_open(&ways[i].place, root);

        fw_launcher_find(&site, "", &launcher);
        fw_grant_find(&site, &launcher, "", &grant);
        cr_expect_eq(grant.ends, ways[i].ends, "%s: %lld", ways[i].claim, (long long)grant.ends);
        cr_expect_eq(grant.warning[0] != '\0', ways[i].warns, "%s: %s", ways[i].claim, grant.warning);
        cr_expect_eq(fw_launch_of(&launcher, &grant), ways[i].launch, "%s: %s", ways[i].claim,
                     fw_launch_words(fw_launch_of(&launcher, &grant)));
        place_close(root);
    }
}
