#include "backend.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "job.h"
#include "world.h"

#include "runtime/engine.h"

enum { WORKERS_MOST = 1 << 24 };

/* What forks the workers of a rank; set before the first job. */
static const furrow_backend *forker;

/* Why no job of mpi can start here; NULL: one can. */
static const char *obstacle(void)
{
    if (fw_world.comm == MPI_COMM_NULL)
        return "no communicator is in use; call furrow_mpi_init() or furrow_mpi_use() before";
    if (!fw_world_here())
        return "jobs on mpi start on the thread that called furrow_mpi_init()";
    if (atomic_load(&fw_world.busy) != 0)
        return "a job on mpi runs already";
    return NULL;
}

static int mpi_capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    const char *words = obstacle();

    (void)config;
    if (words == NULL)
        return WORKERS_MOST;
    (void)snprintf(why, FURROW_MESSAGE, "%s", words);
    return 0;
}

static bool mpi_takes(const char *backend)
{
    if (obstacle() != NULL)
        return false;
    if (backend != NULL)
        return strcmp(backend, fw_mpi.name) == 0;
    return fw_world.serves && fw_world.size > 1;
}

/* Jobs on mpi never come this way: fw_remote_for() takes them before. */
static furrow_status mpi_run(const furrow_crew *crew, furrow_work *work)
{
    (void)crew;
    return furrow_work_fail(work, FURROW_EBACKEND, "mpi: a job of this kind cannot be started here; start it outside "
                            "all tasks and parallel regions");
}

/* Of a rank's work: only forked workers sleep where it takes a signal. */
static void mpi_wake(furrow_work *work)
{
    const struct fw_share *share = work->request.share;

    if (share != NULL && share->forks && forker != NULL && forker->wake != NULL)
        forker->wake(work);
}

const furrow_backend fw_mpi = {
    .size = sizeof(furrow_backend),
    .name = "mpi",
    .caps = FURROW_CAP_ISOLATES | FURROW_CAP_KILLS,
    .capacity = mpi_capacity,
    .run = mpi_run,
    .wake = mpi_wake,
};

static const struct fw_remote way = {
    .takes = mpi_takes,
    .map = fw_job_map,
    .plan = fw_job_plan,
};

/* A line of the log (log.h) without the log, which is the other build's. */
static void say_builds_differ(void)
{
    static const char line[] = "furrow: libfurrow and libfurrow_mpi are of different builds; install both from one\n";
    const char *level = getenv("FURROW_LOG");

    if (level == NULL || strcmp(level, "quiet") != 0)
        (void)!write(STDERR_FILENO, line, sizeof line - 1);
}

furrow_status fw_backend_install(void)
{
    static bool installed;
    furrow_status status;

    if (installed)
        return FURROW_OK;
    if (furrow_engine.version != FW_ENGINE_VERSION || furrow_engine.release != FURROW_VERSION ||
        furrow_engine.size != sizeof(struct fw_engine) || furrow_engine.work_size != sizeof(struct furrow_work)) {
        say_builds_differ();
        return FURROW_ESYS;
    }
    status = furrow_backend_register(&fw_mpi);
    if (status == FURROW_OK) {
        forker = fw_crew_forker();
        fw_remote_install(&way);
        installed = true;
    }
    return status;
}
