/* The chain of limits: which wins, what is said of it, what contradicts. */
#include <criterion/criterion.h>
#include <string.h>

#include "runtime/cpus.h"

#define MPIRUN "mpirun --map-by slot:PE=%d (or --bind-to none)"

struct row {
    const char *claim;
    const char *machine; /* hwloc's description */
    const char *affinity;
    bool places;
    int quota;           /* CPUs; 0: none */
    bool own_quota;
    const char *cpuset;
    int grant;           /* 0: none, -1: not applied */
    bool per_rank;
    int ranks, rank;     /* 0: no launcher */
    const char *dealt;   /* to this of four ranks; NULL: they have not dealt */
    bool repair, repaired;
    enum fw_unit unit;
    int max_cpus;
    int want;
    const char *winner;
    const char *cpus;    /* OS indices; NULL: any */
    const char *portion; /* what a repaired rank is bound to; NULL: any */
    const char *warns;   /* part of a warning; NULL: none */
    const char *warns_not; /* no part of it */
    bool ours;
};

static const struct row rows[] = {
    { "a machine alone", "core:8 pu:1", "0-7", .want = 8, .winner = "machine", .cpus = "0-7" },
    { "the affinity", "core:8 pu:1", "2-4", .want = 3, .winner = "affinity", .cpus = "2-4" },
    { "OpenMP's places", "core:8 pu:1", "0-7", .places = true, .want = 8, .winner = "machine" },
    { "a quota", "core:8 pu:1", "0-7", .quota = 2, .want = 2, .winner = "cgroup quota" },
    { "a quota takes cores before second PUs", "core:4 pu:2", "0-7", .quota = 3, .want = 3, .winner = "cgroup quota",
      .cpus = "0,2,4" },
    { "a quota above the machine is none", "core:8 pu:1", "0-7", .quota = 64, .want = 8, .winner = "machine" },
    { "a quota for two ranks", "core:8 pu:1", "0-7", .quota = 3, .ranks = 2, .want = 1, .winner = "cgroup quota" },
    { "a quota of each rank", "core:8 pu:1", "0-7", .quota = 3, .own_quota = true, .ranks = 2, .want = 3,
      .winner = "cgroup quota" },
    { "a quota for more ranks than CPUs is one each", "core:8 pu:1", "0-7", .quota = 2, .ranks = 8, .want = 1,
      .winner = "cgroup quota" },
    { "a cpuset", "core:8 pu:1", "0-7", .cpuset = "4-7", .want = 4, .winner = "cgroup cpuset", .cpus = "4-7", .ours = true },
    { "a cpuset disjoint from the affinity", "core:8 pu:1", "0-1", .cpuset = "4-7", .want = 4,
      .winner = "cgroup cpuset", .cpus = "4-7", .warns = "has none of the 4 allowed CPUs", .ours = true },
    { "a cpuset of CPUs that are not there", "core:4 pu:1", "0-3", .cpuset = "8-11", .want = 4, .winner = "machine",
      .warns = "has none of the CPUs that are online" },
    { "a grant", "core:8 pu:1", "0-7", .grant = 4, .want = 4, .winner = "slurm" },
    { "a grant without evidence", "core:8 pu:1", "0-7", .grant = -1, .want = 8, .winner = "machine" },
    { "a grant of the whole node is ours", "core:8 pu:1", "0-7", .grant = 8, .want = 8, .winner = "machine", .ours = true },
    { "a grant with its cpuset is ours", "core:8 pu:1", "0-3", .cpuset = "0-3", .grant = 4, .want = 4,
      .winner = "cgroup cpuset", .ours = true },
    { "a grant of 16, an affinity of 1", "core:16 pu:1", "0", .grant = 16, .ranks = 1, .want = 1, .winner = "affinity",
      .warns = "Slurm gives 16 CPUs (as granted), but the affinity allows 1; use mpirun --map-by slot:PE=16", .ours = true },
    { "the same without a launcher", "core:16 pu:1", "0", .grant = 16, .want = 1, .winner = "affinity",
      .warns = "look for taskset", .ours = true },
    { "one rank bound to one core", "core:8 pu:1", "0", .ranks = 1, .want = 1, .winner = "affinity",
      .warns = "the node has 8 CPUs for this rank, but its affinity allows 1", .ours = true },
    { "a mask that the user made", "core:8 pu:1", "0", .want = 1, .winner = "affinity" },
    { "as few CPUs as asked are no contradiction", "core:8 pu:1", "0", .ranks = 1, .max_cpus = 1, .want = 1,
      .winner = "affinity", .ours = true },
    { "two ranks unbound", "core:8 pu:1", "0-7", .ranks = 2, .rank = 1, .want = 4, .winner = "ranks", .cpus = "4-7" },
    { "three ranks, seven CPUs", "core:7 pu:1", "0-6", .ranks = 3, .rank = 2, .want = 2, .winner = "ranks", .cpus = "4-5" },
    { "ranks that do not know their number", "core:8 pu:1", "0-7", .ranks = 4, .rank = -1, .want = 2, .winner = "ranks" },
    { "more ranks than CPUs", "core:2 pu:1", "0-1", .ranks = 3, .rank = 2, .want = 1, .winner = "ranks" },
    { "two ranks bound to half of it each", "core:8 pu:1", "4-7", .ranks = 2, .rank = 1, .want = 4, .winner = "affinity",
      .cpus = "4-7", .ours = true },
    { "two ranks bound to one core each", "core:8 pu:1", "1", .ranks = 2, .rank = 1, .want = 1, .winner = "affinity",
      .warns = "the rank's share gives 4 CPUs", .ours = true },
    { "ranks that share a grant", "core:8 pu:1", "0-7", .grant = 4, .ranks = 2, .want = 2, .winner = "ranks" },
    { "a grant of one rank", "core:8 pu:1", "0-7", .grant = 3, .per_rank = true, .ranks = 2, .want = 3, .winner = "slurm" },
    { "more cores to a rank", "core:8 pu:2", "0-1", .ranks = 2, .want = 2, .winner = "affinity",
      .warns = "but the affinity allows 2; use mpirun --map-by slot:PE=4 (or --bind-to none), or set FURROW_BIND=repair",
      .ours = true },
    { "ranks that have dealt", "core:7 pu:1", "0-6", .ranks = 4, .rank = 2, .dealt = "4-5", .want = 2, .winner = "ranks",
      .cpus = "4-5" },
    { "dealt by a launcher that furrow does not know", "core:8 pu:1", "0-7", .dealt = "4-5", .want = 2, .winner = "ranks",
      .cpus = "4-5" },
    { "nothing was left to deal", "core:2 pu:1", "0-1", .ranks = 4, .rank = 3, .dealt = "", .want = 1, .winner = "ranks" },
    { "what was dealt above the grant", "core:8 pu:1", "0-7", .grant = 4, .ranks = 4, .dealt = "2-3", .want = 1,
      .winner = "ranks", .cpus = "2" },
    { "a binding repaired", "core:8 pu:1", "0", .ranks = 1, .repair = true, .repaired = true, .want = 8,
      .winner = "machine", .cpus = "0-7", .ours = true },
    { "two bindings repaired", "core:8 pu:1", "1", .ranks = 2, .rank = 1, .repair = true, .repaired = true, .want = 4,
      .winner = "ranks", .cpus = "4-7", .ours = true },
    { "a binding that is wide enough", "core:8 pu:1", "0-3", .ranks = 2, .rank = 0, .repair = true, .want = 4,
      .winner = "affinity", .cpus = "0-3", .ours = true },
    { "a grant of a rank, bound to it", "core:64 pu:1", "10-11", .grant = 2, .per_rank = true, .ranks = 1, .repair = true,
      .want = 2, .winner = "affinity", .cpus = "10-11", .ours = true },
    { "a grant of a rank, bound to half of it", "core:64 pu:1", "10", .grant = 2, .per_rank = true, .ranks = 1, .repair = true,
      .want = 1, .winner = "affinity", .cpus = "10",
      .warns = "slot:PE=2 (or --bind-to none); FURROW_BIND=repair can't tell which CPUs", .ours = true },
    { "a grant of a part of the node", "core:64 pu:1", "10", .grant = 4, .ranks = 1, .repair = true, .want = 1,
      .winner = "affinity", .cpus = "10", .warns = "FURROW_BIND=repair can't tell which CPUs", .ours = true },
    { "a grant of a part is not to be repaired", "core:64 pu:1", "10", .grant = 4, .ranks = 1, .want = 1,
      .winner = "affinity", .warns = "slot:PE=4 (or --bind-to none)", .warns_not = "repair", .ours = true },
    { "a grant of its cpuset repaired", "core:64 pu:1", "10", .cpuset = "10-13", .grant = 4, .ranks = 1, .repair = true,
      .repaired = true, .want = 4, .winner = "cgroup cpuset", .cpus = "10-13", .portion = "10-13", .ours = true },
    { "grants of ranks that cover the node", "core:8 pu:1", "4", .grant = 4, .per_rank = true, .ranks = 2, .rank = 1,
      .repair = true, .repaired = true, .want = 4, .winner = "slurm", .cpus = "4-7", .portion = "4-7", .ours = true },
    { "grants of ranks above the node", "core:8 pu:1", "0-5", .grant = 8, .per_rank = true, .ranks = 2, .rank = 1,
      .repair = true, .want = 4, .winner = "ranks", .ours = true },
    { "a quota as small as the binding", "core:8 pu:1", "5-6", .quota = 2, .ranks = 1, .repair = true, .want = 2,
      .winner = "affinity", .cpus = "5-6", .ours = true },
    { "FURROW_MAX_CPUS as small as the binding", "core:8 pu:1", "5", .max_cpus = 1, .ranks = 1, .repair = true, .want = 1,
      .winner = "affinity", .cpus = "5", .ours = true },
    { "a quota is a number: bound to all", "core:8 pu:1", "5", .quota = 2, .ranks = 1, .repair = true, .repaired = true,
      .want = 2, .winner = "cgroup quota", .portion = "0-7", .ours = true },
    { "repaired to what was dealt", "core:8 pu:1", "1", .ranks = 4, .rank = 1, .dealt = "6-7", .repair = true,
      .repaired = true, .want = 2, .winner = "ranks", .cpus = "6-7", .portion = "6-7", .ours = true },
    { "a mask of the user's is not repaired", "core:8 pu:1", "0", .repair = true, .want = 1, .winner = "affinity" },
    { "FURROW_MAX_CPUS", "core:8 pu:1", "0-7", .max_cpus = 5, .want = 5, .winner = "FURROW_MAX_CPUS" },
    { "FURROW_MAX_CPUS above the rest", "core:8 pu:1", "0-3", .max_cpus = 5, .want = 4, .winner = "affinity" },
    { "FURROW_UNIT=core", "core:4 pu:2", "0-7", .unit = FW_UNIT_CORE, .want = 4, .winner = "FURROW_UNIT", .cpus = "0,2,4,6" },
    { "FURROW_UNIT=core under a mask", "core:4 pu:2", "1-3", .unit = FW_UNIT_CORE, .want = 2, .winner = "FURROW_UNIT",
      .cpus = "1-2" },
    { "FURROW_UNIT=core and two ranks", "core:4 pu:2", "0-7", .unit = FW_UNIT_CORE, .ranks = 2, .rank = 1, .want = 2,
      .winner = "FURROW_UNIT", .cpus = "4,6" },
};

/* What a row's inputs are made of. */
struct around {
    struct fw_cgroup cgroup;
    struct fw_grant grant;
    struct fw_launcher launcher;
    struct fw_topology *topology;
    hwloc_bitmap_t affinity, dealt;
};

static struct fw_cpu_inputs surround(const struct row *row, struct around *a)
{
    struct fw_cpu_inputs in = { .affinity_is_places = row->places, .unit = row->unit, .max_cpus = row->max_cpus };

    memset(a, 0, sizeof *a);
    cr_assert_eq(fw_topology_create(FW_MACHINE_SYNTHETIC, row->machine, "the row", &a->topology), FURROW_OK);
    a->topology->simulated = false; /* so that what limits this machine counts */
    in.topology = a->topology;
    in.affinity = a->affinity = hwloc_bitmap_alloc();
    hwloc_bitmap_list_sscanf(a->affinity, row->affinity);
    a->dealt = hwloc_bitmap_alloc();
    if (row->dealt != NULL) {
        hwloc_bitmap_list_sscanf(a->dealt, row->dealt);
        in.dealt = *row->dealt != '\0' ? a->dealt : NULL;
        in.dealt_ranks = 4;
    }
    in.repair = row->repair;
    a->cgroup = (struct fw_cgroup){ .quota = row->quota, .quota_cpus = row->quota, .quota_path = "/cg/cpu.max",
                                    .quota_is_own = row->own_quota, .cpuset_path = "/cg/cpuset.cpus" };
    if (row->cpuset != NULL)
        strcpy(a->cgroup.cpuset, row->cpuset);
    in.cgroup = &a->cgroup;
    if (row->grant != 0)
        a->grant = (struct fw_grant){ .system = "Slurm", .source = "slurm", .applied = row->grant > 0,
                                      .cpus = row->grant > 0 ? row->grant : 0, .per_rank = row->per_rank,
                                      .detail = "as granted" };
    in.grant = &a->grant;
    a->launcher = (struct fw_launcher){ .local_size = row->ranks > 0 ? row->ranks : 1, .local_rank = row->rank,
                                        .local_from = "LOCAL_SIZE", .name = row->ranks > 0 ? "Open MPI" : NULL,
                                        .more_cpus = row->ranks > 0 ? MPIRUN : NULL, .counts_cores = true };
    in.launcher = &a->launcher;
    return in;
}

static void check_cpus(const char *claim, const char *want, const int *os, int n)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    char text[256];

    for (int i = 0; i < n; i++)
        hwloc_bitmap_set(set, (unsigned)os[i]);
    (void)hwloc_bitmap_list_snprintf(text, sizeof text, set);
    if (want != NULL)
        cr_expect_str_eq(text, want, "%s: CPUs %s", claim, text);
    hwloc_bitmap_free(set);
}

Test(limits, the_smallest_wins_and_says_why)
{
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct row *row = &rows[r];
        struct around around;
        const struct fw_cpu_inputs in = surround(row, &around);
        const struct fw_limits *l;
        struct fw_cpus *got;

        cr_assert_eq(fw_cpus_create(&in, &got), FURROW_OK);
        l = &got->limits;
        cr_expect_eq(got->count, row->want, "%s: %d CPUs", row->claim, got->count);
        cr_expect_str_eq(l->limit[l->winner].name, row->winner, "%s: %s", row->claim, l->limit[l->winner].name);
        cr_expect_eq(got->ours, row->ours, "%s: ours", row->claim);
        cr_expect_eq(got->repaired, row->repaired, "%s: repaired", row->claim);
        for (int i = 0; i < l->n; i++)
            cr_expect(l->limit[i].detail[0] != '\0' && l->limit[i].applied == (l->limit[i].cpus > 0), "%s: %s",
                      row->claim, l->limit[i].name);
        cr_expect_eq(l->nwarnings > 0, row->warns != NULL, "%s: %s", row->claim, l->warning[0]);
        if (row->warns != NULL)
            cr_expect_not_null(strstr(l->warning[0], row->warns), "%s: %s", row->claim, l->warning[0]);
        if (row->warns_not != NULL)
            cr_expect_null(strstr(l->warning[0], row->warns_not), "%s: %s", row->claim, l->warning[0]);
        check_cpus(row->claim, row->cpus, got->os, got->count);
        check_cpus(row->claim, row->portion, got->portion, got->nportion);
        fw_cpus_destroy(got);
        fw_topology_destroy(around.topology);
        hwloc_bitmap_free(around.affinity);
        hwloc_bitmap_free(around.dealt);
    }
}

Test(limits, a_grant_without_evidence_says_so)
{
    static const struct row row = { "", "core:8 pu:1", "0-7", .grant = -1 };
    struct around around;
    const struct fw_cpu_inputs in = surround(&row, &around);
    struct fw_cpus *got;

    cr_assert_eq(fw_cpus_create(&in, &got), FURROW_OK);
    for (int i = 0; i < got->limits.n; i++)
        if (got->limits.limit[i].source == FW_LIMIT_GRANT)
            cr_expect_str_eq(got->limits.limit[i].detail, "not applied: as granted");
    fw_cpus_destroy(got);
    fw_topology_destroy(around.topology);
    hwloc_bitmap_free(around.affinity);
    hwloc_bitmap_free(around.dealt);
}

/* -- The process's ------------------------------------------------------- */

Test(limits, the_same_deal_again_changes_nothing)
{
    const struct fw_cpus *before = fw_cpus(), *dealt, *shared;
    const int os = before->allowed[before->nallowed - 1];

    cr_assert_eq(fw_cpus_dealt(&os, 1, 2), FURROW_OK);
    dealt = fw_cpus();
    cr_assert_neq(dealt, before);
    cr_expect_eq(dealt->count, 1);
    cr_expect_eq(dealt->os[0], os);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(fw_cpus_dealt(&os, 1, 2), FURROW_OK);
        cr_assert_eq(fw_cpus(), dealt, "time %d", i);
    }
    cr_assert_eq(fw_cpus_dealt(NULL, 0, 2), FURROW_OK);
    shared = fw_cpus();
    cr_expect_neq(shared, dealt, "a deal that leaves nothing is another one");
    cr_assert_eq(fw_cpus_dealt(NULL, 0, 2), FURROW_OK);
    cr_expect_eq(fw_cpus(), shared);
    cr_assert_eq(fw_cpus_dealt(NULL, 0, 3), FURROW_OK);
    cr_expect_neq(fw_cpus(), shared, "more ranks are another deal");
}

Test(limits, what_was_dealt_stays_readable_and_the_ninth_is_not_taken)
{
    const struct fw_cpus *seen[9] = { fw_cpus() };
    const int cpus = seen[0]->count;

    for (int i = 1; i < 9; i++) {
        cr_assert_eq(fw_cpus_dealt(NULL, 0, i + 1), FURROW_OK);
        seen[i] = fw_cpus();
        cr_expect_neq(seen[i], seen[i - 1], "deal %d", i);
    }
    cr_expect_eq(seen[0]->count, cpus);
    cr_assert_eq(fw_cpus_dealt(NULL, 0, 10), FURROW_OK);
    cr_expect_eq(fw_cpus(), seen[8]);
}
