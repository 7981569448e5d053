/* The protocol of ranges.h. All words are compared and swapped whole, so a
 * word that comes back to an old value means again what it meant then, and a
 * late compare-and-swap that succeeds is right. */
#include "ranges.h"

#include <string.h>

/* Granules begin ... end - 1; positions of the front wrap at 2^32. */
struct piece {
    uint32_t begin, end;
};

static uint64_t pack(uint32_t begin, uint32_t end)
{
    return (uint64_t)end << 32 | begin;
}

static struct piece unpack(uint64_t word)
{
    return (struct piece){ (uint32_t)word, (uint32_t)(word >> 32) };
}

static uint32_t length(struct piece p)
{
    return p.end - p.begin;
}

size_t fw_ranges_bytes(int workers)
{
    return sizeof(struct fw_ranges) + ((size_t)workers + 1) * sizeof(struct fw_line);
}

static void line_reset(struct fw_line *line, uint64_t range)
{
    atomic_init(&line->range, range);
    atomic_init(&line->claim, 0);
    atomic_init(&line->running, FW_NO_TASK);
    atomic_init(&line->moving, 0);
    atomic_init(&line->attention, 0);
}

void fw_ranges_init(struct fw_ranges *ranges, size_t count, int workers)
{
    ranges->workers = 0; /* whatever there was */
    fw_ranges_init_from(ranges, 0, count, workers);
}

void fw_ranges_init_from(struct fw_ranges *ranges, size_t first, size_t count, int workers)
{
    const size_t most = (size_t)1 << 31;
    uint64_t granules;

    if (ranges->count != count || ranges->workers != workers) { /* else it may be in other caches */
        ranges->count = count;
        ranges->granule = count > most ? count / most + (count % most != 0) : 1;
        ranges->workers = workers;
    }
    atomic_init(&ranges->moves, 0);
    granules = count / ranges->granule + (count % ranges->granule != 0) - first;
    for (int w = 0; w < workers; w++)
        line_reset(&ranges->line[w],
                   pack((uint32_t)(first + granules * (uint64_t)w / (uint64_t)workers),
                        (uint32_t)(first + granules * ((uint64_t)w + 1) / (uint64_t)workers)));
    line_reset(&ranges->line[workers], 0);
}

void fw_ranges_drain(struct fw_ranges *ranges)
{
    for (int w = 0; w < ranges->workers; w++)
        line_reset(&ranges->line[w], 0);
}

void fw_ranges_front_fill(struct fw_ranges *ranges, uint32_t positions)
{
    atomic_store(&ranges->line[ranges->workers].range, pack(0, positions));
}

/* The first task of a granule, or what would be it behind the last one, which may
 * be short; its product wraps to 0 where the count is nearly SIZE_MAX. */
static size_t first_task(const struct fw_ranges *ranges, uint32_t granule)
{
    const size_t index = granule * ranges->granule;

    return index > ranges->count || (granule > 0 && index < ranges->granule) ? ranges->count
                                                                             : index;
}

static struct fw_span tasks_of(const struct fw_ranges *ranges, struct piece p)
{
    return (struct fw_span){ first_task(ranges, p.begin), first_task(ranges, p.end) };
}

size_t fw_ranges_left(const struct fw_ranges *ranges, int worker)
{
    struct fw_span left = tasks_of(ranges, unpack(FW_PEEK(&ranges->line[worker].range)));

    return left.end - left.begin;
}

static struct piece low_end(struct piece p, uint32_t n)
{
    return (struct piece){ p.begin, p.begin + n };
}

static struct piece high_end(struct piece p, uint32_t n)
{
    return (struct piece){ p.end - n, p.end };
}

/* What is left of `whole` without `part`, one of its two ends. Where nothing is
 * left the border that the owner's open claim touches stays where it is. */
static uint64_t without(struct piece whole, struct piece part, bool part_is_low)
{
    return part_is_low ? pack(part.end, whole.end) : pack(whole.begin, part.begin);
}

bool fw_ranges_claim(struct fw_ranges *ranges, int worker, size_t want, struct fw_span *out)
{
    struct fw_line *line = &ranges->line[worker];
    const bool low = !fw_ranges_backwards(ranges, worker);
    const size_t granules = want / ranges->granule + (want % ranges->granule != 0);
    uint64_t word = FW_LOAD(&line->range);

    for (;;) {
        struct piece all = unpack(word), mine;
        uint32_t n = length(all);

        if (n == 0) {
            FW_STORE(&line->claim, 0);
            return false;
        }
        if (granules < n)
            n = (uint32_t)granules;
        mine = low ? low_end(all, n) : high_end(all, n);
        FW_STORE(&line->claim, pack(mine.begin, mine.end));
        if (FW_CAS(&line->range, &word, without(all, mine, low))) {
            *out = tasks_of(ranges, mine);
            return true;
        }
    }
}

/* In this order: a claim with no task running is one that was not started, and
 * fw_ranges_bury() would hand it out again. */
void fw_ranges_close(struct fw_ranges *ranges, int worker)
{
    FW_STORE(&ranges->line[worker].claim, 0);
    FW_HINT(&ranges->line[worker].running, FW_NO_TASK);
}

/* The granules of `claim` behind granule `at` in the direction of walking. */
static struct piece behind(struct piece claim, uint32_t at, bool low)
{
    return low ? (struct piece){ at + 1, claim.end } : (struct piece){ claim.begin, at };
}

/* Joins `rest`, which touches the range where the owner claims, to the range. */
static void rejoin(struct fw_line *line, struct piece rest, bool low)
{
    uint64_t word = FW_LOAD(&line->range), joined;

    do {
        struct piece range = unpack(word);
        joined = low ? pack(rest.begin, range.end) : pack(range.begin, rest.end);
    } while (!FW_CAS(&line->range, &word, joined));
}

bool fw_ranges_put_back(struct fw_ranges *ranges, int worker, size_t index, struct fw_span *claim)
{
    struct fw_line *line = &ranges->line[worker];
    const bool low = !fw_ranges_backwards(ranges, worker);
    const struct piece held = unpack(FW_PEEK(&line->claim));
    const struct piece rest = behind(held, (uint32_t)(index / ranges->granule), low);
    struct piece kept = held;

    if (length(rest) == 0)
        return false;
    if (low)
        kept.end = rest.begin;
    else
        kept.begin = rest.end;
    rejoin(line, rest, low);
    FW_ADD(&ranges->moves, 1); /* before the claim shrinks: see fw_ranges_ask() */
    FW_STORE(&line->claim, pack(kept.begin, kept.end));
    *claim = tasks_of(ranges, kept);
    return true;
}

/* The line with the longest range beside this worker's; NULL: all are empty. */
static struct fw_line *fullest(struct fw_ranges *ranges, int worker, int *who)
{
    struct fw_line *best = NULL;
    uint32_t most = 0;

    for (int step = 1; step < ranges->workers; step++) {
        int w = (worker + step) % ranges->workers;
        uint32_t n = length(unpack(FW_LOAD(&ranges->line[w].range)));

        if (n > most) {
            most = n;
            best = &ranges->line[w];
            *who = w;
        }
    }
    return best;
}

/* Moves half of the victim's range to the thief's line. False: it was empty or
 * somebody else was faster. */
static bool take_half(struct fw_ranges *ranges, struct fw_line *thief, struct fw_line *victim,
                      bool victim_low)
{
    uint64_t word = FW_LOAD(&victim->range);
    const struct piece all = unpack(word);
    const uint32_t n = length(all) / 2 + length(all) % 2;
    const struct piece loot = victim_low ? high_end(all, n) : low_end(all, n);

    if (n == 0)
        return false;
    FW_STORE(&thief->claim, pack(loot.begin, loot.end));
    FW_ADD(&ranges->moves, 1); /* before the loot moves, and after: see fw_ranges_ask() */
    if (!FW_CAS(&victim->range, &word, without(all, loot, !victim_low)))
        return false;
    FW_STORE(&thief->range, pack(loot.begin, loot.end));
    FW_ADD(&ranges->moves, 1);
    return true;
}

bool fw_ranges_steal(struct fw_ranges *ranges, int worker)
{
    struct fw_line *thief = &ranges->line[worker], *victim;
    int who = worker;
    bool moved = false;

    FW_STORE(&thief->moving, 1);
    while (!moved && (victim = fullest(ranges, worker, &who)) != NULL)
        moved = take_half(ranges, thief, victim, !fw_ranges_backwards(ranges, who));
    FW_STORE(&thief->claim, 0);
    FW_STORE(&thief->moving, 0);
    return moved;
}

void fw_ranges_feed(struct fw_ranges *ranges, int worker, struct fw_span span)
{
    const uint64_t begin = span.begin / ranges->granule, end = (span.end + ranges->granule - 1) / ranges->granule;

    FW_STORE(&ranges->line[worker].range, pack((uint32_t)begin, (uint32_t)end));
    FW_ADD(&ranges->moves, 1); /* after it is there: see fw_ranges_ask() */
}

/* Unstarted granules of a line's open claim; after a steal in progress, of the
 * loot. Too many is harmless: the worker then puts back what there is. */
static uint32_t unstarted(const struct fw_ranges *ranges, int worker)
{
    const struct fw_line *line = &ranges->line[worker];
    const struct piece claim = unpack(FW_LOAD(&line->claim));
    const size_t running = FW_PEEK(&line->running);
    const size_t at = running / ranges->granule;

    if (running == FW_NO_TASK || at < claim.begin || at >= claim.end)
        return length(claim);
    return length(behind(claim, (uint32_t)at, !fw_ranges_backwards(ranges, worker)));
}

/* One look at every other line. Each range is read before its claim: what left
 * the range before was stored in the claim before that. */
static enum fw_hope look_around(const struct fw_ranges *ranges, int worker, int *who)
{
    uint32_t most = 0;

    for (int step = 1; step < ranges->workers; step++) {
        int w = (worker + step) % ranges->workers;
        uint32_t n;

        if (length(unpack(FW_LOAD(&ranges->line[w].range))) > 0)
            return FW_HOPE_STEAL;
        n = unstarted(ranges, w);
        if (n > most) {
            most = n;
            *who = w;
        }
    }
    return most > 0 ? FW_HOPE_ASKED : FW_HOPE_NONE;
}

enum fw_hope fw_ranges_ask(struct fw_ranges *ranges, int worker)
{
    const uint32_t before = FW_LOAD(&ranges->moves);
    int who = worker;
    enum fw_hope hope = look_around(ranges, worker, &who);

    /* What moved from a line not yet read to one already read was not seen. */
    if (hope == FW_HOPE_NONE && FW_LOAD(&ranges->moves) != before)
        hope = FW_HOPE_STEAL;
    if (hope == FW_HOPE_ASKED)
        FW_OR(&ranges->line[who].attention, FW_HUNGRY);
    return hope;
}

bool fw_ranges_front_take(struct fw_ranges *ranges, uint64_t *front)
{
    const struct piece all = unpack(*front);

    return FW_CAS(&ranges->line[ranges->workers].range, front, pack(all.begin + 1, all.end));
}

bool fw_ranges_front_claim(struct fw_ranges *ranges, uint32_t *position)
{
    uint64_t front = fw_ranges_front(ranges);

    while (length(unpack(front)) > 0) {
        *position = unpack(front).begin;
        if (fw_ranges_front_take(ranges, &front))
            return true;
    }
    return false;
}

uint64_t fw_ranges_front(const struct fw_ranges *ranges)
{
    return FW_LOAD(&ranges->line[ranges->workers].range);
}

void fw_ranges_front_extend(struct fw_ranges *ranges)
{
    struct fw_line *front = &ranges->line[ranges->workers];
    uint64_t word = FW_LOAD(&front->range);

    while (!FW_CAS(&front->range, &word, word + ((uint64_t)1 << 32)))
        ;
}

/* The range ends where the claim or its kept part begins or ends: a claim that
 * was not made yet is joined to the range it still lies in, one of which a part
 * was put back gets back the rest. What a thief was moving may have got anywhere. */
bool fw_ranges_bury(struct fw_ranges *ranges, int worker, size_t *running)
{
    struct fw_line *line = &ranges->line[worker];
    const bool low = !fw_ranges_backwards(ranges, worker);
    const struct piece claim = unpack(FW_LOAD(&line->claim));
    const size_t index = FW_LOAD(&line->running), at = index / ranges->granule;
    const bool started = index != FW_NO_TASK && at >= claim.begin && at < claim.end;

    if (length(claim) > 0 && FW_LOAD(&line->moving) == 0)
        rejoin(line, started ? behind(claim, (uint32_t)at, low) : claim, low);
    FW_ADD(&ranges->moves, 1); /* before the claim goes; what the worker moved may not be counted */
    FW_STORE(&line->claim, 0);
    FW_STORE(&line->moving, 0);
    FW_STORE(&line->running, FW_NO_TASK);
    *running = index;
    return index != FW_NO_TASK;
}
