/* Workers that end without returning: what the supervisor of process workers
 * tells the job, and what becomes of the task that was running. */
#include "ranges.h"
#include "stream.h"
#include "work.h"

double furrow_work_limit(const furrow_work *work)
{
    return work->limit_ns > 0 ? (double)work->limit_ns * 1e-9 : __builtin_inf();
}

double furrow_work_deadline(const furrow_work *work, int worker)
{
    uint64_t start = atomic_load(&work->worker[worker].task_started);

    if (work->limit_ns == 0 || start == 0)
        return __builtin_inf();
    return ((double)(start + work->limit_ns) - (double)fw_now()) * 1e-9;
}

static const char *kind_of(int code)
{
    return code > 0 ? "signal" : "exit status";
}

static void died_at_end(struct furrow_work *work, int worker, int code)
{
    char words[FURROW_MESSAGE] = "";

    fw_message_append(words, "worker %d died in worker_end (%s %d)", fw_work_number(work, worker), kind_of(code), code < 0 ? -code : code);
    fw_work_stop(work, FW_CAUSE_WORKER, FURROW_EWORKER, code, FW_NO_TASK, words);
}

static void too_many_deaths(struct furrow_work *work, int code)
{
    char words[FURROW_MESSAGE] = "";

    fw_message_append(words, "three workers in a row died before they began (%s %d); "
                      "look at worker_begin and at the limits of memory and processes",
                      kind_of(code), code < 0 ? -code : code);
    fw_work_stop(work, FW_CAUSE_WORKER, FURROW_EWORKER, code, FW_NO_TASK, words);
}

static size_t task_of(const struct furrow_work *work, int worker)
{
    const uint32_t slot = atomic_load(&work->worker[worker].slot);

    if (work->stream != NULL)
        return slot != 0 ? work->stream->slot[slot - 1].index : FW_NO_TASK;
    return atomic_load(&work->ranges->line[work->line + worker].running);
}

void fw_work_blame(struct furrow_work *work, int worker, const char *words)
{
    struct fw_worker *w = &work->worker[worker];

    fw_text_copy(work->blame[worker].words, sizeof work->blame[worker].words, words);
    w->said_index = task_of(work, worker);
    w->said_attempt = atomic_load(&w->attempt);
}

bool fw_work_idles(const struct furrow_work *work, int worker)
{
    return task_of(work, worker) == FW_NO_TASK &&
           atomic_load(&work->worker[worker].phase) != FW_PHASE_END;
}

/* The task a dead worker was running: retried later, or settled. */
static void bury_task(struct furrow_work *work, int worker, size_t index, furrow_outcome outcome, int code)
{
    struct fw_worker *w = &work->worker[worker];
    const unsigned attempt = atomic_load(&w->attempt);

    if (work->outcome == NULL || fw_marks_hold(work, worker, index))
        return; /* it had ended */
    if (outcome == FURROW_SKIPPED)
        return; /* the job stops: it was not run to its end */
    if (work->again != NULL && work->again[index].attempt > attempt)
        return; /* the next try is another's already */
    if (work->again != NULL && attempt < (unsigned)work->request.config.retries && !fw_work_stops(work)) {
        w->retried++;
        fw_work_again_push(work, index, attempt + 1);
        return;
    }
    fw_work_outcome(work, worker, index, outcome, code,
                    w->said_index == index && w->said_attempt == attempt ? work->blame[worker].words : "");
}

/* What a dead worker had done before the task it was running, and not marked. A
 * run that it had published was whole, with that task. */
static void mark_done(struct furrow_work *work, int worker, size_t running)
{
    const bool backwards = fw_ranges_backwards(work->ranges, work->line + worker);
    const size_t from = atomic_load(&work->worker[worker].unmarked);
    const bool some = from != FW_NO_TASK && running != FW_NO_TASK && (backwards ? from > running : from < running);
    size_t low = backwards ? running + 1 : from, n = backwards ? from - running : running - from;

    if (work->outcome == NULL || from == FW_NO_TASK)
        return;
    if (fw_ring_published(work, worker, from, &low, &n) || some) {
        fw_ring_publish(work, worker, from, low, n);
        fw_marks_note_of_dead(work, worker, low, n);
    }
}

/* What a death outside tasks means for the job. */
static void judge_death(struct furrow_work *work, int worker, int code)
{
    const uint32_t phase = atomic_exchange(&work->worker[worker].phase, FW_PHASE_NEW);

    if (phase == FW_PHASE_END)
        died_at_end(work, worker, code);
    else if (phase < FW_PHASE_READY && atomic_fetch_add(&work->deaths_idle, 1) + 1 >= 3)
        too_many_deaths(work, code);
}

void furrow_work_lost(furrow_work *work, int worker, furrow_outcome outcome, int code)
{
    struct fw_worker *w = &work->worker[worker];
    size_t running = FW_NO_TASK;
    const bool ranged = fw_ranges_bury(work->ranges, work->line + worker, &running);

    if (ranged)
        mark_done(work, worker, running);
    atomic_store(&w->unmarked, FW_NO_TASK);
    if (work->stream != NULL)
        fw_stream_bury(work, worker, outcome, code);
    else if (ranged)
        bury_task(work, worker, running, outcome, code);
    atomic_store(&w->task_started, 0);
    atomic_store(&w->attempt, 0);
    w->begun = 0;
    atomic_fetch_add(&work->deaths, 1);
    if (outcome != FURROW_SKIPPED)
        judge_death(work, worker, code);
    fw_bell_ring(&work->common->bell);
    if (work->stream != NULL)
        fw_bell_ring(&work->stream->caller);
}
