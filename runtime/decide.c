#include "decide.h"

#include <stdio.h>

#include "cpus.h"
#include "survey.h"
#include "threadlimit.h"

static void survey_make(struct fw_survey *survey, const struct fw_request *request,
                        const struct fw_context *caller, int team, int cpus)
{
    survey->in = (struct fw_plan_in){ .level = caller->level,
                                      .cpus = cpus,
                                      .in_callback = caller->callback,
                                      .in_region = team > 1,
                                      .isolated = caller->isolated,
                                      .alone = caller->alone,
                                      .parent = caller->backend,
                                      .thread_levels = fw_env()->thread_levels };
    fw_survey_job(survey, &request->job);
    fw_survey_backends(survey, &request->config);
}

int fw_decide_team(const struct fw_context *caller)
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

furrow_status fw_decide(const struct fw_request *request, const struct fw_context *caller, int team,
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

void fw_decide_tell(const furrow_job *job, const struct fw_plan *plan)
{
    fw_log(FW_LOG_INFO, "%s%s%s", job->name != NULL ? job->name : "", job->name != NULL ? ": " : "", plan->reason);
}

/* Once per process for each pair of what was asked and what runs. */
void fw_decide_warn(const struct fw_request *request, const struct fw_plan *plan)
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
