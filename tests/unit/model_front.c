/* Model check of the front of runtime/ranges.h: one actor publishes positions, the
 * others claim them. Promised in every schedule: positions are claimed once and
 * in order, also where numbers wrap, and all of them in the end. docs/ranges.md
 * has what was counted. */
#include "stepped_ranges.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_STATES = 10000000 };

/* One case. */
struct front {
    const char *name;
    int claimers;
    uint32_t first, filled, published;
    bool looks; /* at the position before they claim it */
};

static const struct front *front;

static struct {
    _Alignas(FW_CACHE_LINE) char ranges[sizeof(struct fw_ranges) + 2 * sizeof(struct fw_line)];
    uint32_t claimed;
    bool closed;
} line;

static struct fw_ranges *front_ranges(void)
{
    return (struct fw_ranges *)(void *)line.ranges;
}

static void front_setup(void)
{
    memset(&line, 0, sizeof line);
    fw_ranges_init(front_ranges(), 0, 1);
    fw_ranges_front_fill(front_ranges(), front->filled);
    if (front->first > 0)
        atomic_init(&front_ranges()->line[1].range,
                    pack(front->first, front->first + front->filled));
}

static bool front_is_due(int actor)
{
    (void)actor;
    return line.closed || length(unpack(atomic_load(&front_ranges()->line[1].range))) > 0;
}

static void front_claimed(uint32_t position)
{
    if (position != front->first + line.claimed)
        model_fail("position %u was claimed after %u others", position, line.claimed);
    line.claimed++;
}

static bool claim_blindly(void)
{
    uint32_t position;

    if (!fw_ranges_front_claim(front_ranges(), &position))
        return false;
    front_claimed(position);
    return true;
}

static bool look_and_claim(void)
{
    uint64_t word = fw_ranges_front(front_ranges());

    while (length(unpack(word)) > 0) {
        const uint32_t position = unpack(word).begin;
        if (fw_ranges_front_take(front_ranges(), &word)) {
            front_claimed(position);
            return true;
        }
    }
    return false;
}

static void front_act(int actor)
{
    if (actor == 0) {
        for (uint32_t i = 0; i < front->published; i++)
            fw_ranges_front_extend(front_ranges());
        point();
        line.closed = true;
        return;
    }
    for (;;) {
        model_wait(front_is_due);
        if (!(front->looks ? look_and_claim() : claim_blindly()) && line.closed)
            break;
    }
}

static bool front_end(void)
{
    if (line.claimed != front->filled + front->published)
        model_fail("%u positions were claimed of %u", line.claimed,
                   front->filled + front->published);
    return false;
}

static struct model model_of_front(const struct front *f)
{
    front = f;
    return (struct model){
        .name = f->name,
        .actors = 1 + f->claimers,
        .state = &line,
        .bytes = sizeof line,
        .setup = front_setup,
        .act = front_act,
        .end = front_end,
    };
}

/* -- Small cases, whole --------------------------------------------------- */

static const struct front fronts[] = {
    { "front: 2 claimers, 3 positions filled", 2, 0, 3, 0, false },
    { "front: 3 claimers, 1 filled and 3 published", 3, 0, 1, 3, false },
    { "front: 2 claimers that look, 4 published across the wrap", 2, UINT32_MAX - 1, 0, 4, true },
    { "front: 3 claimers that look, 2 filled and 2 published across the wrap", 3, UINT32_MAX, 2, 2,
      true },
};

enum { CASES = sizeof fronts / sizeof *fronts };

static int passed;

static void summary(void)
{
    printf("%d passed, %d failed\n", passed, passed < CASES);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)atexit(summary);
    fine = true;
    for (; passed < CASES; passed++) {
        const struct model model = model_of_front(&fronts[passed]);
        const struct model_count n = model_explore(&model, MOST_STATES);

        model_print(&model, &n);
    }
    return EXIT_SUCCESS;
}
