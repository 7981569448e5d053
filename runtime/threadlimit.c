/* OpenMP through its library routines alone: no construct in this file. */
#include "threadlimit.h"

#include <limits.h>
#include <omp.h>

void fw_thread_limit_set(int threads, struct fw_thread_limit *own)
{
    own->threads = omp_get_max_threads();
    own->levels = omp_get_max_active_levels();
    omp_set_num_threads(threads);
    omp_set_max_active_levels(omp_get_active_level() + (threads > 1 ? 1 : 0));
}

void fw_thread_limit_restore(const struct fw_thread_limit *own)
{
    omp_set_max_active_levels(own->levels);
    omp_set_num_threads(own->threads);
}

int fw_openmp_level(void)
{
    return omp_get_level();
}

int fw_openmp_team(int level)
{
    long threads = 1;

    for (int l = omp_get_level(); l > level && threads < INT_MAX; l--)
        threads *= omp_get_team_size(l);
    return threads < INT_MAX ? (int)threads : INT_MAX;
}
