/* The arithmetic of ranges; the protocol between workers is checked by
 * model_ranges.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "runtime/ranges.h"

static struct fw_ranges *deal(size_t count, int workers)
{
    struct fw_ranges *ranges = aligned_alloc(FW_CACHE_LINE, fw_ranges_bytes(workers));

    cr_assert(ranges != NULL);
    fw_ranges_init(ranges, count, workers);
    return ranges;
}

/* The range word of a worker, or of the front. */
static void expect_range(const struct fw_ranges *ranges, int w, uint32_t begin, uint32_t end)
{
    const uint64_t word = atomic_load(&ranges->line[w].range);

    cr_expect(word == ((uint64_t)end << 32 | begin), "line %d: %u ... %u, not %u ... %u", w,
              (unsigned)word, (unsigned)(word >> 32), begin, end);
}

static void set_range(struct fw_ranges *ranges, int w, uint32_t begin, uint32_t end)
{
    atomic_store(&ranges->line[w].range, (uint64_t)end << 32 | begin);
}

/* Claims `want` tasks as worker w and expects begin ... end - 1. */
static void expect_claim(struct fw_ranges *ranges, int w, size_t want, size_t begin, size_t end)
{
    struct fw_span got = { 0, 0 };

    cr_assert(fw_ranges_claim(ranges, w, want, &got), "worker %d: nothing", w);
    cr_expect(got.begin == begin && got.end == end, "worker %d: %zu ... %zu, not %zu ... %zu", w,
              got.begin, got.end, begin, end);
}

/* -- Dealing ------------------------------------------------------------ */

static const size_t gibi = (size_t)1 << 30;

static const struct {
    size_t count;
    int workers;
    size_t granule, granules;
} deals[] = {
    { 0, 1, 1, 0 },
    { 0, 4, 1, 0 },
    { 1, 1, 1, 1 },
    { 1, 4, 1, 1 },
    { 3, 8, 1, 3 },
    { 10, 3, 1, 10 },
    { 2 * gibi - 1, 7, 1, 2 * gibi - 1 },
    { 2 * gibi, 2, 1, 2 * gibi },
    { 2 * gibi, 1, 1, 2 * gibi },
    { 2 * gibi + 1, 2, 2, gibi + 1 },
    { 4 * gibi, 3, 2, 2 * gibi },
    { 4 * gibi + 5, 2, 3, 1431655767 },
    { 8 * gibi + 12345, 5, 5, 1717989388 },
    { SIZE_MAX, 4096, ((size_t)1 << 33), 2 * gibi },
};

/* Walks all lines and checks that they tile 0 ... granules - 1, evenly. */
static void expect_even_deal(const struct fw_ranges *ranges, int workers, size_t granules)
{
    uint32_t at = 0;

    for (int w = 0; w < workers; w++) {
        const uint64_t word = atomic_load(&ranges->line[w].range);
        const uint32_t begin = (uint32_t)word, end = (uint32_t)(word >> 32);

        cr_assert(begin == at && end >= begin, "worker %d of %d", w, workers);
        cr_expect(end - begin >= granules / (size_t)workers &&
                      end - begin <= granules / (size_t)workers + 1,
                  "worker %d of %d has %u", w, workers, end - begin);
        cr_expect(atomic_load(&ranges->line[w].claim) == 0);
        cr_expect(atomic_load(&ranges->line[w].running) == FW_NO_TASK);
        cr_expect(atomic_load(&ranges->line[w].attention) == 0);
        at = end;
    }
    cr_expect(at == granules, "%u granules, not %zu", at, granules);
    expect_range(ranges, workers, 0, 0);
}

Test(ranges, are_dealt_evenly_and_without_a_gap)
{
    for (size_t i = 0; i < sizeof deals / sizeof *deals; i++) {
        struct fw_ranges *ranges = deal(deals[i].count, deals[i].workers);

        cr_expect(ranges->granule == deals[i].granule, "row %zu: granules of %zu", i,
                  ranges->granule);
        cr_expect(ranges->count == deals[i].count && ranges->workers == deals[i].workers);
        expect_even_deal(ranges, deals[i].workers, deals[i].granules);
        free(ranges);
    }
}

Test(ranges, that_are_dealt_again_forget_what_was)
{
    struct fw_ranges *ranges = deal(100, 2);

    expect_claim(ranges, 0, 7, 0, 7);
    atomic_store(&ranges->line[1].attention, FW_STOP);
    atomic_store(&ranges->line[1].running, 99);
    fw_ranges_front_fill(ranges, 4);
    fw_ranges_init(ranges, 50, 2);
    expect_even_deal(ranges, 2, 50);
    free(ranges);
}

Test(ranges, hold_each_line_on_a_cache_line_of_its_own)
{
    cr_expect(sizeof(struct fw_line) == FW_CACHE_LINE);
    cr_expect(offsetof(struct fw_ranges, line) % FW_CACHE_LINE == 0);
    cr_expect(fw_ranges_bytes(3) == offsetof(struct fw_ranges, line) + 4 * FW_CACHE_LINE);
}

/* -- What is left, and claims -------------------------------------------- */

static const struct {
    size_t count;
    int workers, worker;
    size_t left;
} lefts[] = {
    { 0, 1, 0, 0 },
    { 10, 3, 0, 3 },
    { 10, 3, 2, 4 },
    { 3, 8, 0, 0 },
    { 3, 8, 7, 1 },
    { 2 * gibi + 1, 1, 0, 2 * gibi + 1 },
    { 2 * gibi + 1, 2, 1, gibi + 1 }, /* its last granule has one task */
    { 8 * gibi + 12345, 1, 0, 8 * gibi + 12345 },
    { SIZE_MAX, 1, 0, SIZE_MAX },
};

Test(ranges, know_how_many_tasks_are_left)
{
    for (size_t i = 0; i < sizeof lefts / sizeof *lefts; i++) {
        struct fw_ranges *ranges = deal(lefts[i].count, lefts[i].workers);
        size_t left = fw_ranges_left(ranges, lefts[i].worker);

        cr_expect(left == lefts[i].left, "row %zu: %zu, not %zu", i, left, lefts[i].left);
        free(ranges);
    }
}

Test(ranges, that_end_in_a_short_granule_and_are_empty_have_nothing_left)
{
    struct fw_ranges *ranges = deal(2 * gibi + 1, 1);
    struct fw_span span;

    expect_claim(ranges, 0, 2 * gibi, 0, 2 * gibi);
    expect_claim(ranges, 0, 1000, 2 * gibi, 2 * gibi + 1);
    cr_expect(fw_ranges_left(ranges, 0) == 0, "%zu", fw_ranges_left(ranges, 0));
    cr_expect(!fw_ranges_claim(ranges, 0, 1, &span));
    free(ranges);
}

Test(ranges, are_claimed_from_the_front)
{
    struct fw_ranges *ranges = deal(10, 2);
    struct fw_span span = { 77, 78 };

    expect_claim(ranges, 0, 1, 0, 1);
    expect_claim(ranges, 0, 3, 1, 4);
    expect_claim(ranges, 0, 9, 4, 5);
    cr_expect(!fw_ranges_claim(ranges, 0, 1, &span));
    cr_expect(span.begin == 77 && span.end == 78, "an output is written on success only");
    cr_expect(atomic_load(&ranges->line[0].claim) == 0, "no claim is left open");
    expect_range(ranges, 1, 5, 10);
    free(ranges);
}

Test(ranges, of_the_last_worker_are_walked_backwards)
{
    struct fw_ranges *ranges = deal(10, 2);

    cr_expect(!fw_ranges_backwards(ranges, 0) && fw_ranges_backwards(ranges, 1));
    expect_claim(ranges, 1, 2, 8, 10);
    expect_claim(ranges, 1, 1, 7, 8);
    expect_claim(ranges, 1, SIZE_MAX, 5, 7);
    free(ranges);
}

Test(ranges, of_a_worker_alone_are_walked_forwards)
{
    struct fw_ranges *ranges = deal(10, 1);

    cr_expect(!fw_ranges_backwards(ranges, 0));
    expect_claim(ranges, 0, 2, 0, 2);
    free(ranges);
}

Test(ranges, are_claimed_in_whole_granules)
{
    const size_t count = 8 * gibi + 12345;
    struct fw_ranges *ranges = deal(count, 2); /* granules of 5, the last has 2 */

    expect_claim(ranges, 0, 1, 0, 5);
    expect_claim(ranges, 0, 6, 5, 15);
    expect_claim(ranges, 1, 1, count - 2, count);
    expect_claim(ranges, 1, 5, count - 7, count - 2);
    free(ranges);
}

Test(ranges, that_are_claimed_whole_give_each_task_once)
{
    for (int workers = 1; workers <= 5; workers++) {
        struct fw_ranges *ranges = deal(23, workers);
        unsigned char seen[23] = { 0 };
        struct fw_span span;

        for (int w = 0; w < workers; w++)
            while (fw_ranges_claim(ranges, w, 1 + (size_t)w, &span))
                for (size_t i = span.begin; i < span.end; i++)
                    seen[i]++;
        for (size_t i = 0; i < 23; i++)
            cr_expect(seen[i] == 1, "%d workers: task %zu %d times", workers, i, seen[i]);
        free(ranges);
    }
}

Test(ranges, remember_the_open_claim_until_it_is_closed)
{
    struct fw_ranges *ranges = deal(10, 2);

    expect_claim(ranges, 0, 4, 0, 4);
    cr_expect(atomic_load(&ranges->line[0].claim) == (uint64_t)4 << 32);
    atomic_store(&ranges->line[0].running, 3);
    fw_ranges_close(ranges, 0);
    cr_expect(atomic_load(&ranges->line[0].claim) == 0);
    cr_expect(atomic_load(&ranges->line[0].running) == FW_NO_TASK);
    free(ranges);
}

/* -- Putting back --------------------------------------------------------- */

/* Worker `worker` of two has claimed `want` of 20 tasks and is about to run
 * `index`: what it keeps, and its range then. */
static const struct {
    int worker;
    size_t want, index;
    bool some;
    size_t begin, end; /* kept */
    uint32_t range_begin, range_end;
} backs[] = {
    { 0, 6, 0, true, 0, 1, 1, 10 },      { 0, 6, 3, true, 0, 4, 4, 10 },
    { 0, 6, 4, true, 0, 5, 5, 10 },      { 0, 6, 5, false, 0, 6, 6, 10 },
    { 0, 10, 2, true, 0, 3, 3, 10 },     { 0, 1, 0, false, 0, 1, 1, 10 },
    { 1, 6, 19, true, 19, 20, 10, 19 },  { 1, 6, 16, true, 16, 20, 10, 16 },
    { 1, 6, 14, false, 14, 20, 10, 14 }, { 1, 10, 17, true, 17, 20, 10, 17 },
};

Test(ranges, get_back_what_a_claim_did_not_start)
{
    for (size_t i = 0; i < sizeof backs / sizeof *backs; i++) {
        struct fw_ranges *ranges = deal(20, 2);
        struct fw_span claim;

        cr_assert(fw_ranges_claim(ranges, backs[i].worker, backs[i].want, &claim));
        cr_expect(fw_ranges_put_back(ranges, backs[i].worker, backs[i].index, &claim) ==
                      backs[i].some,
                  "row %zu", i);
        cr_expect(claim.begin == backs[i].begin && claim.end == backs[i].end,
                  "row %zu: kept %zu ... %zu", i, claim.begin, claim.end);
        expect_range(ranges, backs[i].worker, backs[i].range_begin, backs[i].range_end);
        cr_expect(atomic_load(&ranges->moves) == (backs[i].some ? 1u : 0u), "row %zu", i);
        free(ranges);
    }
}

Test(ranges, get_back_whole_granules_behind_the_one_in_progress)
{
    struct fw_ranges *ranges = deal(4 * gibi + 5, 2); /* granules of 3 */
    struct fw_span claim;

    cr_assert(fw_ranges_claim(ranges, 0, 12, &claim));
    cr_expect(fw_ranges_put_back(ranges, 0, 4, &claim));
    cr_expect(claim.begin == 0 && claim.end == 6, "%zu ... %zu", claim.begin, claim.end);
    expect_claim(ranges, 0, 1, 6, 9);
    free(ranges);
}

/* -- Stealing ------------------------------------------------------------- */

/* Worker 0 of three is empty; the ranges of the others before and after, and
 * its loot. Worker 2 walks backwards. */
static const struct {
    const char *claim;
    uint32_t one[2], two[2], one_left[2], two_left[2], loot[2];
} steals[] = {
    { "half of the fullest, from its end",
      { 10, 20 },
      { 20, 25 },
      { 10, 15 },
      { 20, 25 },
      { 15, 20 } },
    { "rounded up", { 10, 15 }, { 20, 21 }, { 10, 12 }, { 20, 21 }, { 12, 15 } },
    { "all of a range of one", { 10, 11 }, { 20, 20 }, { 10, 10 }, { 20, 20 }, { 10, 11 } },
    { "of the last from its beginning",
      { 10, 12 },
      { 20, 26 },
      { 10, 12 },
      { 23, 26 },
      { 20, 23 } },
    { "the last one backwards", { 10, 10 }, { 20, 21 }, { 10, 10 }, { 21, 21 }, { 20, 21 } },
    { "of equals the next", { 10, 14 }, { 20, 24 }, { 10, 12 }, { 20, 24 }, { 12, 14 } },
};

Test(ranges, are_stolen_by_halves)
{
    for (size_t i = 0; i < sizeof steals / sizeof *steals; i++) {
        struct fw_ranges *ranges = deal(0, 3);

        ranges->count = 100;
        set_range(ranges, 1, steals[i].one[0], steals[i].one[1]);
        set_range(ranges, 2, steals[i].two[0], steals[i].two[1]);
        cr_expect(fw_ranges_steal(ranges, 0), "%s", steals[i].claim);
        expect_range(ranges, 0, steals[i].loot[0], steals[i].loot[1]);
        expect_range(ranges, 1, steals[i].one_left[0], steals[i].one_left[1]);
        expect_range(ranges, 2, steals[i].two_left[0], steals[i].two_left[1]);
        cr_expect(atomic_load(&ranges->line[0].claim) == 0 &&
                  atomic_load(&ranges->line[0].moving) == 0);
        cr_expect(atomic_load(&ranges->moves) > 0);
        free(ranges);
    }
}

Test(ranges, that_are_all_empty_cannot_be_stolen_from)
{
    struct fw_ranges *ranges = deal(0, 3);

    cr_expect(!fw_ranges_steal(ranges, 1));
    expect_range(ranges, 1, 0, 0);
    cr_expect(atomic_load(&ranges->line[1].moving) == 0);
    free(ranges);
}

Test(ranges, of_a_worker_alone_cannot_be_stolen_from)
{
    struct fw_ranges *ranges = deal(5, 1);

    cr_expect(!fw_ranges_steal(ranges, 0));
    cr_expect(fw_ranges_ask(ranges, 0) == FW_HOPE_NONE);
    expect_range(ranges, 0, 0, 5);
    free(ranges);
}

/* -- Hope ------------------------------------------------------------------- */

Test(ranges, give_hope_while_somebody_has_unstarted_tasks)
{
    struct fw_ranges *ranges = deal(9, 3);
    struct fw_span span;

    expect_claim(ranges, 0, 9, 0, 3);
    cr_expect(fw_ranges_ask(ranges, 0) == FW_HOPE_STEAL);
    expect_claim(ranges, 1, 2, 3, 5);
    expect_claim(ranges, 2, 9, 6, 9);
    cr_expect(fw_ranges_ask(ranges, 0) == FW_HOPE_STEAL, "5 lies in a range");
    expect_claim(ranges, 1, 1, 5, 6);
    atomic_store(&ranges->line[2].running, 8);
    fw_ranges_close(ranges, 0);
    cr_expect(fw_ranges_ask(ranges, 0) == FW_HOPE_ASKED);
    cr_expect(atomic_load(&ranges->line[2].attention) == FW_HUNGRY, "it has two unstarted");
    cr_expect(atomic_load(&ranges->line[1].attention) == 0, "it has one");
    atomic_store(&ranges->line[1].running, 5);
    atomic_store(&ranges->line[2].running, 6);
    cr_expect(fw_ranges_ask(ranges, 0) == FW_HOPE_NONE, "all have started");
    cr_expect(!fw_ranges_claim(ranges, 0, 1, &span));
    free(ranges);
}

/* -- Deaths ----------------------------------------------------------------- */

/* Worker `worker` of two has claimed 4 of 20 tasks, runs `running` and dies. */
static const struct {
    int worker;
    size_t running;
    uint32_t begin, end; /* its range then */
} deaths[] = {
    { 0, FW_NO_TASK, 0, 10 },  { 0, 0, 1, 10 },   { 0, 2, 3, 10 },   { 0, 3, 4, 10 },
    { 1, FW_NO_TASK, 10, 20 }, { 1, 19, 10, 19 }, { 1, 17, 10, 17 }, { 1, 16, 10, 16 },
};

Test(ranges, of_the_dead_get_their_unstarted_tasks_back)
{
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        struct fw_ranges *ranges = deal(20, 2);
        struct fw_line *line = &ranges->line[deaths[i].worker];
        struct fw_span claim;
        size_t running = 0;

        cr_assert(fw_ranges_claim(ranges, deaths[i].worker, 4, &claim));
        atomic_store(&line->running, deaths[i].running);
        cr_expect(fw_ranges_bury(ranges, deaths[i].worker, &running) ==
                      (deaths[i].running != FW_NO_TASK),
                  "row %zu", i);
        cr_expect(running == deaths[i].running, "row %zu: %zu", i, running);
        expect_range(ranges, deaths[i].worker, deaths[i].begin, deaths[i].end);
        cr_expect(atomic_load(&line->claim) == 0 && atomic_load(&line->running) == FW_NO_TASK);
        free(ranges);
    }
}

Test(ranges, of_one_that_died_stealing_stay_as_they_are)
{
    struct fw_ranges *ranges = deal(20, 2);
    size_t running;

    set_range(ranges, 0, 10, 10);
    atomic_store(&ranges->line[0].claim, (uint64_t)15 << 32 | 10); /* the loot, not yet moved */
    atomic_store(&ranges->line[0].moving, 1);
    cr_expect(!fw_ranges_bury(ranges, 0, &running));
    expect_range(ranges, 0, 10, 10);
    expect_range(ranges, 1, 10, 20);
    cr_expect(atomic_load(&ranges->line[0].moving) == 0);
    free(ranges);
}

/* -- The front -------------------------------------------------------------- */

Test(ranges, have_a_front_that_is_claimed_in_order)
{
    struct fw_ranges *ranges = deal(0, 2);
    uint32_t position = 77;

    cr_expect(!fw_ranges_front_claim(ranges, &position));
    fw_ranges_front_fill(ranges, 3);
    for (uint32_t want = 0; want < 3; want++)
        cr_expect(fw_ranges_front_claim(ranges, &position) && position == want, "%u", position);
    cr_expect(!fw_ranges_front_claim(ranges, &position));
    fw_ranges_front_extend(ranges);
    cr_expect(fw_ranges_front_claim(ranges, &position) && position == 3, "%u", position);
    cr_expect(fw_ranges_left(ranges, 0) == 0, "no worker's range has any of it");
    free(ranges);
}

Test(ranges, have_a_front_whose_positions_wrap)
{
    struct fw_ranges *ranges = deal(0, 2);
    const uint32_t first = UINT32_MAX - 1;
    uint32_t position = 0;

    set_range(ranges, 2, first, first);
    for (int i = 0; i < 4; i++)
        fw_ranges_front_extend(ranges);
    cr_expect(fw_ranges_front(ranges) == ((uint64_t)2 << 32 | first));
    for (uint32_t i = 0; i < 4; i++)
        cr_expect(fw_ranges_front_claim(ranges, &position) && position == first + i, "%u",
                  position);
    cr_expect(!fw_ranges_front_claim(ranges, &position));
    expect_range(ranges, 2, 2, 2);
    free(ranges);
}

Test(ranges, have_a_front_that_is_looked_at_before_it_is_claimed)
{
    struct fw_ranges *ranges = deal(0, 1);
    uint64_t seen, late;
    uint32_t position;

    fw_ranges_front_fill(ranges, 3);
    seen = late = fw_ranges_front(ranges);
    cr_expect(fw_ranges_front_take(ranges, &seen));
    cr_expect(!fw_ranges_front_take(ranges, &late), "it has moved");
    cr_expect(late == fw_ranges_front(ranges) && (uint32_t)late == 1);
    cr_expect(fw_ranges_front_take(ranges, &late));
    cr_expect(fw_ranges_front_claim(ranges, &position) && position == 2, "%u", position);
    free(ranges);
}
