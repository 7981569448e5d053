#include "cpus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "affinity.h"
#include "lease.h"
#include "log.h"

static const int zero = 0;
static const unsigned char nothing_near = FW_NEAR_MACHINE;
static struct fw_cpus one = { .count = 1,
                              .os = &zero,
                              .core = &zero,
                              .near = &nothing_near,
                              .cores = 1,
                              .allowed = &zero,
                              .portion = &zero,
                              .simulated = true };

/* Set once, then read-only, but for `cpus`, `before`, `nbefore`, `dealt` and `in`:
 * those change in fw_cpus_dealt() alone, and other threads read only `cpus`. What
 * was replaced may be in use and stays. */
enum { DEALT_MOST = 8 };
static struct {
    struct fw_cpus *_Atomic cpus;
    struct fw_cpus *before[DEALT_MOST]; /* kept: whoever looked at them may still do so */
    int nbefore;
    hwloc_bitmap_t dealt;               /* owned, in.dealt; NULL: nothing was */
    struct fw_cpu_inputs in;
    struct fw_cgroup cgroup;
    struct fw_launcher launcher;
    struct fw_grant grant;
} process;

static const char *from_process(const char *name, void *data)
{
    (void)data;
    return getenv(name);
}

static void look_around(void)
{
    char host[256] = "";
    struct fw_site site = { from_process, NULL, host, "" };

    (void)gethostname(host, sizeof host - 1);
    fw_cgroup_read(&site, &process.cgroup);
    fw_launcher_find(&site, process.cgroup.group, &process.launcher);
    fw_grant_find(&site, &process.launcher, process.cgroup.group, &process.grant);
}

/* One rank of a node speaks for all. */
static void log_warnings(const struct fw_limits *limits)
{
    for (int i = 0; i < limits->nwarnings && process.launcher.local_rank <= 0; i++)
        fw_log(FW_LOG_WARN, "%s", limits->warning[i]);
}

/* A binding that is repaired: to this rank's portion from now on. */
static void bind_to(const struct fw_cpus *cpus)
{
    if (cpus->repaired && !cpus->simulated && !fw_affinity_set(cpus->portion, cpus->nportion))
        fw_log(FW_LOG_WARN, "FURROW_BIND=repair: the system refuses to widen the affinity of this rank; %d CPUs are "
                            "counted, use the launcher's option to have them", cpus->count);
}

static void load(void)
{
    const struct fw_env *env = fw_env();
    hwloc_bitmap_t affinity = hwloc_bitmap_alloc(); /* kept in `in`, for the process's life */
    struct fw_cpu_inputs *in = &process.in;
    struct fw_cpus *made = &one;
    furrow_status machine;

    *in = (struct fw_cpu_inputs){ .unit = env->unit, .max_cpus = env->max_cpus, .repair = env->repair };
    machine = fw_topology(&in->topology);
    look_around();
    in->launcher = &process.launcher;
    if (!in->topology->simulated && machine == FURROW_OK) {
        if (affinity != NULL && fw_affinity(affinity, &in->affinity_is_places))
            in->affinity = affinity;
        in->cgroup = &process.cgroup;
        in->grant = &process.grant;
    }
    if (in->affinity == NULL)
        hwloc_bitmap_free(affinity);
    if (fw_cpus_create(in, &made) != FURROW_OK)
        fw_log(FW_LOG_WARN, "%s", furrow_message());
    fw_message_clear();
    atomic_store(&process.cpus, made);
    bind_to(made);
    log_warnings(&made->limits);
}

const struct fw_cpus *fw_cpus(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load);
    return atomic_load_explicit(&process.cpus, memory_order_acquire);
}

/* NULL for no CPU. */
static furrow_status read_dealt(const int *os, int n, hwloc_bitmap_t *out)
{
    hwloc_bitmap_t dealt = n > 0 ? hwloc_bitmap_alloc() : NULL;
    bool complete = n == 0 || dealt != NULL;

    for (int i = 0; i < n && complete; i++)
        complete = hwloc_bitmap_set(dealt, (unsigned)os[i]) == 0;
    if (!complete) {
        hwloc_bitmap_free(dealt);
        return fw_fail(FURROW_ENOMEM,
                       "no memory for the set of %d CPUs dealt to this rank; give the program more memory", n);
    }
    *out = dealt;
    return FURROW_OK;
}

static bool is_dealt_already(hwloc_const_bitmap_t dealt, int ranks)
{
    const struct fw_cpu_inputs *in = &process.in;

    if (in->dealt_ranks != ranks || (in->dealt == NULL) != (dealt == NULL))
        return false;
    return dealt == NULL || hwloc_bitmap_isequal(in->dealt, dealt);
}

/* Takes over `dealt`, on success only. */
static furrow_status deal(hwloc_bitmap_t dealt, int ranks)
{
    struct fw_cpu_inputs in = process.in;
    struct fw_cpus *made;
    furrow_status status;

    in.dealt = dealt;
    in.dealt_ranks = ranks;
    status = fw_cpus_create(&in, &made);
    if (status != FURROW_OK)
        return status;
    hwloc_bitmap_free(process.dealt);
    process.dealt = dealt;
    process.in = in;
    process.before[process.nbefore++] = atomic_load(&process.cpus);
    atomic_store_explicit(&process.cpus, made, memory_order_release);
    bind_to(made);
    return FURROW_OK;
}

furrow_status fw_cpus_dealt(const int *os, int n, int ranks)
{
    hwloc_bitmap_t dealt = NULL;
    furrow_status status;

    if (fw_cpus() == &one || !fw_lease_all_free())
        return FURROW_OK;
    status = read_dealt(os, n, &dealt);
    if (status != FURROW_OK)
        return status;
    if (is_dealt_already(dealt, ranks)) {
        hwloc_bitmap_free(dealt);
        return FURROW_OK;
    }
    if (process.nbefore < DEALT_MOST)
        status = deal(dealt, ranks);
    else
        fw_log(FW_LOG_DEBUG, "the CPUs of the node were dealt %d times; this rank keeps those of the last", DEALT_MOST);
    if (process.dealt != dealt)
        hwloc_bitmap_free(dealt);
    return status;
}

furrow_status fw_cpus_check(void)
{
    const struct fw_topology *unused;

    return fw_topology(&unused);
}

const struct fw_launcher *fw_cpus_launcher(void)
{
    (void)fw_cpus();
    return &process.launcher;
}

const struct fw_grant *fw_cpus_grant(void)
{
    (void)fw_cpus();
    return &process.grant;
}
