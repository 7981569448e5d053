/* Which CPUs a process and its jobs may use. Machines are data: lists of PUs, or
 * hwloc's synthetic ones, which a process sees in place of its own. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cpus.h"

/* -- Limits ----------------------------------------------------------------- */

/* PUs in hwloc's order, with their cores. */
static struct fw_pu two_by_two[] = { { 0, 0 }, { 2, 0 }, { 1, 1 }, { 3, 1 } };
static struct fw_pu flat[] = { { 4, 0 }, { 5, 1 }, { 6, 2 } };
static struct fw_pu uneven[] = { { 0, 0 }, { 1, 1 }, { 5, 1 }, { 6, 1 }, { 2, 2 } };

static const struct {
    const char *claim;
    struct fw_pu *pu;
    int npus;
    enum fw_unit unit;
    int max_cpus, n;
    int kept[5];
} limits[] = {
    { "all PUs", two_by_two, 4, FW_UNIT_PU, 0, 4, { 0, 1, 2, 3 } },
    { "the first of each core", two_by_two, 4, FW_UNIT_CORE, 0, 2, { 0, 2 } },
    { "as many as the limit, in order", two_by_two, 4, FW_UNIT_PU, 3, 3, { 0, 1, 2 } },
    { "the limit counts cores", two_by_two, 4, FW_UNIT_CORE, 1, 1, { 0 } },
    { "a limit above what there is", two_by_two, 4, FW_UNIT_PU, 100, 4, { 0, 1, 2, 3 } },
    { "cores of one PU", flat, 3, FW_UNIT_CORE, 2, 2, { 0, 1 } },
    { "cores of unequal size", uneven, 5, FW_UNIT_CORE, 0, 3, { 0, 1, 4 } },
    { "one", flat, 1, FW_UNIT_PU, 1, 1, { 0 } },
};

Test(cpus, are_limited_by_unit_and_number)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct fw_topology machine = { limits[i].npus, limits[i].pu, true };
        int kept[5] = { -1, -1, -1, -1, -1 };

        cr_expect(fw_cpus_limit(&machine, limits[i].unit, limits[i].max_cpus, kept) == limits[i].n,
                  "%s", limits[i].claim);
        for (int k = 0; k < limits[i].n; k++)
            cr_expect(kept[k] == limits[i].kept[k], "%s: place %d is %d", limits[i].claim, k,
                      kept[k]);
    }
}

/* -- The CPUs of this process ------------------------------------------------- */

/* Before the first question; each test is a process of its own. */
static void become(const char *machine)
{
    cr_assert(setenv("HWLOC_SYNTHETIC", machine, 1) == 0);
}

static const char eight[] = "core:4 pu:2(indexes=0,4,1,5,2,6,3,7)";

Test(cpus, come_in_the_order_of_hwloc)
{
    static const int os[8] = { 0, 4, 1, 5, 2, 6, 3, 7 };

    become(eight);
    cr_assert(fw_cpus()->count == 8, "%d", fw_cpus()->count);
    for (int i = 0; i < 8; i++)
        cr_expect(fw_cpus()->os[i] == os[i] && fw_cpus()->core[i] == i / 2, "place %d: %d", i,
                  fw_cpus()->os[i]);
}

Test(cpus, follow_the_environment)
{
    become(eight);
    cr_assert(setenv("FURROW_UNIT", "core", 1) == 0 && setenv("FURROW_MAX_CPUS", "3", 1) == 0);
    cr_assert(fw_cpus()->count == 3, "%d", fw_cpus()->count);
    for (int i = 0; i < 3; i++)
        cr_expect(fw_cpus()->os[i] == i && fw_cpus()->core[i] == i);
}

/* Places on the machine above, and their OS indices as a list. */
static const struct {
    const char *text;
    int count, at[8];
} texts[] = {
    { "", 0, { 0 } },
    { "0", 1, { 0 } },
    { "0,4", 2, { 0, 1 } },
    { "0-1,4", 3, { 0, 1, 2 } },
    { "0-1,4-5", 4, { 3, 2, 1, 0 } },
    { "0,2,4,6", 4, { 0, 1, 4, 5 } },
    { "0-3", 4, { 0, 2, 4, 6 } },
    { "0-7", 8, { 0, 1, 2, 3, 4, 5, 6, 7 } },
    { "7", 2, { 7, 7 } },
};

Test(cpus, are_written_as_hwloc_writes_lists)
{
    become(eight);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[32];
        size_t n = fw_cpus_text(texts[i].at, texts[i].count, text, sizeof text);

        cr_expect_str_eq(text, texts[i].text);
        cr_expect(n == strlen(texts[i].text), "%s: %zu", texts[i].text, n);
    }
}

Test(cpus, whose_list_does_not_fit_are_cut_and_counted)
{
    static const int at[4] = { 0, 1, 2, 3 }; /* 0-1,4-5 */

    become(eight);
    for (size_t size = 0; size <= 8; size++) {
        char text[10] = "xxxxxxxxx";

        cr_expect(fw_cpus_text(at, 4, text, size) == 7, "size %zu", size);
        if (size > 0)
            cr_expect(strlen(text) == size - 1 && strncmp(text, "0-1,4-5", size - 1) == 0,
                      "size %zu: %s", size, text);
        cr_expect(text[size] == 'x', "size %zu: written beyond", size);
    }
}

Test(cpus, are_counted_by_core)
{
    static const int at[5] = { 0, 1, 2, 7, 6 };

    become(eight);
    cr_expect(fw_cpus_cores(at, 0) == 0);
    cr_expect(fw_cpus_cores(at, 2) == 1);
    cr_expect(fw_cpus_cores(at, 3) == 2);
    cr_expect(fw_cpus_cores(at, 5) == 3);
}

/* -- Held and given back ------------------------------------------------------ */

static void expect_places(const int *at, int count, const int *want)
{
    for (int i = 0; i < count; i++)
        cr_expect(at[i] == want[i], "place %d is %d, not %d", i, at[i], want[i]);
}

Test(cpus, are_held_by_one_job_at_a_time)
{
    int first[8], second[8], third[8];

    become(eight);
    cr_expect(fw_cpus_free(100) == 8);
    cr_expect(fw_cpus_free(3) == 3, "as hold(3) would give");
    cr_assert(fw_cpus_hold(3, first) == 3);
    expect_places(first, 3, (const int[]){ 0, 1, 2 });
    cr_expect(fw_cpus_free(100) == 5);
    cr_assert(fw_cpus_hold(100, second) == 5);
    expect_places(second, 5, (const int[]){ 3, 4, 5, 6, 7 });
    fw_cpus_release(first, 3);
    cr_assert(fw_cpus_hold(2, third) == 2);
    expect_places(third, 2, (const int[]){ 0, 1 });
    fw_cpus_release(second, 5);
    fw_cpus_release(third, 2);
    cr_expect(fw_cpus_free(100) == 8, "all are free again");
}

Test(cpus, that_are_all_held_are_shared_evenly)
{
    int all[2], more[2][2];

    become("core:2 pu:1");
    cr_assert(fw_cpus_hold(100, all) == 2);
    cr_expect(fw_cpus_free(2) == 1, "a job gets at least one");
    cr_assert(fw_cpus_hold(2, more[0]) == 1 && fw_cpus_hold(2, more[1]) == 1);
    cr_expect(more[0][0] == 0 && more[1][0] == 1, "first one, then the other");
    fw_cpus_release(all, 2);
    cr_expect(fw_cpus_free(2) == 1, "both are still held");
    fw_cpus_release(more[0], 1);
    fw_cpus_release(more[1], 1);
    cr_expect(fw_cpus_free(2) == 2);
}
