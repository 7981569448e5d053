#include "cli/levels.h"

#include <stdlib.h>

#include "runtime/lease.h"
#include "runtime/survey.h"

int cli_level_share(const struct cli_level *level, int worker, const int **at)
{
    *at = level->at + level->first[worker];
    return fw_lease_size(level->first, level->count, level->plan.workers, worker);
}

static furrow_status no_memory(void)
{
    return fw_fail(FURROW_ENOMEM, "no memory for the plan; ask for fewer workers");
}

/* Decides one level and deals its CPUs. */
static furrow_status make_level(const struct cli_machine *machine, struct fw_survey *survey,
                                const furrow_config *config, struct cli_level *out)
{
    fw_survey_backends(survey, config);
    fw_plan_make(&survey->in, &out->plan);
    if (out->plan.status != FURROW_OK)
        return fw_fail(out->plan.status, "%s", out->plan.message);
    out->first = malloc(((size_t)out->plan.workers + 1) * sizeof *out->first);
    if (out->first == NULL)
        return no_memory();
    fw_lease_deal(machine->cpus, out->at, out->count, out->plan.workers, out->first);
    return FURROW_OK;
}

/* Whether all that runs inside the first worker of this level is sequential too. */
static bool all_sequential_inside(const struct cli_ask *ask, const struct cli_levels *levels)
{
    const struct cli_level *level = &levels->level[levels->n - 1];
    const int *at, inside = level->plan.level + (level->plan.transparent ? 0 : 1);

    if (level->plan.backend != fw_registry_fallback())
        return false;
    /* What --backend names is for the outermost job; what FURROW_BACKEND names
     * is for each one that is of level 0. */
    if (level->plan.transparent && inside == 0)
        return levels->n > 1 || ask->config.backend == NULL;
    return inside > fw_env()->thread_levels || cli_level_share(level, 0, &at) == 1;
}

static bool is_last(const struct cli_ask *ask, const struct cli_levels *levels)
{
    if (levels->n == CLI_LEVELS_MOST)
        return true;
    return ask->depth > 0 ? levels->n == ask->depth : all_sequential_inside(ask, levels);
}

static furrow_status make_all(const struct cli_machine *machine, const struct cli_ask *ask,
                              struct fw_survey *survey, struct cli_levels *out)
{
    const int *at = out->at;
    furrow_config config;
    furrow_status status = fw_config_resolve(&ask->config, NULL, true, fw_env(), &config);

    fw_survey_job(survey, &ask->job);
    while (status == FURROW_OK) {
        struct cli_level *level = &out->level[out->n++];

        level->at = at;
        level->count = survey->in.cpus;
        status = make_level(machine, survey, &config, level);
        if (status != FURROW_OK || is_last(ask, out))
            break;
        fw_plan_nest(&survey->in, &level->plan, cli_level_share(level, 0, &at));
        survey->in.count = SIZE_MAX;
        survey->in.isolate = false;
        status = fw_config_resolve(NULL, NULL, survey->in.level == 0, fw_env(), &config);
    }
    return status;
}

furrow_status cli_levels_make(const struct cli_machine *machine, const struct cli_ask *ask,
                              struct cli_levels *out)
{
    const int count = machine->cpus->count;
    struct fw_survey *survey = calloc(1, sizeof *survey);
    furrow_status status;

    *out = (struct cli_levels){ .at = malloc((size_t)count * sizeof *out->at) };
    if (survey == NULL || out->at == NULL) {
        free(survey);
        cli_levels_free(out);
        return no_memory();
    }
    for (int i = 0; i < count; i++)
        out->at[i] = i;
    survey->in = (struct fw_plan_in){ .cpus = count, .thread_levels = fw_env()->thread_levels };
    status = make_all(machine, ask, survey, out);
    free(survey);
    if (status != FURROW_OK)
        cli_levels_free(out);
    return status;
}

void cli_levels_free(struct cli_levels *levels)
{
    for (int i = 0; i < levels->n; i++)
        free(levels->level[i].first);
    free(levels->at);
    *levels = (struct cli_levels){ .n = 0 };
}
