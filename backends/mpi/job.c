#include "job.h"

#include <string.h>

#include <furrow/mpi.h>

#include "agree.h"
#include "backend.h"
#include "crew.h"
#include "feed.h"
#include "given.h"
#include "node.h"
#include "results.h"
#include "stream.h"
#include "world.h"

static bool runs_elsewhere(const struct fw_job *job)
{
    return (job->card.flags & (FW_CARD_LOCAL | FW_CARD_EMPTY)) == 0;
}

/* -- Deciding, on rank 0 ------------------------------------------------- */

/* The plan for the ranks together; *local: another backend is to run it, on
 * this rank alone. */
static furrow_status decide(struct fw_request *request, struct fw_plan *plan, bool *local)
{
    const struct fw_world *world = &fw_world;
    struct fw_request asked = *request;
    furrow_status status;

    asked.config.backend = fw_mpi.name;
    asked.config.jobs = fw_deal_wanted(world->peer, world->size, request->config.jobs, request->config.inner_threads);
    if (!world->serves) { /* an address is each rank's own */
        asked.job.shared = NULL;
    } else if (request->reducing != NULL) {
        asked.job.shared = request->reducing->shared;
        asked.job.shared_size = request->reducing->shared_size;
    }
    status = fw_map_decide(&asked, fw_deal_cpus(world->peer, world->size), plan);
    *local = status == FURROW_OK && plan->backend != &fw_mpi;
    return status;
}

static void report_plan(furrow_report *report, const struct fw_plan *plan, int inner_threads)
{
    fw_report_plan(report, plan);
    fw_deal_leases(fw_world.peer, fw_world.size, plan->workers, inner_threads, &report->cpus_min, &report->cpus_max);
}

/* Chosen, not named: only where it runs as it is, and has more than one worker. */
static bool chosen_elsewhere(const struct fw_request *request, const struct fw_plan *plan, bool local)
{
    return request->config.backend == NULL && (local || plan->workers == 1);
}

furrow_status fw_job_plan(struct fw_request *request, furrow_report *report)
{
    struct fw_plan plan;
    bool local;
    furrow_status status = decide(request, &plan, &local);

    if (status == FURROW_OK && !local)
        report_plan(report, &plan, request->config.inner_threads);
    else if (status == FURROW_OK)
        fw_report_plan(report, &plan);
    return status;
}

/* -- The agreement ------------------------------------------------------ */

furrow_status fw_job_listen(struct fw_card *card)
{
    return fw_agree_bytes(card, sizeof *card, 0);
}

/* What another rank must have of the job: functions, sizes, and its own arrays. */
static furrow_status check_own(const struct fw_request *request)
{
    furrow_job own = request->job;

    own.in = NULL;
    own.in_size = 0;
    own.cost = NULL;
    own.next = NULL;
    own.on_result = NULL;
    own.ordered = false;
    if (!own.everywhere || own.out == NULL) {
        own.out = NULL;
        own.out_size = 0;
    }
    if (own.shared == NULL)
        own.shared_size = 0;
    return fw_job_check(&own);
}

static furrow_config config_given(const furrow_config *config)
{
    const furrow_config unset = FURROW_CONFIG_DEFAULT;
    const struct fw_context *caller = fw_context_here();

    if (config != NULL)
        return *config;
    return caller->scopes != NULL ? caller->scopes->config : unset;
}

static furrow_status resolve(struct fw_request *request, const furrow_config *config)
{
    if (request->refused != FURROW_OK)
        return request->refused;
    return fw_config_resolve(config, fw_context_here()->scopes, true, fw_env(), &request->config);
}

/* Rank 0's card, where nothing is wrong with the job. */
static furrow_status write_card(struct fw_job *job, bool local)
{
    struct fw_card *card = &job->card;

    if (!fw_card_fill(card, job->request))
        return FURROW_EINVAL;
    card->config = job->request->config;
    card->config.backend = NULL;
    card->workers = job->plan.workers;
    card->progress = fw_env()->progress;
    card->floating = fw_floating_get();
    if (job->request->job.cost != NULL && !local)
        card->ndear = fw_dear_find(&job->request->job, job->plan.workers, NULL, NULL);
    if (local)
        card->flags |= FW_CARD_LOCAL;
    if (job->request->job.count == 0 && job->request->job.next == NULL)
        card->flags |= FW_CARD_EMPTY;
    return FURROW_OK;
}

/* -- This rank's part --------------------------------------------------- */

static furrow_status hold_cpus(struct fw_job *job)
{
    const int count = fw_cpus()->count;

    job->at = fw_malloc((size_t)count * sizeof *job->at);
    if (job->at == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for the list of %d CPUs", count);
    job->cpus = fw_lease_hold(count, job->at);
    return FURROW_OK;
}

/* The request as this rank's workers need it. */
static void complete_request(struct fw_job *job)
{
    furrow_job *own = &job->own.job;
    const struct fw_card *card = &job->card;

    job->own = *job->request;
    job->own.share = &job->share;
    if (fw_world_is_root())
        return;
    job->own.config = card->config;
    own->count = card->count;
    own->in = job->in;
    own->in_size = card->in_size;
    own->out_size = card->out_size;
    own->seed = card->seed;
    own->cost = NULL;
    if (card->shared_size > 0)
        fw_given_take(job, &job->own, job->shared);
    if (fw_job_streams(job))
        fw_borrow_request(job, &job->own);
}

static furrow_status open_work(struct fw_job *job)
{
    furrow_status status;

    complete_request(job);
    if (job->deal.own == 0)
        return FURROW_OK;
    status = hold_cpus(job);
    if (status != FURROW_OK)
        return status;
    job->plan.backend = &fw_mpi;
    job->plan.workers = job->deal.own;
    job->plan.cpus = job->cpus;
    job->plan.inner_threads = job->card.config.inner_threads;
    job->share.line = fw_job_streams(job) ? 0 : job->deal.line;
    job->share.number = job->deal.number;
    job->share.receives = fw_world_is_root();
    if (fw_world.peer[fw_world.rank].leader == 0 && (fw_world_is_root() || !fw_job_streams(job)))
        job->share.progress = job->card.progress;
    job->share.untaken_most = (uint64_t)FW_UNTAKEN_MOST / (uint64_t)fw_world.size;
    if (fw_job_streams(job) && fw_world_is_root())
        job->share.workers = job->card.workers;
    else if (fw_job_streams(job))
        job->share.source = &fw_borrow_source;
    job->share.floating = fw_world_is_root() ? NULL : &job->card.floating;
    status = fw_work_open(&job->own, &job->plan, job->at, &job->work);
    if (status == FURROW_OK && !fw_cancel_enter(job->work)) {
        fw_work_close(job->work);
        job->work = NULL;
        status = fw_fail(FURROW_ENOMEM, "mpi: no memory to note a running job");
    }
    return status;
}

/* What those need that others may wait for. */
static furrow_status open_messages(struct fw_job *job)
{
    const bool streams = fw_job_streams(job);
    const int others = !fw_world_is_root() ? 1 : streams ? fw_world.size - 1 : fw_world.nodes - 1;
    furrow_status status;

    if (!streams && (fw_world.nodes == 1 || !fw_world_leads()))
        return FURROW_OK;
    status = fw_mail_open(&job->mail, others);
    if (status != FURROW_OK)
        return status;
    if (streams)
        return fw_world_is_root() ? fw_lend_open(job) : fw_borrow_open(job);
    return fw_world_is_root() ? fw_root_open(job) : FURROW_OK;
}

static void close_work(struct fw_job *job)
{
    fw_lend_close(job);
    fw_borrow_close(job);
    fw_root_close(job);
    fw_mail_close(&job->mail);
    if (job->work != NULL) {
        fw_cancel_leave(job->work);
        fw_work_close(job->work);
    }
    if (job->cpus > 0)
        fw_lease_release(job->at, job->cpus);
    fw_free(job->at);
    fw_free(job->made);
    fw_free(job->piece);
    fw_node_close(job);
}

/* -- Running ------------------------------------------------------------ */

/* Who reads why the job failed shall know where. */
static void sign(struct fw_tally *tally)
{
    struct fw_stop *stop = &tally->stop[FW_CAUSE_BACKEND];
    char words[FURROW_MESSAGE];

    if (fw_world_is_root() || stop->taken == 0)
        return;
    memcpy(words, stop->words, sizeof words);
    stop->words[0] = '\0';
    fw_message_append(stop->words, "rank %d (%s): %s", fw_world.rank, fw_world.host, words);
}

/* All ranks of the job are ready, and none has found anything wrong. */
static furrow_status run(struct fw_job *job, struct fw_tally *tally)
{
    furrow_status status = fw_node_spread(job);

    if (status != FURROW_OK)
        return status;
    if (fw_job_streams(job))
        status = fw_world_is_root() ? fw_lend_run(job) : fw_borrow_run(job);
    else if (fw_world.nodes > 1)
        status = fw_feed_run(job);
    else if (job->work != NULL)
        status = fw_crew_run(job->work);
    memset(tally, 0, sizeof *tally);
    if (job->work != NULL)
        fw_tally_take(tally, job->work); /* the status is a stop of the work */
    else if (status != FURROW_OK)
        fw_tally_fail(tally, status);
    sign(tally);
    return fw_agree_tally(tally);
}

/* -- The whole ---------------------------------------------------------- */

/* Dying workers took tasks with them between two steps of a claim: rank 0 sees,
 * and all run them. Only forked workers die. */
static bool lost_some(struct fw_job *job, const struct fw_tally *tally, furrow_status *status)
{
    char lost = 0;

    if (!fw_job_forks(job) || fw_job_streams(job))
        return false;
    if (fw_world_is_root() && tally->counts.deaths > job->deaths && !fw_work_stops(job->work)) {
        lost = memchr(job->outcome, FURROW_PENDING, (size_t)job->card.count) != NULL;
        job->deaths = (uint32_t)tally->counts.deaths;
    }
    *status = fw_agree_bytes(&lost, sizeof lost, 0);
    return *status == FURROW_OK && lost;
}

static furrow_status run_lost(struct fw_job *job, struct fw_tally *tally)
{
    furrow_status status = fw_node_deal_again(job);

    job->again = true;
    return status == FURROW_OK ? run(job, tally) : status;
}

/* Of a job that no rank refused: what all ranks do from here on. */
static furrow_status run_together(struct fw_job *job)
{
    struct fw_tally tally;
    furrow_status status;

    atomic_store(&fw_world.busy, 1);
    status = run(job, &tally);
    while (status == FURROW_OK && lost_some(job, &tally, &status))
        status = run_lost(job, &tally);
    atomic_store(&fw_world.busy, 0);
    if (status != FURROW_OK)
        return fw_report_refuse(job->report, status);
    if (fw_world_is_root()) {
        (void)fw_work_settle(job->work);
        if ((tally.counts.deaths > 0 || tally.stop[FW_CAUSE_BACKEND].taken) && job->outcome != NULL) /* some are lost */
            fw_tally_count(&tally, job->outcome, (size_t)job->card.count);
        (void)fw_report_tally(job->report, job->work, &tally, fw_now() - job->start);
    }
    return fw_results_report(job->report);
}

static furrow_status run_alone(struct fw_job *job)
{
    furrow_status status = FURROW_OK;

    if (fw_world_is_root() && (job->card.flags & FW_CARD_LOCAL) != 0)
        status = fw_map_local(job->request, job->report);
    (void)status; /* in the report */
    return fw_results_report(job->report);
}

static furrow_status refuse(struct fw_job *job, furrow_status status)
{
    const furrow_job *own = &job->request->job;
    const size_t count = own->count > 0 ? own->count : (size_t)job->card.count; /* 0: as rank 0 has it */

    if (job->invalid) /* its fields mean nothing */
        return fw_report_refuse(job->report, status);
    if (own->outcome != NULL)
        memset(own->outcome, FURROW_SKIPPED, count);
    job->report->skipped = count;
    return fw_report_refuse(job->report, status);
}

/* From the card to the report, on every rank. */
static furrow_status take_part(struct fw_job *job, furrow_status status)
{
    const bool together = job->card.refused == FURROW_OK && runs_elsewhere(job);
    furrow_status shared;

    job->wants_outcomes = job->request->job.outcome != NULL && !fw_world_is_root();
    if (together) { /* all of the node, whatever they found themselves */
        job->deal = fw_deal(fw_world.peer, fw_world.size, fw_world.rank, job->card.workers,
                            job->card.config.inner_threads);
        shared = fw_node_open(job);
        if (status == FURROW_OK)
            status = shared;
        if (status == FURROW_OK)
            status = open_work(job);
        if (status == FURROW_OK)
            status = open_messages(job);
    }
    if (status == FURROW_OK)
        status = fw_results_open(job);
    status = fw_agree_status(status, &job->wants_outcomes, &job->invalid);
    if (status != FURROW_OK) {
        status = refuse(job, status);
    } else {
        status = together ? run_together(job) : run_alone(job);
        shared = fw_results_share(job);
        if (shared != FURROW_OK)
            status = fw_report_refuse(job->report, shared);
    }
    close_work(job);
    return status;
}

furrow_status fw_job_follow(struct fw_job *job, furrow_status status)
{
    struct fw_card mine;

    memset(&mine, 0, sizeof mine);
    if (job->card.kind == FW_CARD_END) {
        fw_world.ended = true;
        return refuse(job, fw_fail(FURROW_EINVAL, "rank 0 called furrow_mpi_finalize() while this rank started a job; "
                                                  "all ranks must start the same jobs"));
    }
    if (status == FURROW_OK && job->card.refused == FURROW_OK) {
        status = fw_card_fill(&mine, job->request) ? check_own(job->request) : FURROW_EINVAL;
        job->invalid = status != FURROW_OK;
        if (status == FURROW_OK)
            status = fw_card_compare(&mine, &job->card, &job->given);
    }
    return take_part(job, status);
}

/* Outputs go to all ranks by outcome, also where the program asks for none. */
static furrow_status want_outcomes(struct fw_job *job)
{
    furrow_job *own = &job->request->job;

    if (!own->everywhere || own->out == NULL || own->outcome != NULL || own->count == 0 || fw_world.size == 1)
        return FURROW_OK;
    own->outcome = job->made = fw_malloc(own->count);
    return job->made != NULL ? FURROW_OK : fw_fail(FURROW_ENOMEM, "mpi: no memory for %zu outcomes", own->count);
}

/* Rank 0: decides, and tells the others. */
static furrow_status lead(struct fw_job *job, furrow_status status)
{
    furrow_status sent;
    bool local = false;

    if (fw_world.serves) /* nobody but this rank has arrays */
        job->request->job.everywhere = false;
    if (status == FURROW_OK) {
        status = fw_job_check(&job->request->job);
        job->invalid = status != FURROW_OK;
    }
    if (status == FURROW_OK)
        status = decide(job->request, &job->plan, &local);
    if (fw_world.serves && status != FURROW_OK)
        return refuse(job, status);
    if (fw_world.serves && (local || chosen_elsewhere(job->request, &job->plan, local)))
        return fw_map_local(job->request, job->report);
    if (status == FURROW_OK)
        status = write_card(job, local);
    if (status == FURROW_OK && !local) {
        report_plan(job->report, &job->plan, job->request->config.inner_threads);
        fw_decide_tell(&job->request->job, &job->plan);
    }
    if (status == FURROW_OK)
        status = want_outcomes(job);
    job->card.kind = FW_CARD_JOB;
    job->card.refused = status;
    sent = fw_agree_bytes(&job->card, sizeof job->card, 0);
    return sent == FURROW_OK ? take_part(job, status) : refuse(job, sent);
}

static furrow_status follow(struct fw_job *job, furrow_status status)
{
    furrow_status heard;

    if (fw_world.ended)
        return refuse(job, fw_fail(FURROW_EINVAL, "rank 0 called furrow_mpi_finalize() before; no more jobs on mpi"));
    heard = fw_job_listen(&job->card);
    return heard == FURROW_OK ? fw_job_follow(job, status) : refuse(job, heard);
}

furrow_status fw_job_map(struct fw_request *request, const furrow_config *config, furrow_report *report)
{
    struct fw_job job = { .request = request, .report = report, .window = { NULL, 0, -1 } };
    furrow_status status = resolve(request, config);

    memset(&job.card, 0, sizeof job.card);
    job.given = config_given(config);
    job.invalid = request->refused != FURROW_OK;
    job.start = fw_now();
    return fw_world_is_root() ? lead(&job, status) : follow(&job, status);
}

/* -- The end of jobs ---------------------------------------------------- */

/* Another rank waits for the end; jobs that rank 0 starts meanwhile are refused. */
static furrow_status await_end(void)
{
    furrow_status status = FURROW_OK;

    while (status == FURROW_OK && !fw_world.ended) {
        struct fw_request nothing = { .refused = FURROW_EINVAL };
        furrow_report report;
        struct fw_job job = { .request = &nothing, .report = &report, .window = { NULL, 0, -1 } };

        fw_report_clear(&report);
        status = fw_job_listen(&job.card);
        if (status != FURROW_OK || job.card.kind == FW_CARD_END)
            break;
        (void)fw_job_follow(&job, fw_fail(FURROW_EINVAL, "this rank called furrow_mpi_finalize() where rank 0 started a "
                                                         "job; all ranks must start the same jobs"));
    }
    return status;
}

furrow_status fw_job_end(void)
{
    struct fw_card card;

    memset(&card, 0, sizeof card);
    card.kind = FW_CARD_END;
    return fw_world_is_root() ? fw_agree_bytes(&card, sizeof card, 0) : await_end();
}
