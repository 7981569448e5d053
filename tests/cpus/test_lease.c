/* Cutting leases: every property by brute force on small machines. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/lease.h"

enum { MOST = 12 };

/* What a cut is worth, as lease.h says: edges of packages first, then of NUMA
 * nodes, ...; as digits of one number, the first the highest. */
static long long value(const unsigned char *near, const int *first, int workers)
{
    long long v = 0;

    for (int level = FW_NEAR_MACHINE; level < FW_NEAR_CORE; level++) {
        int cuts = 0;

        for (int w = 1; w < workers; w++)
            cuts += near[first[w]] == level;
        v = 100 * v + cuts;
    }
    return v;
}

/* The best of all cuts into shares that differ by at most one. */
static long long best_of_all(const unsigned char *near, int count, int workers)
{
    long long best = -1;

    for (unsigned larger = 0; larger < 1u << workers; larger++) {
        int first[MOST + 1] = { 0 };

        if (__builtin_popcount(larger) != count % workers)
            continue;
        for (int w = 0; w < workers; w++)
            first[w + 1] = first[w] + count / workers + ((larger >> w) & 1);
        if (value(near, first, workers) > best)
            best = value(near, first, workers);
    }
    return best;
}

Test(lease, is_cut_as_well_as_can_be)
{
    unsigned char near[MOST];

    srand(7);
    for (int round = 0; round < 400; round++) {
        const int count = 1 + rand() % MOST;

        for (int i = 0; i < count; i++)
            near[i] = (unsigned char)(rand() % (FW_NEAR_CORE + 1));
        for (int workers = 1; workers <= count; workers++) {
            int first[MOST + 1], larger = 0;

            fw_lease_cut(near, count, workers, first);
            cr_assert(first[0] == 0 && first[workers] == count);
            for (int w = 0; w < workers; w++) {
                const int size = first[w + 1] - first[w];

                cr_assert(size == count / workers || size == count / workers + 1);
                larger += size > count / workers;
            }
            cr_assert_eq(larger, count % workers);
            cr_assert_eq(value(near, first, workers), best_of_all(near, count, workers),
                         "round %d: %d CPUs, %d workers", round, count, workers);
        }
    }
}

Test(lease, has_the_larger_shares_first_where_all_cuts_are_alike)
{
    static const unsigned char alike[] = { 0, 3, 3, 3, 3, 3, 3, 3 };
    int first[4];

    fw_lease_cut(alike, 8, 3, first);
    cr_expect(first[1] == 3 && first[2] == 6 && first[3] == 8);
}

/* The job that holds part of the CPUs leaves holes in what the next one gets. */
Test(lease, with_holes_is_cut_where_the_machine_is)
{
    static const int os[] = { 0, 1, 2, 3, 4, 5, 6, 7 }, core[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    static const unsigned char near[] = { 0, 2, 2, 2, 0, 2, 2, 2 }; /* two packages of four */
    static const int at[] = { 0, 1, 5, 6, 7 };
    const struct fw_cpus cpus = { .count = 8, .os = os, .core = core, .near = near };
    int first[3];

    fw_lease_deal(&cpus, at, 5, 2, first);
    cr_expect(first[0] == 0 && first[1] == 2 && first[2] == 5);
}

Test(lease, of_more_workers_than_cpus_is_one_cpu_shared_in_turn)
{
    static const int os[] = { 4, 9, 2 }, core[] = { 0, 1, 2 }, at[] = { 0, 1, 2 };
    static const unsigned char near[] = { 0, 2, 2 };
    const struct fw_cpus cpus = { .count = 3, .os = os, .core = core, .near = near };
    int first[8], seen[3] = { 0 };

    fw_lease_deal(&cpus, at, 3, 7, first);
    for (int w = 0; w < 7; w++) {
        cr_expect_eq(fw_lease_size(first, 3, 7, w), 1);
        seen[first[w]]++;
    }
    cr_expect(seen[0] == 3 && seen[1] == 2 && seen[2] == 2);
}

Test(lease, is_named_as_hwloc_does)
{
    static const int os[] = { 0, 8, 1, 9, 2, 3 }, core[] = { 0, 0, 1, 1, 2, 3 };
    static const unsigned char near[] = { 0, 5, 2, 5, 2, 2 };
    const struct fw_cpus cpus = { .count = 6, .os = os, .core = core, .near = near };
    static const int all[] = { 0, 1, 2, 3, 4, 5 };
    char text[32];

    cr_expect_eq(fw_lease_text(&cpus, all, 6, text, sizeof text), strlen("0-3,8-9"));
    cr_expect_str_eq(text, "0-3,8-9");
    (void)fw_lease_text(&cpus, all + 1, 2, text, sizeof text);
    cr_expect_str_eq(text, "1,8");
    cr_expect_eq(fw_lease_text(&cpus, all, 6, text, 3), strlen("0-3,8-9"));
    cr_expect_str_eq(text, "0-");
    cr_expect_eq(fw_lease_text(&cpus, all, 6, NULL, 0), strlen("0-3,8-9"));
}

Test(lease, is_held_by_one_job_at_a_time)
{
    const int count = fw_cpus()->count;
    int *one = malloc((size_t)count * sizeof *one), *two = malloc((size_t)count * sizeof *two);
    const int most = count > 1 ? count - 1 : 1;
    int n, m;

    cr_assert(one != NULL && two != NULL);
    cr_expect_eq(fw_lease_free(count), count);
    n = fw_lease_hold(most, one);
    cr_expect_eq(n, most);
    cr_expect_eq(fw_lease_free(count), count > 1 ? 1 : 1);
    m = fw_lease_hold(count, two);
    cr_expect_eq(m, 1, "a job has at least one CPU");
    if (count > 1)
        cr_expect_eq(two[0], count - 1);
    fw_lease_release(two, m);
    fw_lease_release(one, n);
    cr_expect_eq(fw_lease_free(count), count);
    free(one);
    free(two);
}
