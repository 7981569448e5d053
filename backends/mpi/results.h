/* What all ranks get of a job once it is over: rank 0's report, outcomes and
 * outputs. All ranks call each of these in the same order. */
#ifndef FW_MPI_RESULTS_H
#define FW_MPI_RESULTS_H

#include "job.h"

/* Room for a piece of the outputs, before the job runs: once it has, its results
 * must arrive. FURROW_ENOMEM. This rank alone. */
FW_MUST_CHECK furrow_status fw_results_open(struct fw_job *job);

/* The report of rank 0 becomes everybody's; returns its status. */
furrow_status fw_results_report(furrow_report *report);

/* What rank 0 has in its arrays, for those that want it too (job.everywhere,
 * job.outcome). FURROW_ENOMEM on all where one has none, FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_results_share(struct fw_job *job);

#endif
