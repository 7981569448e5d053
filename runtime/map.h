/* The way of a job, from the call to the report. */
#ifndef FW_MAP_H
#define FW_MAP_H

#include "work.h"

/* Runs a request that has been checked: completes the config, plans, runs, and
 * writes the report whole. `config` may be NULL. */
FW_MUST_CHECK furrow_status fw_map_run(struct fw_request *request, const furrow_config *config,
                                       furrow_report *report);

#endif
