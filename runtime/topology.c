#include "topology.h"

#include <hwloc.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static struct fw_topology machine;
static struct fw_pu only_pu;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Union of OpenMP's places; false where OpenMP does not bind or has none. */
static bool openmp_places(hwloc_bitmap_t out)
{
    const int places = omp_get_proc_bind() != omp_proc_bind_false ? omp_get_num_places() : 0;

    hwloc_bitmap_zero(out);
    for (int p = 0; p < places; p++) {
        int n = omp_get_place_num_procs(p);
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

/* Narrows `allowed` to what this process was started with. */
static void apply_affinity(hwloc_topology_t topology, hwloc_bitmap_t allowed)
{
    hwloc_bitmap_t own = hwloc_bitmap_alloc();

    if (own == NULL)
        return;
    if (openmp_places(own) ||
        hwloc_get_proc_cpubind(topology, getpid(), own, HWLOC_CPUBIND_THREAD) == 0) {
        hwloc_bitmap_and(own, own, allowed);
        if (!hwloc_bitmap_iszero(own))
            hwloc_bitmap_copy(allowed, own);
    }
    hwloc_bitmap_free(own);
}

static int core_of(hwloc_topology_t topology, hwloc_obj_t pu)
{
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);

    return (int)(core != NULL ? core->logical_index : pu->logical_index);
}

static void list_pus(hwloc_topology_t topology, hwloc_const_bitmap_t allowed)
{
    const int total = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    struct fw_pu *list = total > 0 ? calloc((size_t)total, sizeof *list) : NULL;
    int n = 0;

    if (list == NULL)
        return;
    for (int i = 0; i < total; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)i);

        if (hwloc_bitmap_isset(allowed, pu->os_index))
            list[n++] = (struct fw_pu){ (int)pu->os_index, core_of(topology, pu) };
    }
    if (n > 0) {
        machine.npus = n;
        machine.pu = list;
    } else {
        free(list);
    }
}

static void load(void)
{
    hwloc_topology_t topology;
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc();

    machine = (struct fw_topology){ 1, &only_pu, false }; /* where hwloc can't tell */
    if (allowed != NULL && hwloc_topology_init(&topology) == 0) {
        if (hwloc_topology_load(topology) == 0) {
            machine.simulated = !hwloc_topology_is_thissystem(topology);
            hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(topology));
            if (!machine.simulated)
                apply_affinity(topology, allowed);
            list_pus(topology, allowed);
        }
        hwloc_topology_destroy(topology);
    }
    hwloc_bitmap_free(allowed);
}

const struct fw_topology *fw_topology(void)
{
    (void)pthread_once(&once, load);
    return &machine;
}
