/* portion CPUS...: each rank may use so many CPUs, by rank (the last number holds
 * for the ranks behind too; "all" is what mpirun may use), and is bound to no
 * fewer where it is not on a simulated machine. A job that ran before the ranks
 * dealt them, and often, is planned anew. */
#include <sched.h>

#include "ranks.h"

static int cpus_of_mask(pid_t process)
{
    cpu_set_t mask;

    return sched_getaffinity(process, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
}

static int wanted(const char *word)
{
    return strcmp(word, "all") == 0 ? cpus_of_mask(getppid()) : atoi(word);
}

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

static int tell_cpus(furrow_task *task)
{
    *(int *)task->out = task->cpus;
    return 0;
}

/* The lease of a job's only worker. */
static int lease(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    int cpus = 0;
    const furrow_job job = { .run = tell_cpus, .count = 1, .out = &cpus, .out_size = sizeof cpus };

    config.backend = "openmp";
    config.jobs = 1;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    return cpus;
}

int main(int argc, char **argv)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = nothing, .count = 1000 };
    furrow_report report;
    int want, sum = 0;

    for (int times = 0; times < 20; times++)
        (void)lease();
    begin(&argc, &argv);
    want = argc > 1 ? wanted(argv[rank + 1 < argc ? rank + 1 : argc - 1]) : 0;
    CHECK(furrow_cpu_count(0) == want);
    CHECK(lease() == want);
    CHECK(getenv("HWLOC_SYNTHETIC") != NULL || cpus_of_mask(0) >= want);
    MPI_Allreduce(&want, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    config.inner_threads = 1; /* a worker for each CPU, over all ranks */
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(report.workers == sum);
    if (rank == 0)
        printf("%d CPUs\n", sum);
    return end();
}
