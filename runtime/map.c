/* furrow_map() and furrow_plan(): look where the call comes from and what is
 * there, decide (plan.h), run the job on its backend (work.h), report. */
#include "map.h"

#include <string.h>

#include "allot.h"
#include "cancel.h"
#include "cpus.h"
#include "decide.h"
#include "habit.h"
#include "job.h"
#include "lease.h"
#include "log.h"
#include "remote.h"
#include "report.h"
#include "small.h"
#include "threadlimit.h"
#include "ticks.h"

/* -- Running ------------------------------------------------------------ */

/* The end of a job of which no task ran. */
static furrow_status refuse(const struct fw_request *request, furrow_report *report, furrow_status status)
{
    if (request->job.outcome != NULL)
        memset(request->job.outcome, FURROW_SKIPPED, request->job.count);
    report->skipped = request->job.count;
    return fw_report_refuse(report, status);
}

/* Pools that all threads of the process share obey the smallest lease. Where
 * the workers are processes they inherit the limit and need not set it anew. */
static void hold_pools(struct fw_pool_hold *hold, const struct fw_plan *plan)
{
    int first, share;

    hold->held = false;
    if (fw_pools_count() == 0)
        return;
    share = fw_plan_share(plan->cpus, plan->workers, plan->workers - 1, &first);
    if (!plan->transparent || plan->inner_threads > 0 || fw_thread_limit_exceeds(plan->cpus))
        fw_pools_hold(hold, plan->inner_threads, share, plan->workers > 1);
}

static void run_on_backend(struct furrow_work *work, const struct fw_plan *plan)
{
    const furrow_crew crew = { .level = plan->level,
                               .workers = plan->workers,
                               .lease = work->lease,
                               .caller_serves = work->stream != NULL };
    struct fw_pool_hold hold;
    furrow_status status;

    hold_pools(&hold, plan);
    do {
        status = plan->backend->run(&crew, work);
        if (status != FURROW_OK && work->stop[FW_CAUSE_BACKEND].taken == 0)
            (void)furrow_work_fail(work, status, "the backend %s failed: %s", plan->backend->name,
                                   furrow_strerror(status));
    } while (fw_work_settle(work));
    fw_pools_release(&hold);
}

/* Runs an opened job to its end. */
static furrow_status run_to_end(struct furrow_work *work, const struct fw_plan *plan, furrow_report *report,
                                uint64_t start)
{
    run_on_backend(work, plan);
    return fw_report_work(report, work, start > 0 ? fw_now() - start : 0);
}

static furrow_status no_room(const struct fw_request *request, furrow_report *report)
{
    return refuse(request, report, fw_fail(FURROW_ENOMEM, "no memory to note a running job; "
                                                          "run fewer jobs at the same time"));
}

/* The block that the last such job left, or a new one. */
static furrow_status open_work(const struct fw_request *request, struct fw_habit *habit)
{
    if (habit->work == NULL)
        return fw_work_open(request, &habit->plan, habit->at, &habit->work);
    fw_work_reopen(habit->work, request, habit->plan.workers);
    fw_work_ready(habit->work, 0);
    return FURROW_OK;
}

/* The opened job of a habit, to its end. */
static furrow_status run_opened(struct fw_habit *habit, furrow_report *report, uint64_t start)
{
    furrow_status status;

    if (fw_cancel_enter(habit->work)) {
        status = run_to_end(habit->work, &habit->plan, report, start);
        fw_cancel_leave(habit->work);
    } else {
        status = no_room(&habit->work->request, report);
    }
    fw_habit_keep(habit);
    fw_habit_ended(fw_ticks());
    return status;
}

static furrow_status run_work(const struct fw_request *request, struct fw_habit *habit, furrow_report *report)
{
    const uint64_t start = request->quiet ? 0 : fw_now();
    const furrow_status status = open_work(request, habit);

    return status == FURROW_OK ? run_opened(habit, report, start) : refuse(request, report, status);
}

/* -- Small jobs ---------------------------------------------------------- */

/* What is left of a small job whose tasks became long goes to the backend. */
static furrow_status run_rest(struct fw_habit *habit, size_t done, furrow_report *report, uint64_t start)
{
    const bool holds = habit->key.at == NULL && !habit->plan.transparent;
    furrow_status status;

    if (holds)
        fw_lease_take(habit->at, habit->plan.cpus);
    fw_work_ready(habit->work, done);
    status = run_to_end(habit->work, &habit->plan, report, start);
    if (holds)
        fw_lease_release(habit->at, habit->plan.cpus);
    return status;
}

/* The end of a small job that did not just go well. */
static __attribute__((noinline, cold)) furrow_status end_small(struct fw_habit *habit, size_t done,
                                                              furrow_report *report, uint64_t start)
{
    struct furrow_work *work = habit->work;
    furrow_report unwanted;

    if (report == NULL) {
        report = &unwanted;
        fw_report_clear_unwanted(report);
    }
    if (done < work->request.job.count && !fw_work_stops(work))
        return run_rest(habit, done, report, start);
    (void)fw_work_settle(work);
    return fw_report_work(report, work, start > 0 ? fw_now() - start : 0);
}

static __attribute__((noinline, cold)) furrow_status refuse_small(struct fw_habit *habit, furrow_report *report)
{
    furrow_report unwanted;

    return no_room(&habit->work->request, report != NULL ? report : &unwanted);
}

/* An opened job on its caller, at `now` in ticks. report: NULL where nobody gets it. */
FW_HOT static furrow_status run_small(struct fw_habit *habit, furrow_report *report, uint64_t now, bool same)
{
    const uint64_t start = report == NULL ? 0 : fw_now();
    struct furrow_work *work = habit->work;
    struct fw_pool_hold hold;
    furrow_status status = FURROW_OK;
    size_t done;

    if (!fw_cancel_enter(work))
        return refuse_small(habit, report);
    hold_pools(&hold, &habit->plan);
    done = fw_small_run(habit, now, same);
    fw_pools_release(&hold);
    if (done < work->request.job.count || !fw_report_went_well(work))
        status = end_small(habit, done, report, start);
    else if (report != NULL)
        fw_report_done(report, work, fw_now() - start);
    fw_cancel_leave(work);
    return status;
}

/* -- The way ------------------------------------------------------------- */

/* What is remembered holds for these CPUs. */
static bool holds_for(const struct fw_habit *habit, const struct fw_allotment *allotment)
{
    return habit->known && (habit->plan.transparent ||
                            (habit->plan.cpus == allotment->count &&
                             memcmp(habit->at, allotment->at, (size_t)allotment->count * sizeof *allotment->at) == 0));
}

/* Decides, and lets the habit learn it; without a place in it (`own`) the CPUs
 * stay the allotment's. */
static furrow_status decide(const struct fw_request *request, const struct fw_context *caller, int team,
                            struct fw_allotment *allotment, struct fw_habit *habit, bool own)
{
    const bool whole = fw_allot_is_whole(allotment, caller, team);
    struct fw_plan plan;
    const furrow_status status = fw_decide(request, caller, team, allotment->count, &plan);

    if (status != FURROW_OK)
        return status;
    if (plan.transparent && caller->at == NULL) {
        /* What runs inside sees the program's CPUs and takes them by itself. */
        fw_allot_release(allotment);
        for (int i = 0; i < plan.cpus; i++)
            allotment->at[i] = i;
    }
    if (!own)
        fw_habit_learn(habit, &plan, allotment->at, whole);
    if (!habit->known) {
        habit->plan = plan;
        habit->at = allotment->at;
    }
    return FURROW_OK;
}

/* The usual way: with CPUs held, on the backend. */
static furrow_status run_large(const struct fw_request *request, const struct fw_context *caller, int team,
                               struct fw_habit *habit, bool own, furrow_report *report)
{
    struct fw_allotment allotment;
    furrow_status status = fw_allot_open(&allotment, caller, team);

    if (status != FURROW_OK)
        return refuse(request, report, status);
    if (!holds_for(habit, &allotment))
        status = decide(request, caller, team, &allotment, habit, own);
    else if (habit->plan.transparent)
        fw_allot_release(&allotment);
    if (status == FURROW_OK) {
        if (!request->quiet)
            fw_report_plan(report, &habit->plan);
        fw_decide_tell(&request->job, &habit->plan);
        fw_decide_warn(request, &habit->plan);
        if (request->job.count > 0 || request->job.next != NULL)
            status = run_work(request, habit, report);
    } else {
        status = refuse(request, report, status);
    }
    if (!habit->known)
        habit->at = NULL; /* the allotment's */
    fw_allot_close(&allotment);
    return status;
}

/* The CPUs are as when the habit was learnt: inside a task those of its lease,
 * outside no other job holds any. */
static bool same_cpus(const struct fw_habit *habit, const struct fw_context *caller)
{
    if (caller->at == NULL)
        return fw_lease_all_free();
    return memcmp(habit->at, caller->at, (size_t)habit->plan.cpus * sizeof *habit->at) == 0;
}

static furrow_status plan_and_run(struct fw_request *request, const struct fw_context *caller,
                                  furrow_report *report)
{
    const int runtimes = fw_openmp_count();
    const uint64_t now = fw_ticks();
    int team = fw_decide_team(caller);
    struct fw_habit own, *habit = fw_habit_find(request, caller, team);

    if (habit != NULL) {
        habit->paused = fw_habit_paused(now);
        if (fw_small_fits(habit, request->job.count, habit->paused) && same_cpus(habit, caller)) {
            if (!request->quiet)
                fw_report_plan(report, &habit->plan);
            fw_decide_tell(&request->job, &habit->plan);
            fw_work_reopen(habit->work, request, 1);
            return run_small(habit, request->quiet ? NULL : report, now, false);
        }
    }
    fw_pools_refresh();
    if (fw_openmp_count() != runtimes) { /* by whichever thread: we may be in a region of it */
        team = fw_decide_team(caller);
        habit = fw_habit_find(request, caller, team);
        if (habit != NULL)
            habit->paused = fw_habit_paused(now);
    }
    if (habit != NULL)
        return run_large(request, caller, team, habit, false, report);
    own.known = own.kept = false;
    own.work = NULL;
    own.at = NULL;
    return run_large(request, caller, team, &own, true, report);
}

/* The config as it holds here; and the machine that the environment names must
 * be there. */
static furrow_status complete(struct fw_request *request, const furrow_config *config,
                              const struct fw_context *caller)
{
    const furrow_status status = fw_config_resolve(config, caller->scopes, caller->level == 0, fw_env(),
                                                   &request->config);

    return status == FURROW_OK ? fw_cpus_check() : status;
}

furrow_status fw_map_decide(const struct fw_request *request, int cpus, struct fw_plan *plan)
{
    return fw_decide(request, fw_context_here(), 1, cpus, plan);
}

furrow_status fw_map_local(struct fw_request *request, furrow_report *report)
{
    return plan_and_run(request, fw_context_here(), report);
}

furrow_status fw_map_run(struct fw_request *request, const furrow_config *config, furrow_report *report)
{
    const struct fw_context *caller = fw_context_here();
    const struct fw_remote *remote = fw_remote_for(caller, config, request->body != NULL);
    furrow_status status;

    if (remote != NULL)
        return remote->map(request, config, report);
    request->asked = fw_config_given(config, caller->scopes);
    status = complete(request, config, caller);
    if (status != FURROW_OK)
        return refuse(request, report, status);
    return plan_and_run(request, caller, report);
}

/* -- The way of a job like the last one --------------------------------- */

/* The caller of a job that fits and is in the same place as the one before. */
FW_HOT static furrow_status run_again(struct fw_habit *habit, const furrow_job *job, furrow_report *report, uint64_t now)
{
    if (report != NULL) {
        fw_report_clear(report);
        fw_report_plan(report, &habit->plan);
    }
    fw_work_reopen_same(habit->work, job, report == NULL, 1);
    return run_small(habit, report, now, true);
}

/* The CPUs that it had are free, and there is no thread library that nobody has
 * looked at. True: they are held, or *status says why not. */
static bool allot_again(struct fw_allotment *allotment, const struct fw_habit *habit, const struct fw_context *caller, int team,
                        furrow_status *status)
{
    const int runtimes = fw_openmp_count();

    fw_pools_refresh();
    if (fw_openmp_count() != runtimes)
        return false;
    *status = fw_allot_open(allotment, caller, team);
    if (*status != FURROW_OK)
        return true;
    if (!holds_for(habit, allotment)) {
        fw_allot_close(allotment);
        return false;
    }
    if (habit->plan.transparent)
        fw_allot_release(allotment);
    return true;
}

static __attribute__((noinline, cold)) furrow_status refuse_again(const furrow_job *job, furrow_report *report,
                                                                 furrow_status status)
{
    const struct fw_request request = { .job = *job };

    return refuse(&request, report, status);
}

/* The same where its tasks may be long: on the backend. False: not at once. */
static bool run_again_large(struct fw_habit *habit, const furrow_job *job, const struct fw_context *caller, int team,
                            furrow_report *report, furrow_status *status)
{
    const uint64_t start = report == NULL ? 0 : fw_now();
    const bool quiet = report == NULL;
    furrow_report unwanted;
    struct fw_allotment allotment;

    if (!allot_again(&allotment, habit, caller, team, status))
        return false;
    if (quiet) {
        report = &unwanted;
        fw_report_clear_unwanted(report);
    } else {
        fw_report_clear(report);
        fw_report_plan(report, &habit->plan);
    }
    if (*status != FURROW_OK) {
        *status = refuse_again(job, report, *status);
        return true;
    }
    fw_work_reopen_same(habit->work, job, quiet, habit->plan.workers);
    fw_work_ready(habit->work, 0);
    *status = run_opened(habit, report, start);
    fw_allot_close(&allotment);
    return true;
}

FW_HOT bool fw_map_again(const furrow_job *job, furrow_range_fn body, const furrow_config *config,
                         furrow_report *report, furrow_status *status)
{
    const struct fw_context *caller = fw_context_here();
    struct fw_habit *habit;
    uint64_t now;
    int team;

    if (fw_remote_for(caller, config, body != NULL) != NULL || fw_log_get() >= FW_LOG_INFO)
        return false; /* its plan is told */
    team = fw_decide_team(caller);
    habit = fw_habit_same(job, body, config, caller, team);
    if (habit == NULL)
        return false;
    now = fw_ticks();
    habit->paused = fw_habit_paused(now);
    if (!fw_small_fits(habit, job->count, habit->paused) || !same_cpus(habit, caller))
        return run_again_large(habit, job, caller, team, report, status);
    *status = run_again(habit, job, report, now);
    return true;
}

FW_HOT furrow_status furrow_map(const furrow_job *job, const furrow_config *config, furrow_report *report)
{
    furrow_report unwanted;
    struct fw_request request;
    furrow_status status;
    bool remote;

    fw_message_clear();
    if (job != NULL && fw_map_again(job, NULL, config, report, &status))
        return status;
    remote = fw_remote_for(fw_context_here(), config, false) != NULL;
    request = (struct fw_request){ .refused = FURROW_OK, .quiet = report == NULL && !remote };
    if (report == NULL)
        report = &unwanted;
    if (request.quiet)
        fw_report_clear_unwanted(report);
    else
        fw_report_clear(report);
    if (job != NULL)
        request.job = *job;
    status = remote && job != NULL ? FURROW_OK : fw_job_check(job);
    request.refused = status;
    if (remote)
        return fw_map_run(&request, config, report); /* the others must learn what is wrong */
    if (status != FURROW_OK)
        return fw_report_refuse(report, status);
    return fw_map_run(&request, config, report);
}

/* -- Planning alone ----------------------------------------------------- */

static int no_task(furrow_task *task)
{
    (void)task;
    return 0;
}

static int known_team(const struct fw_context *caller)
{
    fw_pools_refresh();
    return fw_decide_team(caller);
}

static furrow_status plan_only(struct fw_request *request, const furrow_config *config, furrow_report *report)
{
    const struct fw_context *caller = fw_context_here();
    const struct fw_remote *remote = fw_remote_for(caller, config, false);
    const int team = known_team(caller);
    const int all = caller->at != NULL ? caller->cpus : fw_cpus()->count;
    int cpus = fw_allot_share(all, team);
    struct fw_plan plan;
    furrow_status status = complete(request, config, caller);

    if (caller->at == NULL)
        cpus = fw_lease_free(cpus);
    if (status == FURROW_OK && remote != NULL)
        return remote->plan(request, report);
    if (status == FURROW_OK)
        status = fw_decide(request, caller, team, cpus, &plan);
    if (status == FURROW_OK)
        fw_report_plan(report, &plan);
    return status;
}

furrow_status furrow_plan(const furrow_job *job, const furrow_config *config, furrow_report *report)
{
    const furrow_job many = { .run = no_task, .count = SIZE_MAX };
    furrow_report unwanted;
    struct fw_request request;
    furrow_status status = FURROW_OK;

    if (report == NULL)
        report = &unwanted;
    fw_report_clear(report);
    fw_message_clear();
    if (job != NULL)
        status = fw_job_check(job);
    if (status == FURROW_OK) {
        request = (struct fw_request){ .job = job != NULL ? *job : many };
        status = plan_only(&request, config, report);
    }
    return status != FURROW_OK ? fw_report_refuse(report, status) : FURROW_OK;
}
