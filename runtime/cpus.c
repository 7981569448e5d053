#include "cpus.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct fw_cpus process;
static int *held; /* by place: jobs that hold the CPU; guarded by `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

int fw_cpus_limit(const struct fw_topology *topology, enum fw_unit unit, int max_cpus, int *out)
{
    int n = 0;

    for (int i = 0; i < topology->npus && (max_cpus == 0 || n < max_cpus); i++) {
        bool second = unit == FW_UNIT_CORE && n > 0 &&
                      topology->pu[out[n - 1]].core == topology->pu[i].core;

        if (!second)
            out[n++] = i;
    }
    return n;
}

static void load(void)
{
    static int zero_os, zero_core, zero_held;
    const struct fw_topology *topology = fw_topology();
    const struct fw_env *env = fw_env();
    const size_t npus = (size_t)topology->npus;
    int *kept = malloc(4 * npus * sizeof *kept); /* lives as long as the process */
    int *os = kept + npus, *core = os + npus;

    process = (struct fw_cpus){ 1, &zero_os, &zero_core };
    held = &zero_held;
    if (kept == NULL)
        return;
    process.count = fw_cpus_limit(topology, env->unit, env->max_cpus, kept);
    held = core + npus;
    for (int i = 0; i < process.count; i++) {
        os[i] = topology->pu[kept[i]].os;
        core[i] = topology->pu[kept[i]].core;
        held[i] = 0;
    }
    process.os = os;
    process.core = core;
}

const struct fw_cpus *fw_cpus(void)
{
    (void)pthread_once(&once, load);
    return &process;
}

/* lock held. The CPU that the fewest jobs hold. */
static int least_held(void)
{
    int best = 0;

    for (int i = 1; i < process.count; i++)
        if (held[i] < held[best])
            best = i;
    return best;
}

int fw_cpus_hold(int most, int *at)
{
    const int count = fw_cpus()->count;
    int n = 0;

    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < count && n < most; i++)
        if (held[i] == 0)
            at[n++] = i;
    if (n == 0)
        at[n++] = least_held();
    for (int i = 0; i < n; i++)
        held[at[i]]++;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

void fw_cpus_release(const int *at, int count)
{
    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < count; i++)
        held[at[i]]--;
    (void)pthread_mutex_unlock(&lock);
}

int fw_cpus_free(int most)
{
    const int count = fw_cpus()->count;
    int n = 0;

    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < count && n < most; i++)
        n += held[i] == 0;
    (void)pthread_mutex_unlock(&lock);
    return n > 0 ? n : 1;
}

int fw_cpus_cores(const int *at, int count)
{
    const int *core = fw_cpus()->core;
    int n = 0;

    for (int i = 0; i < count; i++) {
        bool seen = false;

        for (int j = 0; j < i && !seen; j++)
            seen = core[at[j]] == core[at[i]];
        n += !seen;
    }
    return n;
}

/* The smallest OS index above `above` among the CPUs; INT_MAX: none. */
static int next_os(const int *at, int count, int above)
{
    const int *os = fw_cpus()->os;
    int best = INT_MAX;

    for (int i = 0; i < count; i++)
        if (os[at[i]] > above && os[at[i]] < best)
            best = os[at[i]];
    return best;
}

size_t fw_cpus_text(const int *at, int count, char *out, size_t size)
{
    size_t used = 0;
    int first = next_os(at, count, -1);

    if (size > 0)
        out[0] = '\0';
    while (first != INT_MAX) {
        char *to = used < size ? out + used : NULL;
        size_t room = used < size ? size - used : 0;
        const char *comma = used > 0 ? "," : "";
        int last = first, n, next;

        while ((next = next_os(at, count, last)) == last + 1)
            last = next;
        n = last > first ? snprintf(to, room, "%s%d-%d", comma, first, last)
                         : snprintf(to, room, "%s%d", comma, first);
        used += (size_t)(n > 0 ? n : 0);
        first = next;
    }
    return used;
}
