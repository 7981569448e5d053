/* Which tasks go first, by their costs. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "runtime/dear.h"

Test(dear, the_bar_is_the_mean_within_what_can_be_felt)
{
    static const struct {
        const char *claim;
        double total;
        size_t count;
        int workers;
        float bar;
    } rows[] = {
        { "an 8th of a share, where the mean is above", 160, 10, 2, 10 },
        { "at 8 tasks a worker both are one", 160, 16, 2, 10 },
        { "the mean, between the two", 160, 100, 2, 1.6f },
        { "at 128 tasks a worker both are one", 256, 256, 2, 1 },
        { "a 128th of a share, where the mean is below", 256, 20000, 2, 1 },
        { "shares are of workers", 256, 1000000, 64, 1.0f / 32 },
        { "one worker has all of it", 128, 1000, 1, 1 },
        { "one task", 5, 1, 1, 0.625f },
        { "no cost at all", 0, 100, 4, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(flt, fw_dear_bar(rows[i].total, rows[i].count, rows[i].workers), rows[i].bar), "%s", rows[i].claim);
}

enum { MANY = 20000 };

static float cost[MANY];
static size_t dear[MANY], sorted[MANY];

static size_t find(size_t count, int workers)
{
    const furrow_job job = { .count = count, .cost = cost };
    const size_t n = fw_dear_find(&job, workers, dear, sorted);

    cr_expect(eq(sz, fw_dear_find(&job, workers, NULL, NULL), n), "counted as found");
    return n;
}

static void fill(float value)
{
    for (size_t i = 0; i < MANY; i++)
        cost[i] = value;
}

Test(dear, equal_costs_put_nothing_first)
{
    static const size_t counts[] = { 16, 17, 100, 256, 1000, MANY };

    fill(0.1f);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cr_expect(eq(sz, find(counts[i], 2), 0), "%zu tasks", counts[i]);
    fill(0);
    cr_expect(eq(sz, find(MANY, 2), 0));
}

Test(dear, dearest_first_and_equal_ones_by_index)
{
    static const size_t order[] = { 40, 7, 60, 20, 5 }, by_index[] = { 5, 7, 20, 40, 60 };

    fill(0);
    cost[5] = 10;
    cost[20] = 50;
    cost[40] = 100;
    cost[7] = cost[60] = 75;
    cr_assert(eq(sz, find(64, 1), 5));
    for (size_t i = 0; i < 5; i++) {
        cr_expect(eq(sz, dear[i], order[i]));
        cr_expect(eq(sz, sorted[i], by_index[i]));
    }
}

/* A straggler 1000 times as long as 19 999 others is 9.6 % of what each of two
 * workers has to do. */
Test(dear, a_straggler_among_many_goes_first)
{
    fill(1);
    cost[MANY / 2] = 1000;
    cr_assert(eq(sz, find(MANY, 2), 1));
    cr_expect(eq(sz, dear[0], MANY / 2));
}

Test(dear, fewer_are_dear_than_128_a_worker)
{
    for (int workers = 1; workers <= 16; workers *= 2) {
        for (size_t i = 0; i < MANY; i++) /* as many as can be just above the bar */
            cost[i] = i % 2 == 0 && i < (size_t)workers * 256 - 2 ? 1 : 0;
        cr_expect(eq(sz, find(MANY, workers), (size_t)workers * 128 - 1), "%d workers", workers);
    }
}

Test(dear, indices_are_found_among_those_that_go_first)
{
    static const size_t some[] = { 2, 3, 9 };
    static const struct {
        size_t index, below;
        bool has;
    } rows[] = { { 0, 0, false }, { 2, 0, true }, { 3, 1, true }, { 4, 2, false }, { 9, 2, true }, { 10, 3, false } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect(eq(sz, fw_dear_below(some, 3, rows[i].index), rows[i].below));
        cr_expect(eq(int, fw_dear_has(some, 3, rows[i].index), rows[i].has));
    }
    cr_expect(not(fw_dear_has(NULL, 0, 5)));
}
