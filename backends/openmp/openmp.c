/* The openmp backend: one parallel region per job; every member of its team is
 * a worker and runs tasks until none is left. Works on libgomp and libomp, from
 * any thread, and inside the program's own regions, where the plan keeps it
 * within the lease. */
#include <furrow/backend.h>

#include <limits.h>
#include <omp.h>
#include <stdbool.h>

#include "team.h"

extern const furrow_backend fw_openmp;

/* OpenMP settings of the calling task that a region needs otherwise. */
struct settings {
    int levels, dynamic;
};

/* A team of exactly the size asked for, also inside other regions. */
static struct settings settings_set(void)
{
    const struct settings before = { omp_get_max_active_levels(), omp_get_dynamic() };
    const int needed = omp_get_active_level() + 1;

    if (before.levels < needed)
        omp_set_max_active_levels(needed);
    if (before.dynamic)
        omp_set_dynamic(0);
    return before;
}

static void settings_restore(const struct settings *before)
{
    if (before->dynamic)
        omp_set_dynamic(before->dynamic);
    if (omp_get_max_active_levels() != before->levels)
        omp_set_max_active_levels(before->levels);
}

/* The region. Where the caller serves, member 0 does and the others are the
 * workers; a team of one has nobody else, so that it serves in between. Returns
 * the size of the team. */
static int run_region(const furrow_crew *crew, furrow_work *work, int members)
{
    const int serves = crew->caller_serves ? 1 : 0;
    int size = 1;

#pragma omp parallel num_threads(members) default(none) shared(crew, work, size) firstprivate(serves)
    {
        const int member = omp_get_thread_num(), team = omp_get_num_threads();

        if (member == 0)
            size = team;
        if (serves && member == 0 && team > 1)
            furrow_work_serve(work);
        else if (team == 1)
            (void)furrow_work_run(work, 0);
        else
            (void)furrow_work_run(work, member - serves);
    }
    return size;
}

static furrow_status openmp_run(const furrow_crew *crew, furrow_work *work)
{
    const int serves = crew->caller_serves ? 1 : 0, asked = crew->workers + serves;
    const int members = fw_team_possible(asked);
    const struct settings before = settings_set();
    const int size = run_region(crew, work, members);
    const int workers = size > serves ? size - serves : 1;

    settings_restore(&before);
    if (workers < crew->workers)
        furrow_work_note(work, "only %d of %d workers: the system allows no more threads (ulimit -u, pids.max, memory)",
                         workers, crew->workers);
    return FURROW_OK;
}

static int openmp_capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return omp_get_thread_limit();
}

const furrow_backend fw_openmp = {
    .size = sizeof(furrow_backend),
    .name = "openmp",
    .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE | FURROW_CAP_NESTS,
    .capacity = openmp_capacity,
    .run = openmp_run,
};
