/* What the nesting rules are asked with: the place a job starts from, what it
 * needs, and the backends there are with what each can have here and now. */
#ifndef FW_SURVEY_H
#define FW_SURVEY_H

#include "backends/registry.h"
#include "plan.h"

struct fw_survey {
    struct fw_plan_in in; /* its candidates point into this struct */
    struct fw_candidate candidate[FW_REGISTRY_MAX];
    char why[FW_REGISTRY_MAX][FURROW_MESSAGE];
};

/* Asks every backend of the registry for its capacity under `config`, which
 * stays borrowed; the rest of `in` is the caller's to fill. */
void fw_survey_backends(struct fw_survey *survey, const furrow_config *config);

/* What a job needs, of the job itself. */
void fw_survey_job(struct fw_survey *survey, const furrow_job *job);

#endif
