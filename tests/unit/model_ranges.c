/* Model check of the protocol of runtime/ranges.h.
 *
 * Workers, a supervisor of dead ones and replacements are actors; each follows
 * the steps of runtime/loop.c and stops before every atomic operation of its own
 * copy of ranges.c. Promised in every state and at every end:
 *   - no task is lost: each ends done, or its worker died in it;
 *   - none is started twice, and none that has started lies in a range;
 *   - a worker leaves only when no granule is unstarted;
 *   - everybody leaves: nobody sleeps on and no schedule is endless;
 *   - while one of two workers waits the other starts no task with others in its
 *     range, nor a second one with others in its claim (granules of one task);
 *   - after deaths, what is missing had not been started, and its worker had
 *     died where ranges.h allows that: in the middle of a steal, or in another
 *     task of the same granule. The runtime deals again what has no outcome, so
 *     nothing is lost then either, nor done twice.
 * model_front.c has the front.
 *
 * First all schedules of small cases, then random ones of larger cases, of which
 * the seed is printed:
 *   unit_model_ranges [seed [millions of random steps [all]]]
 * `all` adds larger cases; it takes a few minutes and 600 MB. docs/ranges.md has
 * the protocol, what was counted, and the changes to the code that this test was
 * seen to catch. */
#include "stepped_ranges.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/batch.h"

enum { WORKERS = 4, DEATHS = 3, TASKS = 48, NOBODY = -1 };

/* One small job. */
struct job {
    const char *name;
    int workers;
    size_t granules, granule, missing; /* granules x granule - missing tasks */
    size_t batch;                      /* tasks per claim */
    bool automatic;                    /* at most a quarter of what remains */
    int deaths;
    bool stops; /* somebody stops the job, at any moment */
    /* Schedules are followed up to here: thieves may rob each other for ever. */
    uint32_t most_moves;
};

static const struct job *job;
static size_t count; /* its tasks */
static struct fw_batch batch;

enum outcome { PENDING, DONE, CRASHED };

/* Everything the actors share. */
static struct {
    _Alignas(FW_CACHE_LINE) char ranges[sizeof(struct fw_ranges) +
                                        (WORKERS + 1) * sizeof(struct fw_line)];
    unsigned char started[TASKS]; /* how often */
    unsigned char outcome[TASKS];
    unsigned char may_miss[TASKS];    /* its worker died where that may happen */
    signed char served[MODEL_ACTORS]; /* the line of a worker; NOBODY: none (yet) */
    bool buried[MODEL_ACTORS], listens[MODEL_ACTORS];
    bool stopping, settled;
    signed char waited; /* tasks started by the other of two since one waits; < 0: none does */
} shared;

/* After the workers comes the supervisor, or who stops the job; then
 * replacements, one a death. */
static int supervisor(void)
{
    return job->workers;
}

static struct fw_ranges *ranges(void)
{
    return (struct fw_ranges *)(void *)shared.ranges;
}

/* -- The bell of the job, ideal: test_bell.c has the real one ------------ */

static void ring(void)
{
    point();
    memset(shared.listens, 0, sizeof shared.listens);
    shared.waited = -1;
}

static bool rung(int actor)
{
    return !shared.listens[actor];
}

/* -- A worker: the steps of runtime/loop.c ------------------------------- */

struct worker {
    int actor, line;
    bool sequel; /* of a claim that was put back: one task next */
    struct fw_span claim;
};

static struct fw_line *line_of(const struct worker *me)
{
    return &ranges()->line[me->line];
}

static struct piece range_of(int line)
{
    return unpack(atomic_load(&ranges()->line[line].range));
}

/* The other one waits: does this worker keep more than the task it starts? */
static void check_patience(const struct worker *me, size_t index)
{
    const bool low = !fw_ranges_backwards(ranges(), me->line);
    const struct piece claim = unpack(atomic_load(&line_of(me)->claim));

    if ((++shared.waited > 1 && length(behind(claim, (uint32_t)index, low)) > 0) ||
        length(range_of(me->line)) > 0)
        model_fail("worker %d starts task %zu, keeps others and lets one wait", me->line, index);
}

static void run_task(const struct worker *me, size_t index)
{
    FW_HINT(&line_of(me)->running, index);
    if (shared.waited >= 0)
        check_patience(me, index);
    if (++shared.started[index] > 1)
        model_fail("task %zu was started twice", index);
    if (job->deaths > 0)
        point();
    shared.outcome[index] = DONE;
}

/* Before task `index`. False: stop. */
static bool attend(struct worker *me, size_t index)
{
    uint32_t bits;

    point();
    bits = atomic_load(&line_of(me)->attention);
    if ((bits & FW_STOP) != 0)
        return false;
    if ((bits & FW_HUNGRY) == 0)
        return true;
    FW_AND(&line_of(me)->attention, ~(uint32_t)FW_HUNGRY);
    me->sequel = true;
    if (fw_ranges_put_back(ranges(), me->line, index, &me->claim))
        ring();
    return true;
}

static void run_claim(struct worker *me)
{
    const bool backwards = fw_ranges_backwards(ranges(), me->line);
    size_t index = backwards ? me->claim.end - 1 : me->claim.begin;

    while (index >= me->claim.begin && index < me->claim.end && attend(me, index)) {
        run_task(me, index);
        index = backwards ? index - 1 : index + 1;
    }
}

static size_t claim_size(const struct worker *me)
{
    size_t left = me->sequel ? 0 : fw_ranges_left(ranges(), me->line);

    return left > 0 ? fw_batch_limit(&batch, left) : 1;
}

static bool claim_and_run(struct worker *me)
{
    if (!fw_ranges_claim(ranges(), me->line, claim_size(me), &me->claim))
        return false;
    me->sequel = false;
    run_claim(me);
    me->claim = (struct fw_span){ 0, 0 };
    fw_ranges_close(ranges(), me->line);
    ring();
    return true;
}

static bool stopped(void)
{
    if (job->stops)
        point();
    return shared.stopping;
}

/* Looks again after it has said that it listens, and sleeps if there is nothing. */
static enum fw_hope look_and_sleep(const struct worker *me)
{
    enum fw_hope hope;

    point();
    shared.listens[me->actor] = true;
    hope = stopped() ? FW_HOPE_STEAL : fw_ranges_ask(ranges(), me->line);
    if (hope == FW_HOPE_ASKED) {
        if (job->workers == 2 && job->deaths == 0 && job->granule == 1 && shared.listens[me->actor])
            shared.waited = 0;
        model_wait(rung);
    }
    shared.waited = -1;
    shared.listens[me->actor] = false;
    return hope;
}

/* False: there is nothing more to hope for. Of the looks before the one that
 * counts the finer models have one, the others none. */
static bool find_more(const struct worker *me)
{
    enum fw_hope hope = FW_HOPE_ASKED;

    if (fw_ranges_steal(ranges(), me->line)) {
        ring();
        return true;
    }
    if (fine)
        hope = fw_ranges_ask(ranges(), me->line);
    if (hope == FW_HOPE_ASKED)
        hope = look_and_sleep(me);
    return hope != FW_HOPE_NONE;
}

/* A granule of which nothing was started, and that no death explains. */
static size_t unstarted_granule(void)
{
    size_t g = 0;

    for (size_t first = 0; first < count; first += job->granule, g++) {
        bool untouched = true;
        for (size_t i = first; i < first + job->granule && i < count; i++)
            untouched = untouched && shared.started[i] == 0 && !shared.may_miss[i];
        if (untouched)
            return g;
    }
    return SIZE_MAX;
}

/* No step of another lies between the worker's last look and this check. */
static void leave(const struct worker *me)
{
    if (!shared.stopping && unstarted_granule() != SIZE_MAX)
        model_fail("worker %d left, and granule %zu was to be had", me->line, unstarted_granule());
    ring();
}

static void work(int actor)
{
    struct worker me = { .actor = actor, .line = shared.served[actor] };

    while (!stopped()) {
        if (!claim_and_run(&me) && !find_more(&me)) {
            leave(&me);
            return;
        }
    }
}

/* -- Deaths -------------------------------------------------------------- */

static bool lies_in(struct piece p, uint32_t granule)
{
    return granule >= p.begin && granule < p.end;
}

static bool lies_in_a_range(uint32_t granule)
{
    for (int w = 0; w < job->workers; w++)
        if (lies_in(range_of(w), granule))
            return true;
    return false;
}

/* What goes with the worker: the loot, where it dies in a steal, and the rest of
 * the granule it is in. */
static void killed(int actor, const char *func)
{
    const struct fw_line *line = &ranges()->line[shared.served[actor]];
    const struct piece claim = unpack(atomic_load(&line->claim));
    const size_t running = atomic_load(&line->running);

    for (size_t i = 0; i < count; i++) {
        const uint32_t granule = (uint32_t)(i / job->granule);
        bool in_step = strcmp(func, "take_half") == 0 && lies_in(claim, granule);
        bool in_granule = running != FW_NO_TASK && running / job->granule == granule;
        if ((in_step || in_granule) && !lies_in_a_range(granule))
            shared.may_miss[i] = true;
    }
}

static bool mortal(int actor)
{
    return shared.served[actor] != NOBODY;
}

static int next_corpse(void)
{
    for (int a = 0; a < MODEL_ACTORS; a++)
        if (shared.served[a] != NOBODY && model_dead(a) && !shared.buried[a])
            return a;
    return NOBODY;
}

static bool all_over(void)
{
    for (int a = 0; a < MODEL_ACTORS; a++)
        if (shared.served[a] != NOBODY && !model_over(a))
            return false;
    return true;
}

static bool supervisor_is_due(int actor)
{
    (void)actor;
    return next_corpse() != NOBODY || all_over();
}

static void replace(int line)
{
    for (int a = supervisor() + 1; a <= supervisor() + job->deaths; a++) {
        if (shared.served[a] == NOBODY) {
            shared.served[a] = (signed char)line;
            return;
        }
    }
}

/* As furrow_work_lost(). */
static void bury(int actor)
{
    size_t running;

    shared.buried[actor] = true;
    if (fw_ranges_bury(ranges(), shared.served[actor], &running) &&
        shared.outcome[running] == PENDING) {
        if (shared.started[running] != 1)
            model_fail("task %zu is buried and was never started", running);
        shared.outcome[running] = CRASHED;
    }
    ring();
    replace(shared.served[actor]);
}

static void supervise(void)
{
    for (int corpse;;) {
        model_wait(supervisor_is_due);
        corpse = next_corpse();
        if (corpse == NOBODY)
            break;
        bury(corpse);
    }
    shared.settled = true;
}

static bool replacement_is_due(int actor)
{
    return shared.served[actor] != NOBODY || shared.settled;
}

/* -- Somebody who stops the job: as fw_work_stop() ------------------------ */

static void stop_job(void)
{
    point();
    shared.stopping = true;
    for (int w = 0; w < job->workers; w++)
        FW_OR(&ranges()->line[w].attention, FW_STOP);
    ring();
}

/* -- The model ----------------------------------------------------------- */

static void setup(void)
{
    memset(&shared, 0, sizeof shared);
    shared.waited = -1;
    fw_ranges_init(ranges(), job->granules, job->workers);
    ranges()->granule = job->granule;
    ranges()->count = count;
    for (int a = 0; a < MODEL_ACTORS; a++)
        shared.served[a] = (signed char)(a < job->workers ? a : NOBODY);
}

static void act(int actor)
{
    if (actor < job->workers) {
        work(actor);
    } else if (actor == supervisor() && job->stops) {
        stop_job();
    } else if (actor == supervisor() && job->deaths > 0) {
        supervise();
    } else if (actor > supervisor()) {
        model_wait(replacement_is_due);
        if (shared.served[actor] != NOBODY)
            work(actor);
    }
}

/* In every state: what lies in a range lies in one and was not started. */
static void check(void)
{
    uint32_t seen = 0; /* granules; there are fewer than 32 */

    for (int w = 0; w < job->workers; w++) {
        const struct piece p = range_of(w);
        for (uint32_t g = p.begin; g < p.end; g++) {
            if ((seen >> g & 1) != 0)
                model_fail("granule %u lies in two ranges", g);
            seen |= (uint32_t)1 << g;
            for (size_t i = g * job->granule; i < (g + 1) * job->granule && i < count; i++)
                if (shared.started[i] > 0)
                    model_fail("task %zu was started and lies in a range", i);
        }
    }
}

static void check_task(size_t i)
{
    if (shared.started[i] > 0 && shared.outcome[i] == PENDING)
        model_fail("task %zu was started, has no outcome and would run again", i);
    if (shared.started[i] == 0 && !shared.stopping && !shared.may_miss[i])
        model_fail("task %zu was lost", i);
}

/* Nobody can go on. Notable: something is left to be dealt again. */
static bool end(void)
{
    size_t crashed = 0, missing = 0;

    for (int a = 0; a < MODEL_ACTORS; a++)
        if (shared.served[a] != NOBODY && !model_over(a))
            model_fail("worker %d sleeps on", shared.served[a]);
    for (size_t i = 0; i < count; i++) {
        check_task(i);
        crashed += shared.outcome[i] == CRASHED;
        missing += shared.started[i] == 0;
    }
    if (crashed > (size_t)job->deaths)
        model_fail("%zu tasks crashed", crashed);
    return missing > 0;
}

static bool cut(void)
{
    return atomic_load(&ranges()->moves) > job->most_moves;
}

static struct model model_of(const struct job *j)
{
    job = j;
    fine = j->workers < 3;
    count = j->granules * j->granule - j->missing;
    fw_batch_init(&batch, j->batch, 1);
    if (j->automatic)
        batch.fixed = 0;
    return (struct model){
        .name = j->name,
        .actors = j->workers + (j->deaths > 0 || j->stops) + j->deaths,
        .state = &shared,
        .bytes = sizeof shared,
        .deaths = j->deaths,
        .setup = setup,
        .act = act,
        .check = check,
        .end = end,
        .cut = cut,
        .mortal = mortal,
        .killed = killed,
    };
}

/* -- Small cases, whole --------------------------------------------------- */

static const struct job small[] = {
    { "2 workers, 2 tasks", 2, 2, 1, 0, 1, false, 0, false, 4 },
    { "2 workers, 3 tasks", 2, 3, 1, 0, 1, false, 0, false, 6 },
    { "2 workers, 4 tasks, claims of 2", 2, 4, 1, 0, 2, false, 0, false, 4 },
    { "2 workers, 5 tasks, claims of all", 2, 5, 1, 0, 9, false, 0, false, 4 },
    { "2 workers, 6 tasks, automatic claims", 2, 6, 1, 0, 9, true, 0, false, 4 },
    { "2 workers, 5 tasks in granules of 2, claims of 3", 2, 3, 2, 1, 3, false, 0, false, 4 },
    { "2 workers, 4 tasks, claims of 2, stopped", 2, 4, 1, 0, 2, false, 0, true, 2 },
    { "3 workers, 2 tasks", 3, 2, 1, 0, 1, false, 0, false, 2 },
    { "2 workers, 2 tasks, a death", 2, 2, 1, 0, 1, false, 1, false, 2 },
    { "2 workers, 4 tasks, claims of 2, a death", 2, 4, 1, 0, 2, false, 1, false, 2 },
    { "2 workers, 4 tasks in granules of 2, a death", 2, 2, 2, 0, 4, false, 1, false, 2 },
};

static const struct job larger[] = {
    { "2 workers, 3 tasks, 12 moves", 2, 3, 1, 0, 1, false, 0, false, 12 },
    { "2 workers, 8 tasks, claims of 4, 6 moves", 2, 8, 1, 0, 4, false, 0, false, 6 },
    { "3 workers, 1 task", 3, 1, 1, 0, 1, false, 0, false, 2 },
    { "3 workers, 3 tasks", 3, 3, 1, 0, 1, false, 0, false, 2 },
    { "3 workers, 4 tasks, claims of 2", 3, 4, 1, 0, 2, false, 0, false, 2 },
    { "2 workers, 3 tasks, claims of 2, a death, 4 moves", 2, 3, 1, 0, 2, false, 1, false, 4 },
    { "2 workers, 2 tasks, 2 deaths", 2, 2, 1, 0, 1, false, 2, false, 2 },
};

enum { MOST_STATES = 100000000 };

static int passed;
static struct model_count total;

static void explore(const struct model *model)
{
    const struct model_count n = model_explore(model, MOST_STATES);

    model_print(model, &n);
    total.states += n.states;
    total.steps += n.steps;
    passed++;
}

/* -- Larger cases, at random ----------------------------------------------- */

static struct job draw_job(uint64_t *seed)
{
    struct job j = { .name = "random job", .most_moves = UINT32_MAX };

    j.workers = 1 + (int)model_draw(seed, WORKERS);
    j.granule = 1 + model_draw(seed, 3) * model_draw(seed, 2);
    j.granules = model_draw(seed, TASKS / 3 + 1);
    j.missing = j.granules > 0 ? model_draw(seed, j.granule) : 0;
    j.batch = 1 + model_draw(seed, 9);
    j.automatic = model_draw(seed, 2) == 0;
    j.deaths = (int)model_draw(seed, DEATHS + 1);
    j.stops = j.deaths == 0 && model_draw(seed, 4) == 0;
    return j;
}

static void explore_at_random(uint64_t seed, double steps)
{
    double made = 0, schedules = 0;

    for (; made < steps; schedules++) {
        const struct job j = draw_job(&seed);
        const struct model model = model_of(&j);
        fine = model_draw(&seed, 2) == 0;
        made += (double)model_random(&model, &seed);
    }
    printf("%.0f random schedules, %.0f steps\n", schedules, made);
    passed++;
}

static void explore_jobs(const struct job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct model model = model_of(&jobs[i]);
        explore(&model);
    }
}

static bool finished;

static void summary(void)
{
    printf("%d passed, %d failed\n", passed, !finished);
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    const double millions = argc > 2 ? strtod(argv[2], NULL) : 6;

    setvbuf(stdout, NULL, _IOLBF, 0);
    (void)atexit(summary);
    printf("seed %" PRIu64 "\n", seed);
    explore_jobs(small, sizeof small / sizeof *small);
    if (argc > 3)
        explore_jobs(larger, sizeof larger / sizeof *larger);
    printf("%zu states, %zu steps\n", total.states, total.steps);
    explore_at_random(seed, millions * 1e6);
    finished = true;
    return EXIT_SUCCESS;
}
