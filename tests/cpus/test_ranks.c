/* CPUs of a node dealt to its ranks: a table, and what holds for every mask. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <hwloc.h>

#include "runtime/ranks.h"

enum { PUS = 8, RANKS = 5 };

static const struct {
    const char *claim;
    const char *may[RANKS];  /* masks; NULL after the last rank */
    const char *want[RANKS]; /* "" where a rank gets none */
} rows[] = {
    { "one rank has all of its mask", { "2-5" }, { "2-5" } },
    { "an equal split", { "0-7", "0-7" }, { "0-3", "4-7" } },
    { "as equal as can be, neighbours together", { "0-7", "0-7", "0-7" }, { "0-2", "3-5", "6-7" } },
    { "bindings that differ are kept", { "0-1", "4-7" }, { "0-1", "4-7" } },
    { "a binding inside another one", { "0-1", "0-7" }, { "0-1", "2-7" } },
    { "the same, the other way round", { "0-7", "0-1" }, { "2-7", "0-1" } },
    { "halves that overlap", { "0-4", "3-7" }, { "0-3", "4-7" } },
    { "two ranks in each half", { "0-3", "4-7", "0-3", "4-7" }, { "0-1", "4-5", "2-3", "6-7" } },
    { "one that can have only what another took", { "0-1", "0" }, { "1", "0" } },
    { "a chain of exchanges", { "0-1", "1-2", "2-3", "0" }, { "1", "2", "3", "0" } },
    { "more ranks than CPUs", { "0-1", "0-1", "0-1" }, { "0", "1", "" } },
    { "a mask of nothing here", { "", "0-7" }, { "", "0-7" } },
};

static void read_mask(const char *text, bool *may)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();

    hwloc_bitmap_list_sscanf(set, text);
    for (unsigned p = 0; p < PUS; p++)
        may[p] = hwloc_bitmap_isset(set, p);
    hwloc_bitmap_free(set);
}

static void check_row(size_t r)
{
    bool may[RANKS * PUS], want[PUS];
    int owner[PUS], ranks = 0;

    while (ranks < RANKS && rows[r].may[ranks] != NULL) {
        read_mask(rows[r].may[ranks], &may[ranks * PUS]);
        ranks++;
    }
    cr_assert_eq(fw_ranks_deal(may, ranks, PUS, owner), FURROW_OK);
    for (int k = 0; k < ranks; k++) {
        read_mask(rows[r].want[k], want);
        for (int p = 0; p < PUS; p++)
            cr_expect_eq(owner[p] == k, want[p], "%s: rank %d, CPU %d has owner %d", rows[r].claim, k, p, owner[p]);
    }
}

Test(ranks, deals_as_the_masks_allow)
{
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        check_row(r);
}

static int count_of(const int *owner, int rank)
{
    int n = 0;

    for (int p = 0; p < PUS; p++)
        n += owner[p] == rank;
    return n;
}

/* A rank that could have one of a rank that has two more: not as even as can be. */
static bool is_uneven(const bool *may, const int *owner)
{
    for (int p = 0; p < PUS; p++)
        for (int r = 0; r < RANKS && owner[p] >= 0; r++)
            if (may[r * PUS + p] && count_of(owner, r) + 1 < count_of(owner, owner[p]))
                return true;
    return false;
}

Test(ranks, every_deal_is_even_and_within_the_masks)
{
    unsigned random = 1;

    for (int round = 0; round < 20000; round++) {
        bool may[RANKS * PUS], wanted;
        int owner[PUS];

        for (int i = 0; i < RANKS * PUS; i++) {
            random = random * 1103515245u + 12345u;
            may[i] = (random >> 16) % 3 > 0;
        }
        cr_assert_eq(fw_ranks_deal(may, RANKS, PUS, owner), FURROW_OK);
        for (int p = 0; p < PUS; p++) {
            wanted = false;
            for (int r = 0; r < RANKS; r++)
                wanted = wanted || may[r * PUS + p];
            cr_assert_eq(owner[p] >= 0, wanted, "round %d: CPU %d lies idle", round, p);
            cr_assert(owner[p] < 0 || may[owner[p] * PUS + p], "round %d: CPU %d is not its owner's", round, p);
        }
        cr_assert(!is_uneven(may, owner), "round %d is uneven", round);
    }
}
