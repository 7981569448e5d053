/* furrow_map() and furrow_plan(): look where the call comes from and what is
 * there, decide (plan.h), run the job on its backend (work.h), report. */
#include "map.h"

#include <stdio.h>
#include <string.h>

#include "cancel.h"
#include "cpus.h"
#include "job.h"
#include "lease.h"
#include "remote.h"
#include "report.h"
#include "survey.h"
#include "threadlimit.h"

/* -- The CPUs of a job --------------------------------------------------- */

enum { FEW_CPUS = 64 };

/* The CPUs that one job may lease, from its start to its end. */
struct grant {
    int *at;    /* their places in fw_cpus(); `few`, owned, or the caller's lease */
    int count;  /* >= 1 */
    int held;   /* of them, so many are to be released */
    int *owned; /* NULL: nothing to free */
    int few[FEW_CPUS];
};

/* The job's share where `team` threads of a parallel region may each start one. */
static int share_of_team(int cpus, int team)
{
    return cpus / team > 1 ? cpus / team : 1;
}

static bool grant_all(struct grant *grant)
{
    const int count = fw_cpus()->count;

    grant->at = grant->few;
    if (count > FEW_CPUS)
        grant->at = grant->owned = fw_malloc((size_t)count * sizeof *grant->owned);
    for (int i = 0; i < count && grant->at != NULL; i++)
        grant->at[i] = i;
    grant->count = count;
    return grant->at != NULL;
}

/* Inside a task its lease; outside, CPUs that no other job holds (rule 7). */
static furrow_status grant_open(struct grant *grant, const struct fw_context *caller, int team)
{
    grant->held = 0;
    grant->owned = NULL;
    if (caller->at != NULL) {
        grant->at = (int *)caller->at; /* nobody writes it while held is 0 */
        grant->count = share_of_team(caller->cpus, team);
        return FURROW_OK;
    }
    if (!grant_all(grant))
        return fw_fail(FURROW_ENOMEM, "no memory for the list of %d CPUs; give the program more memory",
                       fw_cpus()->count);
    grant->count = grant->held = fw_lease_hold(share_of_team(grant->count, team), grant->at);
    return FURROW_OK;
}

static void grant_release(struct grant *grant)
{
    if (grant->held > 0)
        fw_lease_release(grant->at, grant->held);
    grant->held = 0;
}

static void grant_close(struct grant *grant)
{
    grant_release(grant);
    fw_free(grant->owned);
}

/* -- Planning ----------------------------------------------------------- */

static void survey_make(struct fw_survey *survey, const struct fw_request *request,
                        const struct fw_context *caller, int team, int cpus)
{
    survey->in = (struct fw_plan_in){ .level = caller->level,
                                      .cpus = cpus,
                                      .in_callback = caller->callback,
                                      .in_region = team > 1,
                                      .isolated = caller->isolated,
                                      .parent = caller->backend,
                                      .thread_levels = fw_env()->thread_levels };
    fw_survey_job(survey, &request->job);
    fw_survey_backends(survey, &request->config);
}

/* Threads of the program's own parallel regions around the caller. */
static int team_of(const struct fw_context *caller)
{
    return fw_openmp_team(&caller->openmp);
}

/* A mask that a worker's inner teams would not keep is refused rather than
 * promised. */
static furrow_status check_binding(const furrow_config *config, struct fw_plan *plan)
{
    const char *refusal = NULL;

    if (config->bind != FURROW_BIND_LEASE || plan->transparent)
        return FURROW_OK;
    if (fw_cpus()->simulated)
        fw_message_append(plan->reason, "nothing is bound, as the machine is simulated");
    else if ((plan->backend->caps & FURROW_CAP_WRITES_HERE) != 0)
        refusal = fw_bind_refusal();
    if (refusal != NULL)
        return fw_fail(FURROW_EBACKEND, "config.bind is FURROW_BIND_LEASE and the job runs on %s: %s; use FURROW_BIND_AUTO",
                       plan->backend->name, refusal);
    return FURROW_OK;
}

static furrow_status decide(const struct fw_request *request, const struct fw_context *caller, int team,
                            int cpus, struct fw_plan *plan)
{
    struct fw_survey survey;

    survey_make(&survey, request, caller, team, cpus);
    fw_plan_make(&survey.in, plan);
    if (plan->status != FURROW_OK)
        return fw_fail(plan->status, "%s%s%s", request->job.name != NULL ? request->job.name : "",
                       request->job.name != NULL ? ": " : "", plan->message);
    if (plan->transparent)
        plan->cpus = caller->at != NULL ? caller->cpus : fw_cpus()->count;
    return check_binding(&request->config, plan);
}

/* Once per process for each pair of what was asked and what runs. */
static void warn(const struct fw_request *request, const struct fw_plan *plan)
{
    const char *runs = plan->backend->name;
    char key[FURROW_MESSAGE];

    if (plan->replaced) {
        (void)snprintf(key, sizeof key, "replaced %s %s", request->config.backend, runs);
        fw_log_once(key, "%s", plan->reason);
    }
    if (request->config.timeout > 0 && (plan->backend->caps & FURROW_CAP_KILLS) == 0) {
        (void)snprintf(key, sizeof key, "limit %s", runs);
        fw_log_once(key, "%s can't end a task at its time limit: a task that returns late is timed out, "
                         "one that never returns holds the job; ask furrow_task_expired() in the task", runs);
    }
}

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
    int first;
    const int share = fw_plan_share(plan->cpus, plan->workers, plan->workers - 1, &first);

    *hold = (struct fw_pool_hold){ .held = false };
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

static furrow_status run_work(const struct fw_request *request, const struct fw_plan *plan, const int *at,
                              furrow_report *report)
{
    const uint64_t start = fw_now();
    struct furrow_work *work;
    furrow_status status = fw_work_open(request, plan, at, &work);

    if (status != FURROW_OK)
        return refuse(request, report, status);
    if (fw_cancel_enter(work)) {
        run_on_backend(work, plan);
        fw_cancel_leave(work);
        status = fw_report_work(report, work, fw_now() - start);
    } else {
        status = refuse(request, report, fw_fail(FURROW_ENOMEM, "no memory to note a running job; "
                                                                "run fewer jobs at the same time"));
    }
    fw_work_close(work);
    return status;
}

static furrow_status plan_and_run(struct fw_request *request, const struct fw_context *caller,
                                  furrow_report *report)
{
    const int team = team_of(caller);
    struct grant grant;
    struct fw_plan plan;
    furrow_status status = grant_open(&grant, caller, team);

    if (status != FURROW_OK)
        return refuse(request, report, status);
    status = decide(request, caller, team, grant.count, &plan);
    if (status == FURROW_OK && plan.transparent && caller->at == NULL) {
        /* What runs inside sees the program's CPUs and takes them by itself. */
        grant_release(&grant);
        for (int i = 0; i < plan.cpus; i++)
            grant.at[i] = i;
    }
    if (status == FURROW_OK) {
        fw_report_plan(report, &plan);
        fw_log(FW_LOG_INFO, "%s%s%s", request->job.name != NULL ? request->job.name : "",
               request->job.name != NULL ? ": " : "", plan.reason);
        warn(request, &plan);
        if (request->job.count > 0 || request->job.next != NULL)
            status = run_work(request, &plan, grant.at, report);
    } else {
        status = refuse(request, report, status);
    }
    grant_close(&grant);
    return status;
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
    return decide(request, fw_context_here(), 1, cpus, plan);
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
    status = complete(request, config, caller);

    if (status != FURROW_OK)
        return refuse(request, report, status);
    return plan_and_run(request, caller, report);
}

furrow_status furrow_map(const furrow_job *job, const furrow_config *config, furrow_report *report)
{
    furrow_report unwanted;
    struct fw_request request;
    furrow_status status;
    bool remote;

    if (report == NULL)
        report = &unwanted;
    fw_report_clear(report);
    fw_message_clear();
    request = (struct fw_request){ .refused = FURROW_OK };
    if (job != NULL)
        request.job = *job;
    remote = fw_remote_for(fw_context_here(), config, false) != NULL;
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

static furrow_status plan_only(struct fw_request *request, const furrow_config *config, furrow_report *report)
{
    const struct fw_context *caller = fw_context_here();
    const struct fw_remote *remote = fw_remote_for(caller, config, false);
    const int team = team_of(caller);
    const int all = caller->at != NULL ? caller->cpus : fw_cpus()->count;
    int cpus = share_of_team(all, team);
    struct fw_plan plan;
    furrow_status status = complete(request, config, caller);

    if (caller->at == NULL)
        cpus = fw_lease_free(cpus);
    if (status == FURROW_OK && remote != NULL)
        return remote->plan(request, report);
    if (status == FURROW_OK)
        status = decide(request, caller, team, cpus, &plan);
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
