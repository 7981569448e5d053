#include "survey.h"

void fw_survey_backends(struct fw_survey *survey, const furrow_config *config)
{
    const furrow_backend *list[FW_REGISTRY_MAX];
    const int n = fw_registry_list(list, &survey->in.chosen);

    for (int i = 0; i < n; i++) {
        survey->why[i][0] = '\0';
        survey->candidate[i] =
            (struct fw_candidate){ list[i], list[i]->capacity(config, survey->why[i]),
                                   survey->why[i] };
    }
    survey->in.config = config;
    survey->in.candidates = survey->candidate;
    survey->in.ncandidates = n;
}

void fw_survey_job(struct fw_survey *survey, const furrow_job *job)
{
    survey->in.count = job->next != NULL && job->count == 0 ? SIZE_MAX : job->count;
    survey->in.isolate = job->isolate;
    survey->in.shared_memory = job->shared_memory;
    survey->in.shared_address = job->shared != NULL && job->shared_size == 0;
}
