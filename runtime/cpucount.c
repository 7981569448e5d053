#include "cpucount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- The chain ----------------------------------------------------------- */

/* The decision while it is made. Places of this part are those of the topology. */
struct chain {
    const struct fw_cpu_inputs *in;
    struct fw_limits *limits;
    int npus;
    bool *usable; /* PUs that the masks leave */
    int nusable;
    int of_node; /* PUs of the node before the affinity: what all ranks there share */
    int cores_of_node;
    bool repaired;
};

FURROW_PRINTF(2, 3)
static void warn(struct fw_limits *limits, const char *format, ...)
{
    va_list args;

    if (limits->nwarnings == FW_CPU_WARNINGS)
        return;
    va_start(args, format);
    fw_message_format(limits->warning[limits->nwarnings++], format, args);
    va_end(args);
}

FURROW_PRINTF(5, 6)
static void add(struct fw_limits *limits, enum fw_limit_source source, const char *name, int cpus,
                const char *format, ...)
{
    struct fw_limit *limit = &limits->limit[limits->n++];
    va_list args;

    *limit = (struct fw_limit){ .source = source, .name = name, .applied = cpus > 0, .cpus = cpus };
    va_start(args, format);
    fw_message_format(limit->detail, format, args);
    va_end(args);
}

static const char *plural(int number)
{
    return number == 1 ? "" : "s";
}

static int at_least_one(int cpus)
{
    return cpus > 1 ? cpus : 1;
}

static int local_ranks(const struct chain *c)
{
    const int launched = c->in->launcher != NULL ? c->in->launcher->local_size : 1;

    return c->in->dealt_ranks > launched ? c->in->dealt_ranks : launched;
}

/* CPUs of the node that its ranks share: what the cpuset and a grant leave. */
static int shared_by_ranks(const struct chain *c)
{
    const struct fw_grant *g = c->in->grant;

    if (g != NULL && g->applied && !g->per_rank && g->cpus < c->of_node)
        return g->cpus;
    return c->of_node;
}

/* CPU time of the control groups that this rank may count on; 0: no quota. */
static int quota_of_rank(const struct chain *c)
{
    const struct fw_cgroup *g = c->in->cgroup;
    const int ranks = local_ranks(c);

    if (g == NULL || g->quota == 0)
        return 0;
    return ranks > 1 && !g->quota_is_own ? at_least_one(g->quota / ranks) : g->quota;
}

/* What the rank would have if nothing bound it. */
static int share_of_rank(const struct chain *c)
{
    const struct fw_grant *g = c->in->grant;
    const int most[] = {
        g != NULL && g->applied && g->per_rank ? g->cpus : 0,
        quota_of_rank(c),
        c->in->max_cpus,
    };
    int share = at_least_one(shared_by_ranks(c) / local_ranks(c));

    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++)
        share = most[i] > 0 && most[i] < share ? most[i] : share;
    return share;
}

/* A grant of fewer CPUs than the cpuset leaves is a number: which they are only
 * the binding tells. */
static bool knows_its_set(const struct chain *c)
{
    const struct fw_grant *g = c->in->grant;

    return g == NULL || !g->applied || g->cpus >= c->of_node ||
           (g->per_rank && g->cpus >= (c->of_node + local_ranks(c) - 1) / local_ranks(c));
}

/* -- Masks --------------------------------------------------------------- */

static int count_usable(const struct chain *c)
{
    int n = 0;

    for (int i = 0; i < c->npus; i++)
        n += c->usable[i];
    return n;
}

static int count_cores(const struct chain *c)
{
    const struct fw_pu *pu = c->in->topology->pu;
    int n = 0, last = -1;

    for (int i = 0; i < c->npus; i++) {
        n += c->usable[i] && pu[i].core != last;
        last = c->usable[i] ? pu[i].core : last;
    }
    return n;
}

/* Takes away what a mask does not have; false: nothing would be left, and
 * nothing was taken. */
static bool apply_mask(struct chain *c, hwloc_const_bitmap_t mask)
{
    const struct fw_pu *pu = c->in->topology->pu;
    int left = 0;

    for (int i = 0; i < c->npus; i++)
        left += c->usable[i] && hwloc_bitmap_isset(mask, (unsigned)pu[i].os);
    if (left == 0)
        return false;
    for (int i = 0; i < c->npus; i++)
        c->usable[i] = c->usable[i] && hwloc_bitmap_isset(mask, (unsigned)pu[i].os);
    c->nusable = left;
    return true;
}

static void limit_machine(struct chain *c)
{
    const struct fw_topology *t = c->in->topology;

    add(c->limits, FW_LIMIT_MACHINE, "machine", t->npus, "%d PU%s online%s", t->npus,
        plural(t->npus), t->simulated ? ", simulated" : "");
}

/* hwloc's allowed set, which is the cpuset on this machine and was the recorder's
 * in a file; then the cpuset that the files tell, where hwloc did not see it. */
static void limit_cpuset(struct chain *c)
{
    const struct fw_topology *t = c->in->topology;
    const struct fw_cgroup *g = c->in->cgroup;
    const char *file = g != NULL && g->cpuset[0] != '\0' ? g->cpuset_path : NULL;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();

    for (int i = 0; i < c->npus; i++)
        c->usable[i] = t->pu[i].allowed || t->allowed == 0;
    c->nusable = count_usable(c);
    if (file != NULL && set != NULL && hwloc_bitmap_list_sscanf(set, g->cpuset) == 0 &&
        !apply_mask(c, set))
        warn(c->limits,
             "the cpuset %.60s of %.100s has none of the CPUs that are online and is ignored",
             g->cpuset, file);
    hwloc_bitmap_free(set);
    c->of_node = c->nusable;
    c->cores_of_node = count_cores(c);
    if (c->nusable < c->npus)
        add(c->limits, FW_LIMIT_CPUSET, "cgroup cpuset", c->nusable, "%d of %d PUs allowed%s%.160s",
            c->nusable, c->npus,
            t->simulated   ? " there"
            : file != NULL ? " by "
                           : "",
            file != NULL ? file : "");
}

/* A binding of a launcher that could be widened without taking a CPU of others. */
static bool is_repairable(const struct chain *c)
{
    if (c->in->dealt == NULL && local_ranks(c) > 1 && c->in->launcher != NULL && c->in->launcher->local_rank < 0)
        return false; /* all of them would take the first one's */
    return !c->in->affinity_is_places && c->in->launcher != NULL && c->in->launcher->name != NULL && knows_its_set(c);
}

/* One to fewer CPUs than the rank's share, where it is to be widened. */
static bool is_to_repair(const struct chain *c)
{
    int left = 0;

    if (!c->in->repair || !is_repairable(c))
        return false;
    for (int i = 0; i < c->npus; i++)
        left += c->usable[i] && hwloc_bitmap_isset(c->in->affinity, (unsigned)c->in->topology->pu[i].os);
    return left < share_of_rank(c);
}

static void limit_affinity(struct chain *c)
{
    const char *what = c->in->affinity_is_places ? "OpenMP's places" : "the affinity mask";

    if (c->in->affinity == NULL)
        return;
    c->repaired = is_to_repair(c);
    if (c->repaired) {
        char text[64];

        (void)hwloc_bitmap_list_snprintf(text, sizeof text, c->in->affinity);
        add(c->limits, FW_LIMIT_AFFINITY, "affinity", 0, "not applied: %s bound the rank to %s; FURROW_BIND=repair",
            c->in->launcher->name, text);
        return;
    }
    if (!apply_mask(c, c->in->affinity)) {
        char text[64];

        (void)hwloc_bitmap_list_snprintf(text, sizeof text, c->in->affinity);
        warn(c->limits, "%s, CPUs %s, has none of the %d allowed CPUs and is ignored", what, text,
             c->nusable);
        return;
    }
    add(c->limits, FW_LIMIT_AFFINITY, "affinity", c->nusable, "%d PU%s in %s", c->nusable,
        plural(c->nusable), what);
}

/* -- Counts -------------------------------------------------------------- */

/* Rounded up; the ranks of one group share it, rounded down. */
static void limit_quota(struct chain *c)
{
    const struct fw_cgroup *g = c->in->cgroup;
    const int ranks = local_ranks(c);

    if (g == NULL || g->quota == 0)
        return;
    if (ranks > 1 && !g->quota_is_own)
        add(c->limits, FW_LIMIT_QUOTA, "cgroup quota", quota_of_rank(c),
            "%g CPUs for %d ranks in %.160s", g->quota_cpus, ranks, g->quota_path);
    else
        add(c->limits, FW_LIMIT_QUOTA, "cgroup quota", quota_of_rank(c), "%g CPUs in %.160s",
            g->quota_cpus, g->quota_path);
}

static void limit_grant(struct chain *c)
{
    const struct fw_grant *g = c->in->grant;

    if (g == NULL || g->system == NULL)
        return;
    add(c->limits, FW_LIMIT_GRANT, g->source, g->applied ? g->cpus : 0, "%s%s",
        g->applied ? "" : "not applied: ", g->detail);
    if (g->nonsense)
        warn(c->limits, "%s: %s", g->system, g->detail);
}

/* What is dealt to this rank of what the masks leave it. */
static int count_dealt(const struct chain *c)
{
    int n = 0;

    for (int i = 0; i < c->npus && c->in->dealt != NULL; i++)
        n += c->usable[i] && hwloc_bitmap_isset(c->in->dealt, (unsigned)c->in->topology->pu[i].os);
    return n;
}

static void limit_ranks(struct chain *c)
{
    const int ranks = local_ranks(c), shared = shared_by_ranks(c), dealt = count_dealt(c);
    const int most = shared < c->of_node ? at_least_one(shared / ranks) : c->of_node;

    if (dealt > 0)
        add(c->limits, FW_LIMIT_RANKS, "ranks", dealt < most ? dealt : most,
            "%d CPU%s dealt to this one of %d ranks on the node", dealt, plural(dealt), ranks);
    else if (ranks > 1)
        add(c->limits, FW_LIMIT_RANKS, "ranks", at_least_one(shared / ranks),
            "%d CPU%s of the node for %d ranks (%s)", shared, plural(shared), ranks,
            c->in->launcher != NULL && c->in->launcher->local_from != NULL ? c->in->launcher->local_from : "counted");
}

static void limit_unit(struct chain *c)
{
    const int cores = count_cores(c);

    if (c->in->unit == FW_UNIT_CORE)
        add(c->limits, FW_LIMIT_UNIT, "FURROW_UNIT", cores, "%d core%s with an allowed PU", cores,
            plural(cores));
}

static void limit_max_cpus(struct chain *c)
{
    if (c->in->max_cpus > 0)
        add(c->limits, FW_LIMIT_MAX_CPUS, "FURROW_MAX_CPUS", c->in->max_cpus, "FURROW_MAX_CPUS=%d",
            c->in->max_cpus);
}

static int smallest(struct fw_limits *limits)
{
    limits->winner = 0;
    for (int i = 1; i < limits->n; i++)
        if (limits->limit[i].applied && limits->limit[i].cpus < limits->limit[limits->winner].cpus)
            limits->winner = i;
    return limits->limit[limits->winner].cpus;
}

/* -- Contradictions ------------------------------------------------------ */

/* What the process could have, were it not for the affinity. */
static int due(const struct chain *c, const struct fw_limit **from)
{
    int cpus = c->of_node;

    *from = NULL;
    for (int i = 0; i < c->limits->n; i++) {
        const struct fw_limit *l = &c->limits->limit[i];

        if (!l->applied || l->source == FW_LIMIT_AFFINITY)
            continue;
        if (l->source == FW_LIMIT_GRANT || l->source == FW_LIMIT_RANKS)
            *from = *from == NULL || l->cpus < (*from)->cpus ? l : *from;
        cpus = l->cpus < cpus ? l->cpus : cpus;
    }
    return cpus;
}

static const char *tell_repair(const struct chain *c)
{
    if (is_repairable(c))
        return ", or set FURROW_BIND=repair";
    return c->in->repair && !knows_its_set(c) ? "; FURROW_BIND=repair can't tell which CPUs" : "";
}

static void tell_remedy(const struct chain *c, int cpus, char out[FURROW_MESSAGE])
{
    const char *option = c->in->launcher != NULL ? c->in->launcher->more_cpus : NULL;
    const char *number = option != NULL ? strstr(option, "%d") : NULL;

    if (option != NULL && c->in->launcher->counts_cores)
        cpus = (cpus * c->cores_of_node + c->of_node - 1) / c->of_node;
    if (number == NULL)
        (void)snprintf(out, FURROW_MESSAGE, "look for taskset or numactl in the job script");
    else
        (void)snprintf(out, FURROW_MESSAGE, "use %.*s%d%s%s", (int)(number - option), option, cpus, number + 2,
                       tell_repair(c));
}

/* Users see a bound rank as a slow program: say it. A mask without grant and
 * launcher is what the user made it. */
static void find_contradiction(struct chain *c)
{
    const struct fw_limit *from;
    const int cpus = due(c, &from), has = c->nusable;
    char remedy[FURROW_MESSAGE];

    if (c->in->affinity == NULL || has >= cpus ||
        (from == NULL && (c->in->launcher == NULL || c->in->launcher->name == NULL)))
        return;
    tell_remedy(c, cpus, remedy);
    if (from == NULL)
        warn(c->limits, "the node has %d CPUs for this rank, but its affinity allows %d; %s", cpus,
             has, remedy);
    else
        warn(c->limits, "%s gives %d CPU%s (%.80s), but the affinity allows %d; %s",
             from->source == FW_LIMIT_RANKS ? "the rank's share" : c->in->grant->system, from->cpus,
             plural(from->cpus), from->detail, has, remedy);
}

static void note_nonsense(struct chain *c)
{
    if (c->in->cgroup != NULL && c->in->cgroup->warning[0] != '\0')
        warn(c->limits, "%s", c->in->cgroup->warning);
    if (c->in->launcher != NULL && c->in->launcher->warning[0] != '\0')
        warn(c->limits, "%s", c->in->launcher->warning);
    if (c->in->grant != NULL && c->in->grant->warning[0] != '\0')
        warn(c->limits, "%s", c->in->grant->warning);
}

/* The masks leave what nobody else uses; ranks that share a mask do. */
static bool is_ours(const struct chain *c)
{
    const struct fw_grant *g = c->in->grant;
    const struct fw_launcher *l = c->in->launcher;
    const bool granted = g != NULL && g->applied && g->cpus >= c->nusable;
    const bool launched = l != NULL && l->name != NULL && c->nusable < c->of_node;

    if (c->in->topology->simulated || (local_ranks(c) > 1 && !launched && !c->repaired))
        return false;
    if (c->repaired)
        return true;
    return granted || launched || c->of_node < c->npus;
}

/* -- Which CPUs ---------------------------------------------------------- */

/* Ranks that nothing binds take the PUs of the node in turn; one that does not
 * know its number counts those of the first. */
static void take_slice(struct chain *c)
{
    const int ranks = local_ranks(c), each = c->nusable / ranks;
    int seen = 0, rank;

    if (c->in->dealt != NULL && apply_mask(c, c->in->dealt))
        return;
    if (ranks < 2 || each < 1 || c->nusable < c->of_node)
        return;
    rank = c->in->launcher != NULL && c->in->launcher->local_rank > 0 ? c->in->launcher->local_rank : 0;
    for (int i = 0; i < c->npus; i++)
        if (c->usable[i]) {
            c->usable[i] = seen / each == rank;
            seen++;
        }
    c->nusable = each;
}

/* Takes `count` of the usable PUs: the first of each core, then the second ones,
 * as fewer CPUs than PUs run best on cores of their own. Marks them in `kept`. */
static int keep(const struct chain *c, int count, bool *kept)
{
    const struct fw_pu *pu = c->in->topology->pu;
    const int threads = c->in->unit == FW_UNIT_CORE ? 1 : c->npus;
    int n = 0;

    for (int t = 0, more = 1; t < threads && more && n < count; t++) {
        int last = -1, nth = 0;

        more = 0;
        for (int i = 0; i < c->npus && n < count; i++) {
            if (!c->usable[i])
                continue;
            nth = pu[i].core == last ? nth + 1 : 0;
            last = pu[i].core;
            if (nth == t)
                kept[i] = true, n++;
            more = more || nth > t;
        }
    }
    return n;
}

static void list(const struct fw_topology *t, const bool *kept, struct fw_cpus *out, int *os,
                 int *core, unsigned char *near)
{
    unsigned char nearest = FW_NEAR_CORE;
    int n = 0;

    for (int i = 0; i < t->npus; i++) {
        nearest = t->pu[i].near < nearest ? t->pu[i].near : nearest;
        if (!kept[i])
            continue;
        os[n] = t->pu[i].os;
        core[n] = t->pu[i].core;
        near[n] = n > 0 ? nearest : FW_NEAR_MACHINE;
        out->cores += n == 0 || core[n - 1] != core[n];
        nearest = FW_NEAR_CORE;
        n++;
    }
    out->count = n;
    out->os = os;
    out->core = core;
    out->near = near;
}

/* -- Making -------------------------------------------------------------- */

/* OS indices of the usable PUs; returns how many. */
static int list_usable(const struct chain *c, int *os)
{
    int n = 0;

    for (int i = 0; i < c->npus; i++)
        if (c->usable[i])
            os[n++] = c->in->topology->pu[i].os;
    return n;
}

static void decide(struct chain *c, struct fw_cpus *out, int *allowed, int *portion)
{
    limit_machine(c);
    limit_cpuset(c);
    limit_affinity(c);
    limit_quota(c);
    limit_grant(c);
    limit_ranks(c);
    limit_max_cpus(c);
    find_contradiction(c);
    note_nonsense(c);
    out->simulated = c->in->topology->simulated;
    out->ours = is_ours(c);
    out->repaired = c->repaired;
    out->nallowed = list_usable(c, allowed);
    take_slice(c);
    out->nportion = list_usable(c, portion);
    limit_unit(c);
}

furrow_status fw_cpus_create(const struct fw_cpu_inputs *in, struct fw_cpus **out)
{
    const size_t npus = (size_t)in->topology->npus;
    struct fw_cpus *made =
        calloc(1, sizeof *made + npus * (4 * sizeof(int) + 1)); /* often kept for the process's
                                                                                    * life: not counted */
    bool *marks = calloc(2 * npus, sizeof *marks);
    struct chain chain = { .in = in, .npus = in->topology->npus, .usable = marks };
    int *os;

    if (made == NULL || marks == NULL) {
        free(made);
        free(marks);
        return fw_fail(FURROW_ENOMEM,
                       "no memory for a list of %zu CPUs; give the program more memory", npus);
    }
    chain.limits = &made->limits;
    os = (int *)(void *)(made + 1);
    made->allowed = os + 2 * npus;
    made->portion = os + 3 * npus;
    decide(&chain, made, os + 2 * npus, os + 3 * npus);
    (void)keep(&chain, smallest(&made->limits), marks + npus);
    list(in->topology, marks + npus, made, os, os + npus, (unsigned char *)(os + 4 * npus));
    free(marks);
    *out = made;
    return FURROW_OK;
}

void fw_cpus_destroy(struct fw_cpus *cpus)
{
    free(cpus);
}

int fw_cpus_cores(const struct fw_cpus *cpus, const int *at, int count)
{
    int n = 0;

    for (int i = 0; i < count; i++)
        n += i == 0 || cpus->core[at[i]] != cpus->core[at[i - 1]];
    return n;
}
