#include "report.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "cpus.h"
#include "stream.h"

void fw_report_clear(furrow_report *report)
{
    memset(report, 0, sizeof *report);
    report->backend = "none";
}

void fw_report_clear_unwanted(furrow_report *report)
{
    memset(&report->done, 0, offsetof(furrow_report, message) - offsetof(furrow_report, done));
    report->backend = "none";
    report->reason[0] = report->message[0] = '\0';
    report->failures = 0;
}

void fw_report_plan(furrow_report *report, const struct fw_plan *plan)
{
    int first;

    report->backend = plan->backend->name;
    report->level = plan->level;
    report->workers = plan->workers;
    report->cpus_max = fw_plan_share(plan->cpus, plan->workers, 0, &first);
    report->cpus_min = fw_plan_share(plan->cpus, plan->workers, plan->workers - 1, &first);
    memcpy(report->reason, plan->reason, sizeof report->reason);
}

/* -- Counting ----------------------------------------------------------- */

/* Keeps the failures of lowest index. */
static void add_failure(struct fw_tally *tally, const furrow_failure *failure)
{
    int at = tally->failures;

    if (at == FURROW_FAILURES && tally->failure[at - 1].index < failure->index)
        return;
    if (at == FURROW_FAILURES)
        at--;
    else
        tally->failures++;
    for (; at > 0 && tally->failure[at - 1].index > failure->index; at--)
        tally->failure[at] = tally->failure[at - 1];
    tally->failure[at] = *failure;
}

/* Tasks whose next try never came. */
static uint64_t count_unretried(const struct furrow_work *work)
{
    const uint64_t mask = ((uint64_t)1 << FW_AGAIN_BITS) - 1;
    uint64_t n = 0;

    for (size_t at = (size_t)(work->again_head & mask); at != 0; at = work->again[at - 1].next)
        n++;
    return n;
}

static void add_worker(struct fw_tally *tally, const struct furrow_work *work, int worker)
{
    const struct fw_worker *w = &work->worker[worker];

    tally->counts.started += w->started;
    tally->counts.outcome[FURROW_FAILED] += w->failed;
    tally->counts.outcome[FURROW_TIMED_OUT] += w->timed_out;
    tally->counts.outcome[FURROW_CRASHED] += w->crashed;
    tally->counts.retried += w->retried;
    tally->counts.busy_ns += w->busy_ns;
    if (w->entered && w->batch.size > tally->counts.batch)
        tally->counts.batch = w->batch.size;
    for (int i = 0; i < w->nfailures; i++)
        add_failure(tally, &work->blame[worker].failure[i]);
}

void fw_tally_take(struct fw_tally *tally, const struct furrow_work *work)
{
    memset(tally, 0, sizeof *tally);
    for (int w = 0; w < work->ready; w++)
        if (fw_work_part(work, w) != NULL)
            add_worker(tally, work, w);
    if (work->stream != NULL && work->stream->source != NULL) {
        ; /* who hands the tasks out counts them */
    } else if (work->stream != NULL) {
        tally->counts.outcome[FURROW_DONE] = work->stream->done;
        tally->counts.drawn = work->stream->drawn;
    } else {
        const uint64_t *by = tally->counts.outcome;

        tally->counts.outcome[FURROW_DONE] = tally->counts.started - by[FURROW_FAILED] - by[FURROW_TIMED_OUT] -
                                             by[FURROW_CRASHED] - count_unretried(work);
    }
    tally->counts.deaths = work->deaths;
    tally->cause = work->cause;
    for (int cause = 0; cause < FW_CAUSES; cause++)
        tally->stop[cause] = work->stop[cause];
    memcpy(tally->note, work->note, sizeof tally->note);
}

void fw_tally_fail(struct fw_tally *tally, furrow_status status)
{
    struct fw_stop *stop = &tally->stop[FW_CAUSE_BACKEND];

    *stop = (struct fw_stop){ .taken = 1, .status = status, .when = fw_clock_wall(), .index = FW_NO_TASK };
    fw_text_copy(stop->words, sizeof stop->words, furrow_message());
    tally->cause = FW_CAUSE_BACKEND;
}

void fw_tally_count(struct fw_tally *tally, const unsigned char *outcome, size_t count)
{
    memset(tally->counts.outcome, 0, sizeof tally->counts.outcome);
    for (size_t i = 0; i < count; i++)
        tally->counts.outcome[outcome[i] & ~FW_TAKEN]++;
}

/* The first stop of all is the cause of all. */
static void add_stops(struct fw_tally *tally, const struct fw_tally *more)
{
    if (more->cause != FW_CAUSE_NONE &&
        (tally->cause == FW_CAUSE_NONE || more->stop[more->cause].when < tally->stop[tally->cause].when))
        tally->cause = more->cause;
    for (int cause = 0; cause < FW_CAUSES; cause++) {
        const struct fw_stop *theirs = &more->stop[cause];
        struct fw_stop *ours = &tally->stop[cause];

        if (theirs->taken && (!ours->taken || theirs->when < ours->when))
            *ours = *theirs;
    }
}

void fw_counts_add(struct fw_counts *counts, const struct fw_counts *more)
{
    for (int outcome = 0; outcome <= FURROW_SKIPPED; outcome++)
        counts->outcome[outcome] += more->outcome[outcome];
    counts->started += more->started;
    counts->retried += more->retried;
    counts->busy_ns += more->busy_ns;
    counts->drawn += more->drawn;
    counts->deaths += more->deaths;
    if (more->batch > counts->batch)
        counts->batch = more->batch;
}

void fw_tally_add(struct fw_tally *tally, const struct fw_tally *more)
{
    fw_counts_add(&tally->counts, &more->counts);
    for (int i = 0; i < more->failures; i++)
        add_failure(tally, &more->failure[i]);
    add_stops(tally, more);
    if (tally->note[0] == '\0')
        memcpy(tally->note, more->note, sizeof tally->note);
}

static void count(furrow_report *report, const struct furrow_work *work, const struct fw_tally *tally)
{
    const furrow_job *job = &work->request.job;
    const size_t tasks = job->count == 0 && work->stream != NULL ? tally->counts.drawn : job->count;

    report->done = tally->counts.outcome[FURROW_DONE];
    report->failed = tally->counts.outcome[FURROW_FAILED];
    report->timed_out = tally->counts.outcome[FURROW_TIMED_OUT];
    report->crashed = tally->counts.outcome[FURROW_CRASHED];
    report->skipped = tasks - report->done - report->failed - report->timed_out - report->crashed;
    report->retried = tally->counts.retried;
    report->busy_seconds = (double)tally->counts.busy_ns * 1e-9;
    report->batch = tally->counts.batch < tasks ? tally->counts.batch : tasks;
    report->failures = tally->failures;
    memcpy(report->failure, tally->failure, (size_t)tally->failures * sizeof *report->failure);
}

/* -- The status --------------------------------------------------------- */

static bool stopped_by(const struct fw_tally *tally, enum fw_cause cause)
{
    return tally->stop[cause].taken != 0;
}

/* Where several apply the first of this order (furrow.h). */
static furrow_status status_of(const furrow_report *report, const struct furrow_work *work,
                               const struct fw_tally *tally)
{
    if (stopped_by(tally, FW_CAUSE_BACKEND))
        return tally->stop[FW_CAUSE_BACKEND].status;
    if (report->crashed > 0 || stopped_by(tally, FW_CAUSE_WORKER))
        return FURROW_EWORKER;
    if (report->timed_out > 0)
        return FURROW_ETIMEDOUT;
    if (report->failed > 0)
        return FURROW_ETASK;
    if (stopped_by(tally, FW_CAUSE_CALLBACK) || stopped_by(tally, FW_CAUSE_CANCEL))
        return FURROW_ECANCELLED;
    /* What was running when the job was drained may have been all there was. */
    if (stopped_by(tally, FW_CAUSE_DRAIN) && (report->skipped > 0 || work->request.job.next != NULL))
        return FURROW_ECANCELLED;
    return FURROW_OK;
}

/* -- The sentence ------------------------------------------------------- */

static const furrow_failure *first_failure(const furrow_report *report, furrow_outcome outcome)
{
    for (int i = 0; i < report->failures; i++)
        if (report->failure[i].outcome == outcome)
            return &report->failure[i];
    return NULL;
}

static const char *signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        { SIGSEGV, "SIGSEGV" }, { SIGABRT, "SIGABRT" }, { SIGFPE, "SIGFPE" },
        { SIGBUS, "SIGBUS" },   { SIGILL, "SIGILL" },   { SIGKILL, "SIGKILL" },
        { SIGTERM, "SIGTERM" }, { SIGINT, "SIGINT" },   { SIGXCPU, "SIGXCPU" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    return "a signal";
}

static void tell_words(char *out, const furrow_failure *failure, const char *otherwise)
{
    if (failure->message[0] != '\0')
        fw_message_append(out, "%s", failure->message);
    else
        fw_message_append(out, "%s", otherwise);
}

static void tell_failed(char *out, const furrow_report *report, const char *name)
{
    const furrow_failure *f = first_failure(report, FURROW_FAILED);

    if (f == NULL) {
        fw_message_append(out, "%s%llu tasks failed", name, (unsigned long long)report->failed);
        return;
    }
    fw_message_append(out, "%stask %zu failed with code %d on %s", name, f->index, f->code, f->host);
    tell_words(out, f, "it gave no words: furrow_task_fail() takes some");
    if (report->failed > 1)
        fw_message_append(out, "%llu tasks failed in all", (unsigned long long)report->failed);
}

static void tell_timed_out(char *out, const furrow_report *report, const char *name, double limit)
{
    const furrow_failure *f = first_failure(report, FURROW_TIMED_OUT);

    if (f != NULL)
        fw_message_append(out, "%stask %zu ran past its time limit of %g s on %s", name, f->index, limit,
                          f->host);
    else
        fw_message_append(out, "%s%llu tasks ran past their time limit of %g s", name,
                          (unsigned long long)report->timed_out, limit);
    fw_message_append(out, "raise config.timeout (FURROW_TIMEOUT), or do less in one task");
    if (report->timed_out > 1 && f != NULL)
        fw_message_append(out, "%llu tasks were late in all", (unsigned long long)report->timed_out);
}

static void tell_crashed(char *out, const furrow_report *report, const char *name)
{
    const furrow_failure *f = first_failure(report, FURROW_CRASHED);

    if (f == NULL) {
        fw_message_append(out, "%s%llu tasks ended their workers", name,
                          (unsigned long long)report->crashed);
        return;
    }
    if (f->code > 0)
        fw_message_append(out, "%stask %zu ended its worker on %s with signal %d (%s)", name, f->index,
                          f->host, f->code, signal_name(f->code));
    else
        fw_message_append(out, "%stask %zu ended its worker on %s with exit status %d", name, f->index,
                          f->host, -f->code);
    tell_words(out, f, f->code == SIGKILL
                           ? "it was killed from outside: look for a memory limit"
                           : "run this task alone on the sequential backend under a debugger");
    if (report->crashed > 1)
        fw_message_append(out, "%llu tasks did so in all", (unsigned long long)report->crashed);
}

static void tell_cancelled(char *out, const furrow_report *report, const struct fw_tally *tally,
                           const char *name)
{
    const struct fw_stop *callback = &tally->stop[FW_CAUSE_CALLBACK];

    if (!stopped_by(tally, FW_CAUSE_CALLBACK))
        fw_message_append(out, "%sstopped by %s", name,
                          stopped_by(tally, FW_CAUSE_CANCEL) ? "furrow_cancel()"
                                                            : tally->stop[FW_CAUSE_DRAIN].words);
    else if (callback->index != FW_NO_TASK)
        fw_message_append(out, "%sstopped by job.%s, which returned %d at task %zu", name,
                          callback->words, callback->code, callback->index);
    else
        fw_message_append(out, "%sstopped by job.%s, which returned %d", name, callback->words,
                          callback->code);
    fw_message_append(out, "%llu tasks were done and %llu were not run",
                      (unsigned long long)report->done, (unsigned long long)report->skipped);
}

static void tell(furrow_report *report, const struct furrow_work *work, const struct fw_tally *tally)
{
    const char *given = work->request.job.name;
    char name[FURROW_MESSAGE / 2] = "";
    char *out = report->message;

    if (given != NULL)
        (void)snprintf(name, sizeof name, "%.100s: ", given);
    if (report->status == FURROW_EWORKER && stopped_by(tally, FW_CAUSE_WORKER))
        fw_message_append(out, "%s%s", name, tally->stop[FW_CAUSE_WORKER].words);
    else if (report->status == FURROW_EWORKER)
        tell_crashed(out, report, name);
    else if (report->status == FURROW_ETIMEDOUT)
        tell_timed_out(out, report, name, work->request.config.timeout);
    else if (report->status == FURROW_ETASK)
        tell_failed(out, report, name);
    else if (report->status == FURROW_ECANCELLED)
        tell_cancelled(out, report, tally, name);
    else if (report->status != FURROW_OK)
        fw_message_append(out, "%s%s", name, tally->stop[FW_CAUSE_BACKEND].words);
}

/* Of what stopped the job, else of the failure that the message is about. */
static int code_of(const furrow_report *report, const struct fw_tally *tally)
{
    const uint32_t cause = tally->cause;
    const furrow_failure *f = first_failure(report, report->status == FURROW_EWORKER     ? FURROW_CRASHED
                                                    : report->status == FURROW_ETIMEDOUT ? FURROW_TIMED_OUT
                                                                                         : FURROW_FAILED);

    if (cause != FW_CAUSE_NONE)
        return tally->stop[cause].code;
    return f != NULL ? f->code : 0;
}

furrow_status fw_report_tally(furrow_report *report, const struct furrow_work *work,
                              const struct fw_tally *tally, uint64_t wall_ns)
{
    count(report, work, tally);
    report->wall_seconds = (double)wall_ns * 1e-9;
    report->status = status_of(report, work, tally);
    report->code = code_of(report, tally);
    if (tally->note[0] != '\0')
        fw_message_append(report->reason, "%s", tally->note);
    tell(report, work, tally);
    return report->status != FURROW_OK ? fw_fail(report->status, "%s", report->message) : FURROW_OK;
}

FW_HOT bool fw_report_went_well(const struct furrow_work *work)
{
    if (work->cause != FW_CAUSE_NONE || work->stream != NULL || work->again != NULL || work->deaths > 0 ||
        work->note[0] != '\0')
        return false;
    for (int w = 0; w < work->ready; w++) {
        const struct fw_worker *part = fw_work_part(work, w);

        if (part != NULL && part->nfailures > 0)
            return false;
    }
    return true;
}

void fw_report_done(furrow_report *report, const struct furrow_work *work, uint64_t wall_ns)
{
    const size_t tasks = work->request.job.count;
    uint64_t busy_ns = 0;

    for (int w = 0; w < work->ready; w++) {
        const struct fw_worker *worker = fw_work_part(work, w);

        if (worker == NULL)
            continue;
        report->done += worker->started;
        report->retried += worker->retried;
        busy_ns += worker->busy_ns;
        if (worker->entered && worker->batch.size > report->batch)
            report->batch = worker->batch.size;
    }
    report->batch = report->batch < tasks ? report->batch : tasks;
    report->skipped = tasks - report->done;
    report->busy_seconds = (double)busy_ns * 1e-9;
    report->wall_seconds = (double)wall_ns * 1e-9;
}

furrow_status fw_report_work(furrow_report *report, const struct furrow_work *work, uint64_t wall_ns)
{
    struct fw_tally tally;

    if (fw_report_went_well(work)) {
        if (!work->request.quiet)
            fw_report_done(report, work, wall_ns);
        return FURROW_OK;
    }
    fw_tally_take(&tally, work);
    /* A worker that died may have taken what it counted with it; the outcomes
     * are the truth. */
    if (work->shared_home && work->outcome != NULL && work->deaths > 0)
        fw_tally_count(&tally, work->outcome, work->request.job.count);
    return fw_report_tally(report, work, &tally, wall_ns);
}

furrow_status fw_report_refuse(furrow_report *report, furrow_status status)
{
    report->status = status;
    memcpy(report->message, furrow_message(), sizeof report->message);
    return status;
}
