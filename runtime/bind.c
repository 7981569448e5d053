/* OpenMP through its library routines alone: no construct in this file. */
#include "bind.h"

#include <dlfcn.h>
#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>

enum fw_bind fw_bind_choose(int asked, bool processes, bool simulated, bool ours)
{
    if (simulated)
        return FW_BIND_KEEP;
    if (asked == FURROW_BIND_LEASE || (asked == FURROW_BIND_AUTO && processes && ours))
        return FW_BIND_LEASE;
    return processes ? FW_BIND_ALLOWED : FW_BIND_KEEP;
}

const char *fw_bind_refusal(void)
{
    if (omp_get_proc_bind() != omp_proc_bind_false)
        return "OpenMP binds its threads by itself here (OMP_PROC_BIND), inner teams too";
    if (dlsym(RTLD_DEFAULT, "__kmpc_fork_call") != NULL)
        return "the threads of LLVM's OpenMP runtime can't be bound to leases, as inner teams keep "
               "the mask of an "
               "earlier job";
    return NULL;
}

static void drop(struct fw_mask *mask)
{
    if (mask->set != mask->few)
        CPU_FREE(mask->set);
    mask->set = NULL;
}

/* Room for `size` bytes, in the mask itself where that is enough. */
static bool make_room(struct fw_mask *mask, size_t size)
{
    mask->size = size;
    mask->set = size <= sizeof mask->few ? (void *)mask->few : malloc(size);
    return mask->set != NULL;
}

/* The calling thread's mask, in a set as large as the kernel needs. */
static bool read_own(struct fw_mask *own)
{
    enum { FEW = 1024, MANY = 1 << 20 };

    for (int cpus = FEW; cpus <= MANY; cpus *= 2) {
        if (!make_room(own, CPU_ALLOC_SIZE((size_t)cpus)))
            return false;
        if (sched_getaffinity(0, own->size, own->set) == 0)
            return true;
        drop(own);
        if (errno != EINVAL)
            return false;
    }
    return false;
}

static bool fits(int os, size_t size)
{
    return os >= 0 && (size_t)os < 8 * size;
}

static void fill_lease(const int *at, int count, cpu_set_t *set, size_t size)
{
    const struct fw_cpus *cpus = fw_cpus();

    CPU_ZERO_S(size, set);
    for (int i = 0; i < count; i++)
        if (fits(cpus->os[at[i]], size))
            CPU_SET_S((size_t)cpus->os[at[i]], size, set);
}

static void fill_allowed(cpu_set_t *set, size_t size)
{
    const struct fw_cpus *cpus = fw_cpus();

    CPU_ZERO_S(size, set);
    for (int i = 0; i < cpus->nallowed; i++)
        if (fits(cpus->allowed[i], size))
            CPU_SET_S((size_t)cpus->allowed[i], size, set);
}

/* Nothing is asked of the kernel where the mask is the own one. */
static bool install(const struct fw_mask *mask, const struct fw_mask *own)
{
    return CPU_EQUAL_S(mask->size, mask->set, own->set) ||
           sched_setaffinity(0, mask->size, mask->set) == 0;
}

bool fw_bind_set(enum fw_bind bind, const int *at, int count, struct fw_mask *own)
{
    const int saved = errno;
    struct fw_mask mask;
    bool done = false;

    own->set = NULL;
    if (bind == FW_BIND_KEEP || !read_own(own))
        return bind == FW_BIND_KEEP;
    if (make_room(&mask, own->size)) {
        if (bind == FW_BIND_LEASE)
            fill_lease(at, count, mask.set, mask.size);
        else
            fill_allowed(mask.set, mask.size);
        done = install(&mask, own);
        drop(&mask);
    }
    if (!done)
        drop(own);
    errno = saved;
    return done;
}

void fw_bind_restore(struct fw_mask *own)
{
    const int saved = errno;

    if (own->set == NULL)
        return;
    (void)sched_setaffinity(0, own->size, own->set);
    drop(own);
    errno = saved;
}
