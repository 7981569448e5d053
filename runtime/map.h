/* The way of a job, from the call to the report. */
#ifndef FW_MAP_H
#define FW_MAP_H

#include "work.h"

/* Runs a request that has been checked: completes the config, plans, runs, and
 * writes the report whole. `config` may be NULL. */
FW_MUST_CHECK furrow_status fw_map_run(struct fw_request *request, const furrow_config *config,
                                       furrow_report *report);

/* The short way of a job like one before of this thread, in the same place
 * (habit.h): nothing is checked or decided again. False: it has to be, and nothing
 * has been done. `report` may be NULL. */
bool fw_map_again(const furrow_job *job, furrow_range_fn body, const furrow_config *config, furrow_report *report,
                  furrow_status *status);

/* The two halves, for who takes jobs over (remote.h); the config is complete.
 * decide: the plan for so many CPUs; fails as the plan says. local: plans and
 * runs it in this process. */
FW_MUST_CHECK furrow_status fw_map_decide(const struct fw_request *request, int cpus, struct fw_plan *plan);
FW_MUST_CHECK furrow_status fw_map_local(struct fw_request *request, furrow_report *report);

#endif
