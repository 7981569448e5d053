/* The loop over tasks of a ranged job: claims, runs, steals, waits.
 *
 * What costs per task is in run_tasks() alone. It exists once for each
 * combination of what a job may ask for, so that the others do not pay. A task
 * that needs more (a retry, words, a failure) leaves the fast path. */
#include "seat.h"

#include <string.h>

#include "dear.h"
#include "printing.h"
#include "seed.h"

#define FW_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* -- Between two tasks -------------------------------------------------- */

/* Tasks of the claim from `index` on, in the direction of walking. */
static size_t rest_of_claim(const struct fw_seat *seat, size_t index, bool backwards)
{
    return backwards ? index - seat->claim.begin + 1 : seat->claim.end - index;
}

/* The attention word is not 0 and task `index` is next: how many of the `left`
 * tasks to run still; 0: stop. */
static __attribute__((noinline, cold)) size_t attend(struct fw_seat *seat, size_t index, size_t left)
{
    const bool backwards = fw_ranges_backwards(seat->work->ranges, seat->place);
    const bool hungry = (FW_PEEK(&seat->line->attention) & FW_HUNGRY) != 0;
    size_t rest;

    if (!fw_seat_attend(seat))
        return 0;
    if (!hungry)
        return left;
    FW_AND(&seat->line->attention, ~(uint32_t)FW_HUNGRY);
    seat->sequel = true;
    if (!fw_ranges_put_back(seat->work->ranges, seat->place, index, &seat->claim))
        return left;
    fw_bell_ring(&seat->work->common->bell);
    rest = rest_of_claim(seat, index, backwards);
    return rest < left ? rest : left;
}

/* -- Outcomes of a claim -------------------------------------------------- */

/* Tasks that return 0 in time are marked DONE together, when the loop ends or
 * one of them needs more: a run. Until then the worker's `unmarked` says from
 * where on they are not; if it dies, furrow_work_lost() marks those before the
 * one that ran. */

static uintptr_t place_of(const void *array, size_t size, size_t index)
{
    return (uintptr_t)array + size * index;
}

/* A run of at most `most` tasks begins; where its first output goes. */
static uintptr_t open_run(struct fw_seat *seat, size_t index, size_t most, bool backwards)
{
    struct furrow_work *work = seat->work;
    const char *ring =
        FW_UNLIKELY(work->ring != NULL) ? fw_ring_open(work, seat->worker, most, backwards) : NULL;

    atomic_store_explicit(&seat->me->unmarked, index, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* stays here where tasks are inlined: a worker may die in one */
    return ring != NULL ? (uintptr_t)ring : place_of(work->out, work->request.job.out_size, index);
}

/* Marks what was started before `end`, in the direction of walking. */
static __attribute__((noinline)) void close_run(struct fw_seat *seat, size_t end, bool backwards)
{
    const size_t from = FW_PEEK(&seat->me->unmarked);
    const size_t low = backwards ? end + 1 : from, n = backwards ? from - end : end - from;

    atomic_signal_fence(memory_order_seq_cst);
    if (n > 0) {
        if (seat->work->ring != NULL)
            fw_ring_publish(seat->work, seat->worker, from, low, n);
        fw_marks_note(seat->work, seat->worker, low, n);
        atomic_signal_fence(memory_order_seq_cst);
    }
    atomic_store_explicit(&seat->me->unmarked, FW_NO_TASK, memory_order_relaxed);
}

static bool has_room(struct fw_seat *seat)
{
    return (!fw_stage_full(seat->work) && fw_ring_has_room(seat->work, seat->worker)) || fw_work_stops(seat->work);
}

/* Outputs may be too far ahead of who copies them. Returns whether it waited. */
static bool await_room(struct fw_seat *seat)
{
    if ((!seat->work->stage.emptied && seat->work->ring == NULL) || has_room(seat))
        return false;
    while (!has_room(seat))
        fw_seat_wait(seat, has_room);
    return true;
}

/* Task `index` of the claim, of whose run `left` are left with it, needs more
 * than the fast path has. Returns where the next output goes, if `keep`. */
static __attribute__((noinline, cold)) uintptr_t mend(struct fw_seat *seat, size_t index, size_t left, int code,
                                                      bool late, bool keep, bool backwards)
{
    if (keep)
        close_run(seat, index, backwards);
    fw_seat_mend(seat, code, late);
    if (!keep)
        return 0;
    (void)await_room(seat); /* runs that failures cut short fill a ring, too */
    return open_run(seat, backwards ? index - 1 : index + 1, left - 1, backwards);
}

/* -- The fast path ------------------------------------------------------ */

/* What a copy of the loop has; constants in each. */
struct features {
    bool in, out;   /* the job has such an array */
    bool keep;      /* somebody wants the outcomes */
    bool timed;     /* tasks have a time limit */
    bool backwards; /* this worker walks downwards */
};

/* Runs `left` tasks from `index` on, upwards or downwards. Returns how many it
 * started: fewer where the rest was put back or the job stops. Few values live
 * across the call, so that they stay in registers. */
static inline __attribute__((always_inline)) size_t run_tasks(struct fw_seat *seat, size_t index,
                                                              size_t left, const struct features f)
{
    const furrow_job *job = &seat->work->request.job;
    const furrow_task_fn run = job->run;
    const size_t step = f.backwards ? (size_t)-1 : 1, first = index;
    struct fw_line *const line = seat->line;
    furrow_task *const task = &seat->frame.task;
    size_t end = index + step * left;
    uint64_t state = fw_seed_state(job->seed, index), before = f.timed ? fw_now() : 0;
    uintptr_t in = f.in ? place_of(job->in, job->in_size, index) : 0;
    uintptr_t out = f.keep  ? open_run(seat, index, left, f.backwards)
                    : f.out ? place_of(seat->work->out, job->out_size, index)
                            : 0;

    task->in = NULL;
    task->out = NULL;
    for (; index != end; index += step) {
        int code;
        bool late = false;

        if (FW_UNLIKELY(FW_PEEK(&line->attention) != 0)) {
            left = attend(seat, index, f.backwards ? index - end : end - index);
            if (left == 0)
                break;
            end = index + step * left;
        }
        if (f.timed) { /* first: stopped between the two, this task must not look as late as the one before */
            atomic_store_explicit(&seat->me->task_started, before, memory_order_relaxed);
            atomic_signal_fence(memory_order_seq_cst);
        }
        if (f.keep) /* what the last task wrote is not left for after this line, inlined or not */
            atomic_signal_fence(memory_order_seq_cst);
        FW_HINT(&line->running, index);
        task->index = index;
        if (f.in)
            task->in = (const void *)in;
        if (f.out)
            task->out = (void *)out;
        task->seed = fw_seed_mix(state);
        code = run(task);
        if (f.timed) {
            uint64_t after = fw_now();
            late = after - before > seat->work->limit_ns;
            before = after;
        }
        if (FW_UNLIKELY(code != 0 || late)) {
            const uintptr_t next = mend(seat, index, f.backwards ? index - end : end - index, code, late, f.keep, f.backwards);

            if (f.keep && f.out)
                out = next - step * job->out_size; /* what follows steps over this one */
            if (f.timed)
                before = fw_now(); /* this one's further tries are not the next one's time */
        }
        state += step * FW_SEED_STEP;
        if (f.in)
            in += step * job->in_size;
        if (f.out)
            out += step * job->out_size;
    }
    if (f.keep)
        close_run(seat, index, f.backwards);
    if (f.timed)
        atomic_store_explicit(&seat->me->task_started, 0, memory_order_relaxed);
    return f.backwards ? first - index : index - first;
}

typedef size_t tasks_loop(struct fw_seat *seat, size_t index, size_t left, bool backwards);

#define FW_TASKS_LOOP(name, ...)                                                                   \
    static FW_HOT __attribute__((noinline, aligned(64))) size_t name##_up(struct fw_seat *seat, size_t index, size_t left)   \
    {                                                                                              \
        return run_tasks(seat, index, left, (struct features){ __VA_ARGS__ });                     \
    }                                                                                              \
    static FW_HOT __attribute__((noinline, aligned(64))) size_t name##_down(struct fw_seat *seat, size_t index, size_t left) \
    {                                                                                              \
        return run_tasks(seat, index, left, (struct features){ __VA_ARGS__, .backwards = true });  \
    }                                                                                              \
    static FW_HOT size_t name(struct fw_seat *seat, size_t index, size_t left, bool backwards)     \
    {                                                                                              \
        return backwards ? name##_down(seat, index, left) : name##_up(seat, index, left);          \
    }

FW_TASKS_LOOP(run_bare, 0)
FW_TASKS_LOOP(run_in, .in = true)
FW_TASKS_LOOP(run_out, .out = true)
FW_TASKS_LOOP(run_in_out, .in = true, .out = true)
FW_TASKS_LOOP(run_keep, .keep = true)
FW_TASKS_LOOP(run_in_keep, .in = true, .keep = true)
FW_TASKS_LOOP(run_out_keep, .out = true, .keep = true)
FW_TASKS_LOOP(run_in_out_keep, .in = true, .out = true, .keep = true)
FW_TASKS_LOOP(run_timed, .timed = true)
FW_TASKS_LOOP(run_in_timed, .in = true, .timed = true)
FW_TASKS_LOOP(run_out_timed, .out = true, .timed = true)
FW_TASKS_LOOP(run_in_out_timed, .in = true, .out = true, .timed = true)
FW_TASKS_LOOP(run_keep_timed, .keep = true, .timed = true)
FW_TASKS_LOOP(run_in_keep_timed, .in = true, .keep = true, .timed = true)
FW_TASKS_LOOP(run_out_keep_timed, .out = true, .keep = true, .timed = true)
FW_TASKS_LOOP(run_in_out_keep_timed, .in = true, .out = true, .keep = true, .timed = true)

/* By features: in, out, keep, timed from the lowest bit. */
static tasks_loop *const loops[16] = {
    run_bare,       run_in,       run_out,       run_in_out,       run_keep,       run_in_keep,
    run_out_keep,   run_in_out_keep, run_timed,  run_in_timed,     run_out_timed,  run_in_out_timed,
    run_keep_timed, run_in_keep_timed, run_out_keep_timed, run_in_out_keep_timed,
};

/* The body of a loop over shared memory, in a few slices a claim, so that the
 * claim stays open. */
static size_t run_body(struct fw_seat *seat, size_t index, size_t left, bool backwards)
{
    const furrow_range_fn body = seat->work->request.body;
    void *const user = seat->work->request.job.user;
    const size_t slice = left / 8 + 1;
    size_t started = 0;

    while (left > 0) {
        size_t n = left < slice ? left : slice;
        size_t first = backwards ? index - n + 1 : index, last = backwards ? first : index + n - 1;

        if (FW_UNLIKELY(FW_PEEK(&seat->line->attention) != 0)) {
            /* What is put back lies behind the whole slice. */
            size_t rest = attend(seat, last, left - n + 1);
            if (rest == 0)
                break;
            left = n + rest - 1;
        }
        FW_HINT(&seat->line->running, last);
        body(first, first + n, user);
        index = backwards ? first - 1 : first + n;
        started += n;
        left -= n;
    }
    return started;
}

/* One task by itself, with all a job may ask for. */
static void run_single(struct fw_seat *seat, size_t index, unsigned attempt, uint64_t *clock)
{
    const furrow_job *job = &seat->work->request.job;
    const void *in = job->in != NULL ? (const char *)job->in + job->in_size * index : NULL;
    void *out = seat->work->out != NULL ? seat->work->out + job->out_size * index : NULL;
    int code;
    double seconds;

    if (fw_seat_run(seat, index, in, out, attempt, &code, &seconds) == FURROW_PENDING)
        fw_work_again_push(seat->work, index, seat->frame.task.attempt + 1);
    else if (seat->work->progress.every_ns > 0)
        fw_progress_add(&seat->work->progress, 1, fw_now());
    seat->frame.task.attempt = 0;
    FW_HINT(&seat->line->running, FW_NO_TASK);
    atomic_store(&seat->me->attempt, 0);
    fw_bell_ring(&seat->work->common->bell);
    if (seat->is_process)
        fw_printing_flush();
    if (seat->work->stage.emptied)
        fw_stage_note(seat->work, 1);
    if (seat->work->deadline.at > 0)
        fw_deadline_note(&seat->work->deadline, 1, fw_now() - *clock);
    seat->me->busy_ns += fw_now() - *clock;
    *clock = fw_now();
}

/* Tasks dealt again after deaths: what is settled is passed over. */
static size_t run_left(struct fw_seat *seat, size_t index, size_t left, bool backwards)
{
    struct furrow_work *work = seat->work;
    const size_t step = backwards ? (size_t)-1 : 1;
    uint64_t clock = fw_now();
    size_t passed = 0;

    for (; left > 0; left--, passed++, index += step) {
        if (FW_UNLIKELY(FW_PEEK(&seat->line->attention) != 0) &&
            (left = attend(seat, index, left)) == 0)
            break;
        if (__atomic_load_n(&work->outcome[index], __ATOMIC_ACQUIRE) == FURROW_PENDING)
            run_single(seat, index, work->again != NULL ? work->again[index].attempt : 0, &clock);
    }
    return passed;
}

static tasks_loop *loop_for(const struct furrow_work *work)
{
    if (work->deaths_dealt > 0)
        return run_left;
    if (work->request.body != NULL)
        return run_body;
    return loops[(work->request.job.in != NULL ? 1 : 0) | (work->out != NULL ? 2 : 0) |
                 (work->outcome != NULL ? 4 : 0) | (work->limit_ns > 0 ? 8 : 0)];
}

/* -- A claim ------------------------------------------------------------ */

/* Tasks from `index` on, at most `n`, before one that goes first elsewhere. */
static size_t before_dear(const struct furrow_work *work, size_t index, size_t n, bool backwards)
{
    const size_t lo = fw_dear_below(work->dear_sorted, work->ndear, index);

    if (backwards) {
        if (lo < work->ndear && work->dear_sorted[lo] == index)
            return 0;
        if (lo > 0 && index - work->dear_sorted[lo - 1] < n)
            n = index - work->dear_sorted[lo - 1];
    } else if (lo < work->ndear && work->dear_sorted[lo] - index < n) {
        n = work->dear_sorted[lo] - index;
    }
    return n;
}

/* Runs the open claim, without the tasks that go first. */
static size_t run_claim(struct fw_seat *seat, tasks_loop *loop)
{
    const bool backwards = fw_ranges_backwards(seat->work->ranges, seat->place);
    size_t index = backwards ? seat->claim.end - 1 : seat->claim.begin, total = 0;

    while (index >= seat->claim.begin && index < seat->claim.end) {
        size_t n = rest_of_claim(seat, index, backwards), ran;

        if (seat->work->ndear > 0)
            n = before_dear(seat->work, index, n, backwards);
        ran = n > 0 ? loop(seat, index, n, backwards) : 0;
        total += ran;
        if (n > 0 && ran == 0)
            break; /* stop */
        ran += n == 0; /* over the one that goes first */
        index = backwards ? index - ran : index + ran;
    }
    return total;
}

/* `now`: about. */
static size_t claim_size(const struct fw_seat *seat, uint64_t now)
{
    const struct fw_worker *me = seat->me;
    size_t left, fits;

    if (seat->sequel || (!me->begun && seat->work->request.job.worker_begin != NULL))
        return 1;
    left = fw_ranges_left(seat->work->ranges, seat->place);
    if (seat->work->stage.claim_most > 0 && left > seat->work->stage.claim_most)
        left = seat->work->stage.claim_most;
    if (FW_UNLIKELY(seat->work->deadline.at > 0)) {
        fits = fw_deadline_fits(&seat->work->deadline, now);
        left = left < fits ? left : fits;
    }
    return left > 0 ? fw_batch_limit(&me->batch, left) : 1;
}

/* -- The end of the allocation ------------------------------------------- */

static bool any_again(const struct furrow_work *work)
{
    return FW_LOAD(&work->again_head) % ((uint64_t)1 << FW_AGAIN_BITS) != 0;
}

static bool any_dear(const struct furrow_work *work)
{
    const uint64_t front = fw_ranges_front(work->ranges);

    return work->ndear > 0 && (uint32_t)front != (uint32_t)(front >> 32);
}

/* Stops the job where this worker has something to start and it would end too
 * late; who has nothing waits for those that do. */
static void look_at_deadline(struct fw_seat *seat, uint64_t now)
{
    struct furrow_work *work = seat->work;
    char words[FURROW_MESSAGE] = "";

    if (fw_deadline_fits(&work->deadline, now) > 0 ||
        (fw_ranges_left(work->ranges, seat->place) == 0 && !any_dear(work) && !any_again(work)))
        return;
    fw_deadline_tell(&work->deadline, now, words);
    fw_work_drain(work, words);
}

/* Claims from the own range and runs; false: it is empty. *clock: the end of
 * the claim before, so that one clock read a claim is enough. */
static bool claim_and_run(struct fw_seat *seat, tasks_loop *loop, uint64_t *clock)
{
    struct fw_ranges *ranges = seat->work->ranges;
    struct fw_worker *me = seat->me;
    uint64_t now;
    size_t ran;

    if (!fw_ranges_claim(ranges, seat->place, claim_size(seat, *clock), &seat->claim))
        return false;
    seat->sequel = false;
    if (!fw_seat_begin(seat))
        return true; /* the job stops */
    ran = run_claim(seat, loop);
    fw_ranges_close(ranges, seat->place);
    fw_bell_ring(&seat->work->common->bell);
    if (seat->is_process)
        fw_printing_flush();
    now = fw_now();
    me->started += ran;
    if (seat->work->stage.emptied)
        fw_stage_note(seat->work, ran);
    me->busy_ns += now - *clock;
    if (now - *clock > me->longest_ns)
        me->longest_ns = now - *clock;
    if (FW_UNLIKELY(seat->work->progress.every_ns > 0))
        fw_progress_add(&seat->work->progress, ran, now);
    if (FW_UNLIKELY(seat->work->deadline.at > 0))
        fw_deadline_note(&seat->work->deadline, ran, now - *clock);
    if (ran > 0)
        fw_batch_note(&me->batch, ran, now - *clock);
    *clock = now;
    return true;
}

/* -- Tasks that go first, and tasks that come again ---------------------- */

/* One of the tasks that go first; false: none is left. */
static bool run_dear(struct fw_seat *seat, uint64_t *clock)
{
    uint32_t position;

    if (seat->work->ndear == 0 || !fw_ranges_front_claim(seat->work->ranges, &position))
        return false;
    if (fw_seat_begin(seat)) {
        run_single(seat, seat->work->dear[position], 0, clock);
        seat->me->started++;
    }
    return true;
}

/* One of the tasks whose next try comes later; false: none is waiting. */
static bool run_again(struct fw_seat *seat, uint64_t *clock)
{
    size_t index;
    unsigned attempt;

    if (seat->work->again == NULL || !fw_work_again_pop(seat->work, &index, &attempt))
        return false;
    if (fw_seat_begin(seat))
        run_single(seat, index, attempt, clock);
    return true;
}

/* -- The worker --------------------------------------------------------- */

static bool something_changed(struct fw_seat *seat)
{
    struct furrow_work *work = seat->work;
    const bool more = atomic_load(&work->common->more) != 0;
    const enum fw_hope hope = fw_ranges_ask(work->ranges, seat->place);

    return fw_work_stops(work) || any_again(work) || hope == FW_HOPE_STEAL || (hope == FW_HOPE_NONE && !more);
}

/* The own range is empty: false when there is nothing more to hope for. */
static bool find_more(struct fw_seat *seat, uint64_t *clock)
{
    struct furrow_work *work = seat->work;
    enum fw_hope hope = FW_HOPE_STEAL;
    bool more = false;

    if (fw_ranges_steal(work->ranges, seat->place)) {
        fw_bell_ring(&work->common->bell); /* there is a range to steal from */
    } else if (!run_again(seat, clock)) {
        more = atomic_load(&work->common->more) != 0; /* before the look: what comes is seen by it */
        hope = fw_ranges_ask(work->ranges, seat->place);
        if (hope == FW_HOPE_ASKED || (hope == FW_HOPE_NONE && more))
            fw_seat_wait(seat, something_changed);
        else if (hope == FW_HOPE_NONE)
            fw_bell_ring(&work->common->bell); /* who sleeps may hope for a claim that this worker did not get */
        if (hope != FW_HOPE_NONE || more)
            *clock = fw_now();
    }
    return hope != FW_HOPE_NONE || more;
}

FW_HOT size_t fw_loop_some(struct fw_seat *seat, size_t index, size_t count)
{
    return loop_for(seat->work)(seat, index, count, false);
}

bool fw_loop_ranges(struct fw_seat *seat)
{
    tasks_loop *loop = loop_for(seat->work);
    uint64_t clock = fw_now();

    while (!fw_work_stops(seat->work) && fw_seat_attend(seat)) {
        if (await_room(seat))
            clock = fw_now();
        if (FW_UNLIKELY(seat->work->deadline.at > 0)) {
            look_at_deadline(seat, clock);
            if (fw_work_stops(seat->work))
                break;
        }
        if (!run_dear(seat, &clock) && !claim_and_run(seat, loop, &clock) && !find_more(seat, &clock))
            break;
    }
    return !fw_work_stops(seat->work);
}
