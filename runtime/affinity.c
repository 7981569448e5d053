/* OpenMP through its library routines alone: no construct in this file. */
#include "affinity.h"

#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* False where OpenMP does not bind its threads, or has no places. */
static bool openmp_places(hwloc_bitmap_t out)
{
    const int places = omp_get_proc_bind() != omp_proc_bind_false ? omp_get_num_places() : 0;

    hwloc_bitmap_zero(out);
    for (int p = 0; p < places; p++) {
        const int n = omp_get_place_num_procs(p);
        int *ids = n > 0 ? malloc((size_t)n * sizeof *ids) : NULL;

        if (ids == NULL)
            continue;
        omp_get_place_proc_ids(p, ids);
        for (int i = 0; i < n; i++)
            hwloc_bitmap_set(out, (unsigned)ids[i]);
        free(ids);
    }
    return !hwloc_bitmap_iszero(out);
}

/* The kernel refuses a set with room for fewer CPUs than it may have. */
static cpu_set_t *read_mask(int *cpus)
{
    enum { FEW = 1024, MANY = 1 << 20 };

    for (*cpus = FEW; *cpus <= MANY; *cpus *= 2) {
        cpu_set_t *mask = CPU_ALLOC((size_t)*cpus);

        if (mask == NULL)
            return NULL;
        if (sched_getaffinity(getpid(), CPU_ALLOC_SIZE((size_t)*cpus), mask) == 0)
            return mask;
        CPU_FREE(mask);
        if (errno != EINVAL)
            return NULL;
    }
    return NULL;
}

bool fw_affinity(hwloc_bitmap_t out, bool *places)
{
    cpu_set_t *mask;
    int cpus;

    *places = openmp_places(out);
    if (*places)
        return true;
    mask = read_mask(&cpus);
    if (mask == NULL)
        return false;
    hwloc_bitmap_zero(out);
    for (int i = 0; i < cpus; i++)
        if (CPU_ISSET_S((size_t)i, CPU_ALLOC_SIZE((size_t)cpus), mask))
            hwloc_bitmap_set(out, (unsigned)i);
    CPU_FREE(mask);
    return !hwloc_bitmap_iszero(out);
}

bool fw_affinity_set(const int *os, int n)
{
    cpu_set_t *mask;
    int cpus;
    bool done = true;

    mask = read_mask(&cpus);
    if (mask == NULL)
        return false;
    CPU_ZERO_S(CPU_ALLOC_SIZE((size_t)cpus), mask);
    for (int i = 0; i < n; i++) {
        done = done && os[i] < cpus;
        if (os[i] < cpus)
            CPU_SET_S((size_t)os[i], CPU_ALLOC_SIZE((size_t)cpus), mask);
    }
    done = done && sched_setaffinity(getpid(), CPU_ALLOC_SIZE((size_t)cpus), mask) == 0;
    CPU_FREE(mask);
    return done;
}
