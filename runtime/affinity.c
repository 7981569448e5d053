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

/* Of a thread, or 0 for the calling one. The kernel refuses a set with room for
 * fewer CPUs than it may have. */
static cpu_set_t *read_mask(pid_t thread, int *cpus)
{
    enum { FEW = 1024, MANY = 1 << 20 };

    for (*cpus = FEW; *cpus <= MANY; *cpus *= 2) {
        cpu_set_t *mask = CPU_ALLOC((size_t)*cpus);

        if (mask == NULL)
            return NULL;
        if (sched_getaffinity(thread, CPU_ALLOC_SIZE((size_t)*cpus), mask) == 0)
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
    mask = read_mask(getpid(), &cpus);
    if (mask == NULL)
        return false;
    hwloc_bitmap_zero(out);
    for (int i = 0; i < cpus; i++)
        if (CPU_ISSET_S((size_t)i, CPU_ALLOC_SIZE((size_t)cpus), mask))
            hwloc_bitmap_set(out, (unsigned)i);
    CPU_FREE(mask);
    return !hwloc_bitmap_iszero(out);
}

/* Whether the calling thread has this mask of the main one: it is it, or was
 * started by it and bound by nobody. */
static bool has_same(const cpu_set_t *mask, size_t size)
{
    int cpus;
    cpu_set_t *own = read_mask(0, &cpus);
    const bool same = own != NULL && CPU_ALLOC_SIZE((size_t)cpus) == size && CPU_EQUAL_S(size, own, mask);

    CPU_FREE(own);
    return same;
}

bool fw_affinity_set(const int *os, int n)
{
    int cpus;
    cpu_set_t *mask = read_mask(getpid(), &cpus);
    const size_t size = mask != NULL ? CPU_ALLOC_SIZE((size_t)cpus) : 0;
    const bool too = mask != NULL && has_same(mask, size);
    bool done = mask != NULL;

    if (done)
        CPU_ZERO_S(size, mask);
    for (int i = 0; i < n && done; i++) {
        done = os[i] < cpus;
        if (done)
            CPU_SET_S((size_t)os[i], size, mask);
    }
    done = done && sched_setaffinity(getpid(), size, mask) == 0 && (!too || sched_setaffinity(0, size, mask) == 0);
    CPU_FREE(mask);
    return done;
}
