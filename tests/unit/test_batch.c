/* How batches grow, shrink and end. */
#include <criterion/criterion.h>
#include <stdint.h>

#include "runtime/batch.h"

enum { COST = 50 }; /* ns of one claim: ideal batches take 25600 ... 409600 ns */

static size_t noted(struct fw_batch *batch, size_t tasks, uint64_t ns)
{
    fw_batch_note(batch, tasks, ns);
    return batch->size;
}

Test(batch, starts_with_one_task_and_knows_its_bounds)
{
    struct fw_batch batch;

    fw_batch_init(&batch, 0, COST);
    cr_expect(batch.size == 1 && batch.min_ns == 25600 && batch.max_ns == 409600);
    cr_expect(batch.mean_ns <= 0.0);
    fw_batch_init(&batch, 0, UINT64_MAX / 1000);
    cr_expect(batch.max_ns == UINT64_MAX, "a cost that large saturates");
    fw_batch_init(&batch, 0, 0);
    cr_expect(batch.min_ns == 512, "a claim costs at least a nanosecond");
}

/* One note from a given state. */
static const struct {
    const char *claim;
    size_t size;
    double mean;
    size_t tasks;
    uint64_t ns;
    size_t want;
    double want_mean; /* 0: statistics restarted */
} steps[] = {
    { "too short: doubles", 8, 0, 8, 100, 16, 0 },
    { "far too short: doubles and no more", 8, 0, 8, 1, 16, 0 },
    { "0 ns counts as 1", 8, 0, 8, 0, 16, 0 },
    { "just too short", 8, 0, 8, 25599, 16, 0 },
    { "long enough stays", 8, 0, 8, 25600, 8, 25600 },
    { "in between stays", 8, 0, 8, 160000, 8, 160000 },
    { "as long as allowed stays", 8, 0, 8, 409600, 8, 409600 },
    { "too long: to twice the shortest duration", 64, 0, 64, 819200, 4, 0 },
    { "far too long: to one", 64, 0, 64, UINT64_MAX, 1, 0 },
    { "one task cannot shrink and keeps its mean", 1, 0, 1, 1000000, 1, 1000000 },
    { "the mean is 0.8 old and 0.2 new", 8, 80000, 8, 160000, 8, 96000 },
    { "one outlier does not shrink", 8, 80000, 8, 1600000, 8, 384000 },
    { "a worse one does", 8, 80000, 8, 2400000, 0, 0 },
    { "one fast batch does not grow", 8, 80000, 8, 1, 8, 64000.2 },
    { "a claim cut short is scaled: half the tasks, half the time", 8, 0, 4, 16000, 8, 32000 },
    { "a claim cut short may grow the batch", 8, 0, 4, 12000, 16, 0 },
    { "no tasks say nothing", 8, 80000, 0, 1, 8, 80000 },
    { "the largest size grows no more", SIZE_MAX, 0, SIZE_MAX, 0, SIZE_MAX, 1 },
    { "beyond half the largest: the largest", SIZE_MAX / 2 + 1, 0, SIZE_MAX / 2 + 1, 1, SIZE_MAX, 0 },
    { "the largest size shrinks", SIZE_MAX, 0, SIZE_MAX, UINT64_MAX, 0, 0 },
};

Test(batch, moves_by_its_table)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct fw_batch batch;
        size_t got;

        fw_batch_init(&batch, 0, COST);
        batch.size = steps[i].size;
        batch.mean_ns = steps[i].mean;
        got = noted(&batch, steps[i].tasks, steps[i].ns);
        if (steps[i].want > 0)
            cr_expect(got == steps[i].want, "%s: %zu", steps[i].claim, got);
        else
            cr_expect(got >= 1 && got < steps[i].size, "%s: %zu", steps[i].claim, got);
        cr_expect_float_eq(batch.mean_ns, steps[i].want_mean, 0.5, "%s: mean %g", steps[i].claim,
                           batch.mean_ns);
    }
}

Test(batch, of_the_user_never_changes)
{
    struct fw_batch batch;

    fw_batch_init(&batch, 7, COST);
    cr_expect(noted(&batch, 7, 1) == 7);
    cr_expect(noted(&batch, 7, UINT64_MAX) == 7);
}

static const struct {
    size_t fixed, size, remaining, want;
} limits[] = {
    { 0, 1, 1, 1 },     { 0, 8, 1, 1 },     { 0, 8, 4, 1 },     { 0, 8, 5, 2 },
    { 0, 8, 32, 8 },    { 0, 8, 33, 8 },    { 0, 8, 31, 8 },    { 0, 8, 28, 7 },
    { 0, 8, SIZE_MAX, 8 },
    { 0, SIZE_MAX, SIZE_MAX, SIZE_MAX / 4 + 1 },
    { 7, 7, 100, 7 },   { 7, 7, 8, 7 },     { 7, 7, 7, 7 },     { 7, 7, 3, 3 },
    { SIZE_MAX, SIZE_MAX, 10, 10 },
};

Test(batch, leaves_something_for_the_others)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct fw_batch batch;
        size_t got;

        fw_batch_init(&batch, limits[i].fixed, COST);
        batch.size = limits[i].size;
        got = fw_batch_limit(&batch, limits[i].remaining);
        cr_expect(got == limits[i].want, "row %zu: %zu, not %zu", i, got, limits[i].want);
    }
}

/* A worker alone with `total` tasks, of `fast_ns` up to number `change`, of
 * `slow_ns` from then on. Checks every step; returns the largest batch, and in
 * *over the longest batch that began after the change. */
static size_t simulate(size_t total, size_t change, uint64_t fast_ns, uint64_t slow_ns,
                       uint64_t *over, size_t *claims)
{
    struct fw_batch batch;
    size_t largest = 0;

    fw_batch_init(&batch, 0, COST);
    *over = 0;
    *claims = 0;
    for (size_t done = 0; done < total; ++*claims) {
        size_t before = batch.size, n = fw_batch_limit(&batch, total - done);
        uint64_t ns = 0;

        cr_assert(n >= 1 && n <= total - done && n <= batch.size);
        for (size_t i = done; i < done + n; i++)
            ns += i < change ? fast_ns : slow_ns;
        if (done >= change && ns > *over)
            *over = ns;
        done += n;
        fw_batch_note(&batch, n, ns);
        cr_assert(batch.size >= 1 && batch.size <= 2 * before, "grows at most by doubling");
        largest = batch.size > largest ? batch.size : largest;
    }
    return largest;
}

Test(batch, of_fast_tasks_keeps_claims_rare)
{
    size_t claims;
    uint64_t over;
    size_t largest = simulate(1000000, SIZE_MAX, 10, 0, &over, &claims);

    cr_expect(largest == 4096, "%zu", largest); /* 2048 * 10 ns is below 25600 ns, 4096 * 10 is not */
    cr_expect(claims < 1000000 / 4096 + 100, "%zu", claims);
}

Test(batch, of_slow_tasks_is_one)
{
    size_t claims;
    uint64_t over;

    cr_expect(simulate(1000, SIZE_MAX, 1000000, 0, &over, &claims) == 1);
    cr_expect(claims == 1000);
}

Test(batch, that_meets_slow_tasks_shrinks_after_one_claim)
{
    size_t claims;
    uint64_t over;
    size_t largest = simulate(100000, 50000, 100, 1000000, &over, &claims);

    cr_expect(largest == 256, "%zu", largest);
    cr_expect(over <= 256 * UINT64_C(1000000), "at most one batch of the old size: %ju", (uintmax_t)over);
    cr_expect(claims > 49000, "one by one from then on: %zu", claims);
}

Test(batch, that_meets_fast_tasks_grows_again)
{
    size_t claims;
    uint64_t over;

    cr_expect(simulate(100000, 100, 1000000, 100, &over, &claims) == 256);
}

/* Hysteresis: a steady duration settles, whatever it is. */
Test(batch, settles_for_every_steady_duration)
{
    for (uint64_t ns = 1; ns < 10000000; ns = ns * 5 / 4 + 1) {
        struct fw_batch batch;
        size_t settled;

        fw_batch_init(&batch, 0, COST);
        for (int i = 0; i < 64; i++)
            fw_batch_note(&batch, batch.size, batch.size * ns);
        settled = batch.size;
        for (int i = 0; i < 64; i++)
            cr_assert(noted(&batch, batch.size, batch.size * ns) == settled, "%ju ns", (uintmax_t)ns);
    }
}
