#include "seat.h"

#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "child.h"
#include "cpus.h"
#include "seed.h"
#include "stream.h"

/* One begin or end at a time in a process, also across jobs. Recursive: what
 * runs below it on the same thread (a job started there is sequential) may
 * begin workers of its own. The one lock under which user code runs. */
static pthread_mutex_t planner;
static pthread_once_t planner_once = PTHREAD_ONCE_INIT;

static void planner_init(void)
{
    pthread_mutexattr_t attr;

    (void)pthread_mutexattr_init(&attr);
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&planner, &attr);
    (void)pthread_mutexattr_destroy(&attr);
}

void fw_seat_in_child(void)
{
    planner_init();
}

/* -- Taking and leaving ------------------------------------------------- */

static bool in_own_process(const struct furrow_work *work)
{
    return work->shared_home && work->caller_pid != getpid();
}

static void enter_phase(struct fw_seat *seat, enum fw_phase phase)
{
    if (seat->is_process)
        atomic_store(&seat->me->phase, (uint32_t)phase);
}

static void fill_frame(struct fw_seat *seat)
{
    const struct furrow_work *work = seat->work;
    const struct fw_context *caller = work->caller;
    struct fw_context *frame = &seat->frame;
    int inner = work->inner_threads;

    memset(frame, 0, sizeof *frame);
    frame->work = seat->work;
    frame->worker = seat->worker;
    frame->backend = work->backend;
    frame->level = work->transparent ? caller->level : work->level + 1;
    frame->isolated = work->isolates || (work->transparent && caller->isolated) ||
                      (caller->isolated && work->workers == 1);
    frame->alone = work->request.share != NULL && !work->isolates && work->workers == 1;
    frame->callback = work->transparent && caller->callback;
    frame->at = fw_work_lease(work, seat->worker, &frame->cpus);
    frame->task.cpus = inner > 0 ? inner : frame->at != NULL ? frame->cpus : fw_cpus()->count;
    seat->cpus = frame->task.cpus;
    if (inner > 0) { /* what runs inside stays within what the task may use */
        const int most = frame->at != NULL ? frame->cpus : work->cpus;

        frame->at = frame->at != NULL ? frame->at : work->at;
        frame->cpus = inner < most ? inner : most;
    }
    frame->task.index = FW_NO_TASK;
    frame->task.shared = work->request.job.shared;
    if (work->scratch != NULL)
        frame->task.state = work->scratch + (size_t)seat->worker * work->request.scratch;
}

static void bind(struct fw_seat *seat)
{
    int cpus;
    const int *at = fw_work_lease(seat->work, seat->worker, &cpus);

    (void)fw_bind_set(seat->work->bind, at, cpus, &seat->mask);
}

/* Pools that all threads of a process share are the job's where its workers are
 * threads (map.c), and a process worker's own. */
static void limit_threads(struct fw_seat *seat)
{
    const int inner = seat->work->inner_threads, share = seat->frame.task.cpus;

    fw_thread_limit_set(inner, share, &seat->limit);
    if (seat->work->shared_home)
        fw_pools_hold(&seat->hold, inner, share, false);
}

static void unlimit_threads(struct fw_seat *seat)
{
    if (seat->work->shared_home)
        fw_pools_release(&seat->hold);
    fw_thread_limit_restore(&seat->limit);
}

/* Nothing stands before its first task any more. */
static void is_ready(struct fw_seat *seat)
{
    enter_phase(seat, FW_PHASE_READY);
    if (seat->is_process)
        atomic_store(&seat->work->deaths_idle, 0);
}

void fw_seat_take(struct fw_seat *seat, struct furrow_work *work, int worker)
{
    seat->work = work;
    seat->worker = worker;
    seat->me = &work->worker[worker];
    seat->place = work->line + worker;
    seat->line = &work->ranges->line[seat->place];
    fw_work_enter(work, worker);
    seat->is_process = in_own_process(work);
    seat->is_caller = !seat->is_process && pthread_equal(work->caller_thread, pthread_self()) != 0;
    seat->sequel = false;
    fill_frame(seat);
    /* A transparent job leaves what its caller has, unless that is too much. */
    seat->limits = !work->transparent || work->inner_threads > 0 ||
                   fw_thread_limit_exceeds(seat->frame.task.cpus);
    bind(seat);
    if (!seat->is_caller || seat->work->foreign)
        fw_inherit_install(&work->inherit, &seat->own);
    fw_context_enter(&seat->frame, work->transparent);
    if (seat->is_process) {
        fw_cancel_of_process(work);
        fw_context_of_process(&seat->frame);
    }
    if (seat->limits)
        limit_threads(seat);
    fw_message_clear();
    seat->me->entered = 1;
    seat->me->begun = 0;
    if (work->request.job.worker_begin == NULL)
        is_ready(seat);
}

FW_HOT void fw_seat_take_again(struct fw_seat *seat)
{
    struct furrow_work *work = seat->work;

    seat->frame.task = (furrow_task){ .index = FW_NO_TASK, .shared = work->request.job.shared, .cpus = seat->cpus };
    if (work->transparent)
        seat->limits = work->inner_threads > 0 || fw_thread_limit_exceeds(seat->cpus);
    if (work->bind != FW_BIND_KEEP)
        bind(seat);
    fw_context_enter(&seat->frame, work->transparent);
    if (seat->limits)
        fw_thread_limit_set_again(work->inner_threads, seat->cpus, &seat->limit);
    seat->me->entered = 1;
    seat->me->begun = 0;
}

static void stop_over_worker(struct fw_seat *seat, const char *what, int code)
{
    char words[FURROW_MESSAGE] = "";
    const char *said = fw_message_from(&seat->frame, FW_NO_TASK, 0);

    fw_message_append(words, "worker %d: %s returned %d", fw_work_number(seat->work, seat->worker), what, code);
    if (said != NULL)
        fw_message_append(words, "%s", said);
    fw_work_stop(seat->work, FW_CAUSE_WORKER, FURROW_EWORKER, code, FW_NO_TASK, words);
}

static int call_planner(struct fw_seat *seat, furrow_worker_fn call)
{
    const bool callback = seat->frame.callback;
    int code;

    (void)pthread_once(&planner_once, planner_init);
    seat->frame.task.index = FW_NO_TASK;
    seat->frame.task.attempt = 0;
    (void)pthread_mutex_lock(&planner);
    seat->frame.callback = true;
    code = call(fw_work_number(seat->work, seat->worker), seat->work->request.job.shared, &seat->frame.task.state);
    seat->frame.callback = callback;
    (void)pthread_mutex_unlock(&planner);
    return code;
}

bool fw_seat_begin(struct fw_seat *seat)
{
    const furrow_worker_fn begin = seat->work->request.job.worker_begin;
    int code;

    if (seat->me->begun)
        return true;
    if (begin != NULL)
        enter_phase(seat, FW_PHASE_BEGIN);
    code = begin != NULL ? call_planner(seat, begin) : 0;
    if (code != 0) {
        stop_over_worker(seat, "worker_begin", code);
        return false;
    }
    if (begin != NULL)
        is_ready(seat);
    seat->me->begun = 1;
    return true;
}

FW_HOT void fw_seat_leave(struct fw_seat *seat)
{
    const furrow_worker_fn end = seat->work->request.job.worker_end;
    int code = 0;

    if (seat->me->begun && end != NULL) {
        enter_phase(seat, FW_PHASE_END);
        code = call_planner(seat, end);
    }
    enter_phase(seat, FW_PHASE_LEFT);
    if (code != 0)
        stop_over_worker(seat, "worker_end", code);
    seat->me->begun = 0;
    fw_context_leave(&seat->frame);
    if (seat->limits)
        unlimit_threads(seat);
    if (!seat->is_caller || seat->work->foreign)
        fw_inherit_restore(&seat->own);
    fw_bind_restore(&seat->mask);
}

/* -- Between tasks ------------------------------------------------------ */

bool fw_seat_attend(struct fw_seat *seat)
{
    const uint32_t bits = FW_PEEK(&seat->line->attention);

    if ((bits & FW_UNTIDY) != 0) {
        FW_AND(&seat->line->attention, ~(uint32_t)FW_UNTIDY);
        fw_context_tidy(&seat->frame);
    }
    return (bits & FW_STOP) == 0;
}

void fw_seat_wait(struct fw_seat *seat, bool (*look)(struct fw_seat *seat))
{
    /* About as long as it takes to wake a sleeping CPU (docs/performance.md). */
    enum { SPINS = 400 };
    uint32_t ticket;

    for (int i = 0; i < SPINS; i++) {
        if (i % 8 == 0 && look(seat))
            return;
        fw_relax();
    }
    ticket = fw_bell_listen(&seat->work->common->bell);
    if (look(seat))
        fw_bell_ignore(&seat->work->common->bell);
    else
        fw_bell_sleep(&seat->work->common->bell, ticket, 0);
}

/* -- One task ----------------------------------------------------------- */

const char *fw_seat_words(const struct fw_seat *seat)
{
    const struct fw_worker *me = seat->me;
    const furrow_task *task = &seat->frame.task;
    const char *nested;

    if (me->said_index == task->index && me->said_attempt == task->attempt)
        return seat->work->blame[seat->worker].words;
    nested = fw_message_from(&seat->frame, task->index, task->attempt);
    return nested != NULL ? nested : "";
}

static bool may_retry(const struct fw_seat *seat, unsigned attempt)
{
    return attempt < (unsigned)seat->work->request.config.retries && !fw_work_stops(seat->work);
}

static furrow_outcome ended(struct fw_seat *seat, int code, bool late)
{
    furrow_outcome outcome = late ? FURROW_TIMED_OUT : code != 0 ? FURROW_FAILED : FURROW_DONE;

    fw_work_outcome(seat->work, seat->worker, seat->frame.task.index, outcome, code,
                    outcome != FURROW_DONE ? fw_seat_words(seat) : "");
    return outcome;
}

furrow_outcome fw_seat_run(struct fw_seat *seat, size_t index, const void *in, void *out,
                           unsigned attempt, int *code, double *seconds)
{
    const furrow_job *job = &seat->work->request.job;
    const uint64_t limit = seat->work->limit_ns;
    furrow_task *task = &seat->frame.task;

    for (;; attempt++) {
        uint64_t start = fw_now(), took;
        bool late;

        atomic_store(&seat->me->attempt, attempt);
        atomic_store(&seat->me->task_started, start);
        FW_HINT(&seat->line->running, index);
        task->index = index;
        task->in = in;
        task->out = out;
        task->attempt = attempt;
        task->seed = fw_seed(job->seed, index);
        *code = job->run(task);
        took = fw_now() - start;
        atomic_store(&seat->me->task_started, 0);
        *seconds = (double)took * 1e-9;
        late = limit > 0 && took > limit;
        if ((*code == 0 && !late) || !may_retry(seat, attempt)) {
            return ended(seat, *code, late);
        }
        seat->me->retried++;
        if (late)
            return FURROW_PENDING;
        (void)fw_seat_attend(seat);
        if (seat->work->stream != NULL)
            fw_stream_forget_reply(seat->work, seat->worker);
    }
}

void fw_seat_mend(struct fw_seat *seat, int code, bool late)
{
    struct furrow_work *work = seat->work;
    furrow_task *task = &seat->frame.task;
    const size_t index = task->index;
    double seconds;

    if (!may_retry(seat, 0)) {
        (void)ended(seat, code, late);
        return;
    }
    seat->me->retried++;
    if (late) {
        fw_work_again_push(work, index, 1);
        return;
    }
    (void)fw_seat_attend(seat);
    if (fw_seat_run(seat, index, task->in, task->out, 1, &code, &seconds) == FURROW_PENDING)
        fw_work_again_push(work, index, task->attempt + 1);
    task->attempt = 0;
    atomic_store(&seat->me->attempt, 0);
}

/* -- What a worker calls ------------------------------------------------ */

bool furrow_work_run(furrow_work *work, int worker)
{
    struct fw_seat seat;
    bool whole;

    fw_seat_take(&seat, work, worker);
    whole = work->stream != NULL ? fw_loop_stream(&seat) : fw_loop_ranges(&seat);
    fw_seat_leave(&seat);
    return whole && !fw_work_stops(work);
}
