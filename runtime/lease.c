#include "lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "memory.h"
#include "plan.h"

/* -- Holding ------------------------------------------------------------- */

static int *held; /* by place: jobs that hold the CPU; guarded by `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int holders; /* jobs that hold CPUs; changed under `lock` */

static int told_apart; /* CPUs that `held` has room for */

/* What was held is held by jobs of the process that forked. */
void fw_lease_in_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    if (held != NULL)
        memset(held, 0, (size_t)told_apart * sizeof *held);
    atomic_store(&holders, 0);
}

static void make_held(void)
{
    static int one;

    fw_child_expect();
    told_apart = fw_cpus()->nallowed; /* of which any may come to count: fw_cpus_dealt() */
    held = calloc((size_t)told_apart, sizeof *held); /* kept for the process's life: not counted */
    if (held == NULL) {
        held = &one;
        told_apart = 1;
    }
}

/* CPUs that can be held: all of them, but in a process without memory. */
static int countable(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, make_held);
    return fw_cpus()->count < told_apart ? fw_cpus()->count : told_apart;
}

/* lock held. The CPU that the fewest jobs hold. */
static int least_held(int count)
{
    int best = 0;

    for (int i = 1; i < count; i++)
        if (held[i] < held[best])
            best = i;
    return best;
}

/* lock held */
static void add_holder(const int *at, int count)
{
    for (int i = 0; i < count; i++)
        held[at[i]]++;
    atomic_fetch_add(&holders, 1);
}

bool fw_lease_all_free(void)
{
    return atomic_load_explicit(&holders, memory_order_relaxed) == 0;
}

void fw_lease_take(const int *at, int count)
{
    (void)countable();
    (void)pthread_mutex_lock(&lock);
    add_holder(at, count);
    (void)pthread_mutex_unlock(&lock);
}

int fw_lease_hold(int most, int *at)
{
    const int count = countable();
    int n = 0;

    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < count && n < most; i++)
        if (held[i] == 0)
            at[n++] = i;
    if (n == 0)
        at[n++] = least_held(count);
    add_holder(at, n);
    (void)pthread_mutex_unlock(&lock);
    return n;
}

void fw_lease_release(const int *at, int count)
{
    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < count; i++)
        held[at[i]] -= held[at[i]] > 0; /* 0: held before this process was forked */
    if (atomic_load(&holders) > 0)
        atomic_fetch_sub(&holders, 1);
    (void)pthread_mutex_unlock(&lock);
}

int fw_lease_free(int most)
{
    const int count = countable();
    int n = 0;

    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < count && n < most; i++)
        n += held[i] == 0;
    (void)pthread_mutex_unlock(&lock);
    return n > 0 ? n : 1;
}

/* -- Cutting ------------------------------------------------------------- */

/* What a cut in front of a CPU is worth: one at a package's edge more than any
 * number at a NUMA node's, and so on. Fields of 12 bits count up to 4095 cuts. */
static uint64_t worth(unsigned char near)
{
    enum { BITS = 12 };

    return near >= FW_NEAR_CORE ? 0 : (uint64_t)1 << (BITS * (FW_NEAR_CORE - 1 - near));
}

static void cut_larger_first(int count, int workers, int *first)
{
    for (int w = 0; w < workers; w++)
        (void)fw_plan_share(count, workers, w, &first[w]);
    first[workers] = count;
}

/* Best cuts in front of each worker, by how many of the workers before have the
 * larger share: best[j] after worker w; larger[w * (larger shares + 1) + j] says
 * whether that worker was one of them. */
struct table {
    uint64_t *best;
    unsigned char *larger;
    int each, more; /* the smaller share; how many are larger by one */
};

/* Adds worker w, which ends at w * each + each + j. Downwards, as j - 1 is the
 * state before. */
static void add_worker(struct table *t, const unsigned char *near, int count, int w)
{
    for (int j = w + 1 < t->more ? w + 1 : t->more; j >= 0; j--) {
        const bool small = j <= w, large = j > 0;
        const bool take = large && (!small || t->best[j - 1] > t->best[j]);
        const int end = (w + 1) * t->each + j;

        t->larger[(size_t)w * (size_t)(t->more + 1) + (size_t)j] = take;
        t->best[j] = (take ? t->best[j - 1] : t->best[j]) + (end < count ? worth(near[end]) : 0);
    }
}

static void read_back(const struct table *t, int workers, int count, int *first)
{
    int j = t->more, end = count;

    for (int w = workers - 1; w >= 0; w--) {
        const bool larger = t->larger[(size_t)w * (size_t)(t->more + 1) + (size_t)j] != 0;

        first[w + 1] = end;
        end -= t->each + larger;
        j -= larger;
    }
    first[0] = end;
}

/* Whether all neighbours are alike, so that no cut is better than another. */
static bool even(const unsigned char *near, int count)
{
    for (int i = 2; i < count; i++)
        if (near[i] != near[1])
            return false;
    return true;
}

void fw_lease_cut(const unsigned char *near, int count, int workers, int *first)
{
    struct table t = { .each = count / workers, .more = count % workers };
    const size_t states = (size_t)t.more + 1;

    cut_larger_first(count, workers, first);
    if (t.more == 0 || even(near, count))
        return;
    t.best = fw_malloc(states * sizeof *t.best + (size_t)workers * states);
    if (t.best == NULL)
        return;
    memset(t.best, 0, states * sizeof *t.best);
    t.larger = (unsigned char *)(t.best + states);
    for (int w = 0; w < workers; w++)
        add_worker(&t, near, count, w);
    read_back(&t, workers, count, first);
    fw_free(t.best);
}

/* What each place shares with the one before it in the lease: the least of what
 * the places between them share. */
static void fill_near(const struct fw_cpus *cpus, const int *at, int count, unsigned char *near)
{
    near[0] = FW_NEAR_MACHINE;
    for (int i = 1; i < count; i++) {
        near[i] = FW_NEAR_CORE;
        for (int place = at[i - 1] + 1; place <= at[i]; place++)
            near[i] = cpus->near[place] < near[i] ? cpus->near[place] : near[i];
    }
}

void fw_lease_deal(const struct fw_cpus *cpus, const int *at, int count, int workers, int *first)
{
    enum { FEW = 256 };
    unsigned char few[FEW], *near = few;

    if (workers > count) {
        for (int w = 0; w <= workers; w++)
            first[w] = w % count;
        return;
    }
    cut_larger_first(count, workers, first);
    if (count % workers == 0)
        return;
    if (count > FEW)
        near = fw_malloc((size_t)count);
    if (near == NULL)
        return;
    fill_near(cpus, at, count, near);
    fw_lease_cut(near, count, workers, first);
    if (near != few)
        fw_free(near);
}

/* -- Naming -------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

/* A sorted list as text. */
static size_t write_list(const int *os, int count, char *out, size_t size)
{
    size_t used = 0;

    if (size > 0)
        out[0] = '\0';
    for (int i = 0, last; i < count; i = last + 1) {
        char *to = used < size ? out + used : NULL;
        const size_t room = used < size ? size - used : 0;
        const char *comma = used > 0 ? "," : "";
        int n;

        for (last = i; last + 1 < count && os[last + 1] <= os[last] + 1; last++)
            ;
        n = os[last] > os[i] ? snprintf(to, room, "%s%d-%d", comma, os[i], os[last])
                             : snprintf(to, room, "%s%d", comma, os[i]);
        used += (size_t)(n > 0 ? n : 0);
    }
    return used;
}

size_t fw_lease_text(const struct fw_cpus *cpus, const int *at, int count, char *out, size_t size)
{
    enum { FEW = 128 };
    int few[FEW], *os = count > FEW ? fw_malloc((size_t)count * sizeof *os) : few;
    bool sorted = true;
    size_t used;

    if (os == NULL) {
        if (size > 0)
            out[0] = '\0';
        return 0;
    }
    for (int i = 0; i < count; i++) {
        os[i] = cpus->os[at[i]];
        sorted = sorted && (i == 0 || os[i - 1] < os[i]);
    }
    if (!sorted)
        qsort(os, (size_t)count, sizeof *os, by_value);
    used = write_list(os, count, out, size);
    if (os != few)
        fw_free(os);
    return used;
}
