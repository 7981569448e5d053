#include "work.h"

#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "backends/registry.h"
#include "child.h"
#include "dear.h"
#include "lease.h"
#include "share.h"
#include "stream.h"

/* -- Opening ------------------------------------------------------------ */

/* How much of what the block needs; everything fw_work_open() derives first. */
struct layout {
    int workers, all; /* here, and to be kept busy */
    bool shared, keep, again;
    bool ranges; /* they are this process's own */
    bool copies; /* outputs are not written where the caller wants them */
    bool stage;  /* they go to the block */
    bool marks;  /* runs of tasks are noted instead of bytes */
    size_t ring_slots; /* of each worker's ring; 0: no rings */
    size_t ndear;
    uint32_t slots, most;
    size_t cpuset_bytes;
};

/* Longest text of one CPU in a list, with its comma. */
enum { CPU_TEXT = 8 };

/* Outputs of a job with callbacks that are not written in the caller's array. */
static bool slot_outputs(const struct layout *l, const struct fw_request *request)
{
    return l->copies || request->job.out == NULL;
}

static struct layout lay_out(const struct fw_request *request, const struct fw_plan *plan)
{
    const furrow_job *job = &request->job;
    const bool streamed = job->next != NULL || job->on_result != NULL;
    const struct fw_share *share = request->share;
    const int workers = share != NULL && share->workers > 0 ? share->workers : plan->workers;
    struct layout l = { .workers = plan->workers, .all = workers };
    int first;

    l.shared = share != NULL ? share->forks : (plan->backend->caps & FURROW_CAP_WRITES_HERE) == 0;
    l.keep = l.shared && job->count > 0 && (share == NULL || share->ranges == NULL);
    l.copies = share != NULL || (l.shared && job->out != NULL && !fw_alloc_holds(job->out, job->count * job->out_size));
    l.stage = l.copies && !streamed && share == NULL;
    l.marks = l.keep && !streamed;
    l.ring_slots = l.stage ? fw_ring_slots(request, plan->workers) : 0;
    l.ranges = share == NULL || share->ranges == NULL;
    l.again = !streamed && request->config.retries > 0 && (request->config.timeout > 0 || l.shared);
    if (l.ranges)
        l.ndear = fw_dear_find(job, workers, NULL, NULL);
    if (streamed)
        l.slots = fw_stream_slots(request, workers, slot_outputs(&l, request), &l.most);
    l.cpuset_bytes = (size_t)fw_plan_share(plan->cpus, plan->workers, 0, &first) * CPU_TEXT + 2;
    return l;
}

/* Carves everything behind the work itself; `work` may be a scratch one while
 * the parts are only added up. */
static void carve(struct furrow_work *work, struct furrow_lease **lease, char **texts,
                  const struct layout *l, struct fw_carver *c)
{
    const furrow_job *job = &work->request.job;
    const size_t workers = (size_t)l->workers;

    (void)fw_carve(c, 1, sizeof *work, FW_CACHE_LINE);
    work->ranges = fw_carve(c, l->ranges, fw_ranges_bytes(l->workers), FW_CACHE_LINE);
    work->worker = fw_carve(c, workers, sizeof *work->worker, FW_CACHE_LINE);
    work->blame = fw_carve(c, workers, sizeof *work->blame, FW_CACHE_LINE);
    *lease = fw_carve(c, workers, sizeof **lease, FW_CACHE_LINE);
    *texts = fw_carve(c, workers, l->cpuset_bytes, 1);
    work->first = fw_carve(c, workers + 1, sizeof *work->first, sizeof *work->first);
    work->dear = fw_carve(c, l->ndear, sizeof *work->dear, FW_CACHE_LINE);
    work->dear_sorted = fw_carve(c, l->ndear, sizeof *work->dear_sorted, FW_CACHE_LINE);
    work->outcome = fw_carve(c, l->keep ? job->count : 0, 1, FW_CACHE_LINE);
    work->marks = fw_carve(c, l->marks ? workers : 0, sizeof *work->marks, FW_CACHE_LINE);
    work->runs = fw_carve(c, l->marks ? workers * FW_MARKS : 0, sizeof *work->runs, FW_CACHE_LINE);
    work->ring = fw_carve(c, l->ring_slots > 0 ? workers : 0, sizeof *work->ring, FW_CACHE_LINE);
    work->ring_out = fw_carve(c, workers * l->ring_slots, job->out_size, FW_CACHE_LINE);
    work->again = fw_carve(c, l->again ? job->count : 0, sizeof *work->again, FW_CACHE_LINE);
    work->out = fw_carve(c, l->stage ? job->count : 0, job->out_size, FW_CACHE_LINE);
    work->scratch = fw_carve(c, workers, work->request.scratch, FW_CACHE_LINE);
    if (l->slots > 0) {
        struct fw_stream scratch = { 0 };
        work->stream = fw_carve(c, 1, sizeof *work->stream, FW_CACHE_LINE);
        fw_stream_carve(work->stream != NULL ? work->stream : &scratch, &work->request, l->slots,
                        l->most, slot_outputs(l, &work->request), c);
    }
}

const int *fw_work_lease(const struct furrow_work *work, int worker, int *cpus)
{
    if (work->transparent) {
        *cpus = work->caller->cpus;
        return work->caller->at;
    }
    *cpus = fw_lease_size(work->first, work->cpus, work->workers, worker);
    return work->at + work->first[worker];
}

void fw_work_untidy(struct furrow_work *work, int worker)
{
    atomic_fetch_or(&work->ranges->line[work->line + worker].attention, FW_UNTIDY);
}

static void write_leases(struct furrow_work *work, struct furrow_lease *lease, char *texts, size_t bytes)
{
    fw_lease_deal(fw_cpus(), work->at, work->cpus, work->workers, work->first);
    for (int w = 0; w < work->workers; w++) {
        const int cpus = fw_lease_size(work->first, work->cpus, work->workers, w);
        char *text = texts + (size_t)w * bytes;

        (void)fw_lease_text(fw_cpus(), work->at + work->first[w], cpus, text, bytes);
        lease[w] = (struct furrow_lease){ cpus, text };
    }
    work->lease = lease;
}

/* Asked once: a system call costs as much as the rest of a small job. */
static char host[FURROW_HOST];

static void ask_host(void)
{
    if (gethostname(host, sizeof host) != 0)
        host[0] = '\0';
    host[sizeof host - 1] = '\0';
}

static const char *host_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, ask_host);
    return host;
}

static void init_fields(struct furrow_work *work, const struct fw_request *request,
                        const struct fw_plan *plan, const int *at, const struct layout *l)
{
    work->request = *request;
    work->backend = plan->backend;
    work->caller = fw_context_here();
    work->caller_thread = pthread_self();
    work->caller_pid = l->shared ? getpid() : 0;
    work->level = plan->level;
    work->workers = work->ready = plan->workers;
    work->cpus = plan->cpus;
    work->at = at;
    work->inner_threads = plan->inner_threads;
    work->transparent = plan->transparent;
    work->shared_home = l->shared;
    if (!plan->transparent)
        work->bind = fw_bind_choose(request->config.bind, l->shared || request->share != NULL, fw_cpus()->simulated, fw_cpus()->ours);
    work->isolates = (plan->backend->caps & FURROW_CAP_ISOLATES) != 0;
    work->limit_ns = request->config.timeout > 0 ? (uint64_t)(request->config.timeout * 1e9) + 1 : 0;
    if (request->config.timeout > 1e9) /* thirty years: none, and no overflow */
        work->limit_ns = (uint64_t)1e18;
    work->ndear = l->ndear;
    if (plan->level == 0 && fw_env()->progress > 0 && request->share == NULL)
        fw_progress_open(&work->progress, &work->own.progress, request->job.name, request->job.count, fw_env()->progress, fw_now());
    work->outermost = work->caller->work == NULL && work->caller->level == 0 && !work->caller->callback;
    if (work->outermost)
        fw_deadline_of_process(&work->deadline, fw_now());
    fw_inherit_take(&work->inherit);
    work->common = &work->own;
    work->stage.most = fw_stage_most;
    memcpy(work->host, host_name(), sizeof work->host);
}

static void init_parts(struct furrow_work *work, const struct layout *l)
{
    const furrow_job *job = &work->request.job;
    const uint64_t cost = fw_clock_claim_ns();

    if (l->ranges)
        fw_ranges_init(work->ranges, l->slots > 0 ? 0 : job->count, work->workers);
    for (int w = 0; w < work->workers; w++) {
        fw_batch_init(&work->worker[w].batch, work->request.config.batch, cost);
        work->worker[w].said_index = FW_NO_TASK;
        atomic_init(&work->worker[w].unmarked, FW_NO_TASK);
    }
    if (!l->copies)
        work->out = job->out;
    if (!l->shared)
        work->outcome = job->outcome;
    if (!l->shared && work->outcome != NULL && job->count > 0) /* those of the block are 0 */
        memset(work->outcome, FURROW_PENDING, job->count);
    if (l->ndear > 0) {
        (void)fw_dear_find(job, l->all, work->dear, work->dear_sorted);
        if (l->slots == 0)
            fw_ranges_front_fill(work->ranges, (uint32_t)l->ndear);
    }
}

/* What this process shares with others. */
static void join(struct furrow_work *work, const struct fw_share *share)
{
    work->line = share->line;
    work->number = share->number;
    work->stage.most = share->stage_most;
    work->isolates = share->forks;
    if (share->common != NULL)
        work->common = share->common;
    if (share->progress > 0)
        fw_progress_open(&work->progress, &work->common->progress, work->request.job.name, work->request.job.count,
                         share->progress, fw_now());
    if (share->floating != NULL) {
        work->inherit.floating = *share->floating;
        work->foreign = true;
    }
    if (work->stream != NULL) {
        work->stream->source = share->source;
        work->stream->untaken_most = share->untaken_most;
    }
    if (share->ranges == NULL)
        return;
    work->ranges = share->ranges;
    work->outcome = share->outcome;
    work->out = share->out;
    work->ndear = share->ndear;
    work->dear = share->dear;
    work->dear_sorted = share->dear_sorted;
}

/* -- Opening again ------------------------------------------------------ */

/* Nothing is written that is there already: the other workers have these lines
 * of the cache too, and each one written costs each of them a transfer. */
#define SET(field, value)                                                                          \
    do {                                                                                           \
        if ((field) != (value))                                                                    \
            (field) = (value);                                                                     \
    } while (0)

FW_HOT static void reset_worker(struct furrow_work *work, int worker)
{
    struct fw_worker *w = &work->worker[worker];

    w->turn = work->turn;
    fw_batch_init(&w->batch, work->request.config.batch, fw_clock_claim_ns());
    w->started = 0;
    w->failed = w->timed_out = w->retried = w->crashed = w->killed = 0;
    w->busy_ns = w->longest_ns = 0;
    w->begun = w->entered = 0;
    atomic_init(&w->attempt, 0);
    atomic_init(&w->task_started, 0);
    atomic_init(&w->unmarked, FW_NO_TASK);
    w->said_index = FW_NO_TASK;
    w->nfailures = 0;
}

static void reset_stops(struct furrow_work *work)
{
    if (atomic_load(&work->cause) == FW_CAUSE_NONE)
        return;
    atomic_init(&work->cause, FW_CAUSE_NONE);
    atomic_init(&work->own.stopping, 0);
    atomic_init(&work->own.hurry, 0);
    atomic_init(&work->own.urgent, 0);
    for (int cause = 0; cause < FW_CAUSES; cause++) {
        atomic_init(&work->stop[cause].taken, 0);
        work->stop[cause].words[0] = '\0';
    }
}

void fw_work_enter(struct furrow_work *work, int worker)
{
    if (work->worker[worker].turn != work->turn)
        reset_worker(work, worker);
}

/* The rest of what a job leaves behind in its block. */
FW_HOT static void reopen(struct furrow_work *work, int workers)
{
    SET(work->caller, fw_context_here());
    if (work->outcome != NULL)
        memset(work->outcome, FURROW_PENDING, work->request.job.count);
    reset_stops(work);
    SET(work->note[0], '\0');
    if (work->deadline.at > 0)
        fw_deadline_of_process(&work->deadline, fw_now());
    SET(work->ready, workers);
    work->turn++;
    reset_worker(work, 0);
    atomic_init(&work->ranges->line[0].attention, 0);
}

void fw_work_reopen(struct furrow_work *work, const struct fw_request *request, int workers)
{
    work->request = *request;
    work->out = request->job.out;
    work->outcome = request->job.outcome;
    if (work->progress.every_ns > 0)
        fw_progress_open(&work->progress, &work->own.progress, request->job.name, request->job.count, fw_env()->progress, fw_now());
    reopen(work, workers);
}

FW_HOT void fw_work_reopen_same(struct furrow_work *work, const furrow_job *job, bool quiet, int workers)
{
    furrow_job *const own = &work->request.job;

    SET(own->name, job->name);
    SET(own->seed, job->seed);
    SET(own->user, job->user);
    SET(own->shared, job->shared);
    SET(own->in, job->in);
    SET(own->out, job->out);
    SET(own->outcome, job->outcome);
    SET(work->out, (char *)job->out);
    SET(work->outcome, job->outcome);
    SET(work->request.quiet, quiet);
    reopen(work, workers);
}

void fw_work_ready(struct furrow_work *work, size_t first)
{
    fw_ranges_init_from(work->ranges, first, work->request.job.count, work->workers);
    SET(work->ready, work->workers);
    if (work->backend != fw_registry_fallback()) /* its worker is the caller */
        fw_inherit_take(&work->inherit);
}

static furrow_status too_little(const struct fw_request *request)
{
    return fw_fail(FURROW_ENOMEM, "%s%sno memory for a job of %zu tasks with %zu bytes of output each; "
                   "run fewer tasks at a time, or give the program more memory",
                   request->job.name != NULL ? request->job.name : "",
                   request->job.name != NULL ? ": " : "", request->job.count, request->job.out_size);
}

furrow_status fw_work_open(const struct fw_request *request, const struct fw_plan *plan,
                           const int *at, struct furrow_work **out)
{
    const struct layout l = lay_out(request, plan);
    struct furrow_work scratch = { .request = *request }, *work;
    struct furrow_lease *lease;
    struct fw_carver c = { NULL, 0, false };
    char *texts;

    carve(&scratch, &lease, &texts, &l, &c);
    if (l.shared)
        fw_child_expect();
    work = c.overflow ? NULL : fw_block_alloc(c.used, l.shared);
    if (work == NULL)
        return too_little(request);
    work->bytes = c.used;
    init_fields(work, request, plan, at, &l);
    c = (struct fw_carver){ (char *)work, 0, false };
    carve(work, &lease, &texts, &l, &c);
    write_leases(work, lease, texts, l.cpuset_bytes);
    init_parts(work, &l);
    if (work->stream != NULL && !fw_stream_open(work->stream, l.shared)) {
        fw_block_free(work, work->bytes, l.shared);
        return fw_fail(FURROW_ESYS, "the system refuses a memory file for replies (memfd_create); "
                                    "raise the limit of open files (ulimit -n)");
    }
    if (request->share != NULL)
        join(work, request->share);
    fw_ring_start(work, l.ring_slots);
    fw_stage_open(work);
    *out = work;
    return FURROW_OK;
}

void fw_work_close(struct furrow_work *work)
{
    if (work == NULL)
        return;
    fw_stage_drop(work);
    fw_ring_drop(work);
    if (work->stream != NULL)
        fw_stream_close(work->stream);
    fw_block_free(work, work->bytes, work->shared_home);
}

/* -- The end ------------------------------------------------------------ */

static bool any_pending(const struct furrow_work *work)
{
    return memchr(work->outcome, FURROW_PENDING, work->request.job.count) != NULL;
}

void fw_work_begin_again(struct furrow_work *work)
{
    const uint32_t deaths = atomic_load(&work->deaths);

    work->deaths_dealt = deaths > 0 ? deaths : 1;
    work->ndear = 0;
    atomic_store(&work->again_head, 0);
    for (int w = 0; w < work->workers; w++)
        atomic_store(&work->worker[w].phase, FW_PHASE_NEW);
}

/* Tasks that dying workers took with them between two steps of a claim or a
 * steal: all is dealt again, and workers pass over what is settled. */
static bool deal_again(struct furrow_work *work)
{
    const uint32_t deaths = atomic_load(&work->deaths);

    if (!work->shared_home || work->request.share != NULL || work->stream != NULL || fw_work_stops(work) ||
        deaths == work->deaths_dealt)
        return false;
    fw_marks_spill(work);
    if (!any_pending(work))
        return false;
    fw_work_begin_again(work);
    fw_ranges_init(work->ranges, work->request.job.count, work->workers);
    return true;
}

/* What the caller asked for of tasks begin ... end - 1, whose bytes say all. */
static void settle_bytes(struct furrow_work *work, size_t begin, size_t end)
{
    unsigned char *const want = work->request.job.outcome, *const outcome = work->outcome;

    if (begin == end)
        return;
    fw_stage_take(work, begin, end);
    if (want == NULL)
        return;
    for (unsigned char *at = outcome + begin; (at = memchr(at, FURROW_PENDING, end - (size_t)(at - outcome))) != NULL;)
        *at = FURROW_SKIPPED;
    if (want != outcome)
        memcpy(want + begin, outcome + begin, end - begin);
}

/* The same for tasks that were noted together: their bytes are not looked at. */
static void settle_run(struct furrow_work *work, size_t begin, size_t end)
{
    if (work->ring != NULL)
        fw_ring_copy(work, begin, end - begin);
    else
        fw_stage_copy(work, begin, end - begin);
    if (work->request.job.outcome != NULL)
        memset(work->request.job.outcome + begin, FURROW_DONE, end - begin);
}

/* After deaths the report counts bytes. */
static void settle(struct furrow_work *work)
{
    size_t nruns = 0, at = 0;

    if (atomic_load(&work->deaths) == 0)
        nruns = fw_marks_gather(work);
    else
        fw_marks_spill(work);
    for (size_t i = 0; i < nruns; i++) {
        settle_bytes(work, at, work->runs[i].begin);
        settle_run(work, work->runs[i].begin, work->runs[i].end);
        at = work->runs[i].end;
    }
    settle_bytes(work, at, work->request.job.count);
}

bool fw_work_settle(struct furrow_work *work)
{
    if (work->outcome == NULL || work->request.job.count == 0)
        return false;
    if (deal_again(work))
        return true;
    fw_ring_stop(work);
    fw_stage_close(work);
    settle(work);
    return false;
}
