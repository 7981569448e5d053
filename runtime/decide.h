/* What one job gets, where it starts: the nesting rules (plan.h) asked with
 * what is there here and now. */
#ifndef FW_DECIDE_H
#define FW_DECIDE_H

#include "work.h"

/* Threads of the program's own parallel regions around the caller, of the
 * OpenMP runtimes that are known; 1 outside any. */
int fw_decide_team(const struct fw_context *caller);

/* FURROW_OK, or why there is no plan, with this thread's sentence. */
FW_MUST_CHECK furrow_status fw_decide(const struct fw_request *request, const struct fw_context *caller,
                                      int team, int cpus, struct fw_plan *plan);

/* FURROW_LOG=info: the plan of a job that is about to run. */
void fw_decide_tell(const furrow_job *job, const struct fw_plan *plan);

/* What a user should know of a plan before it runs, once per process each. */
void fw_decide_warn(const struct fw_request *request, const struct fw_plan *plan);

#endif
