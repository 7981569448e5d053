/* The memory that the ranks of a node share during a job. */
#ifndef FW_MPI_NODE_H
#define FW_MPI_NODE_H

#include "job.h"

/* Makes it, or opens what the leader made (small jobs: one of the two that stay),
 * and sets job->share, job->outcome, job->in and job->shared. Collective over the
 * node. FURROW_ENOMEM, FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_node_open(struct fw_job *job);

/* Sends rank 0's `shared` to the nodes; after all have agreed to run the job.
 * Collective over the communicator. */
FW_MUST_CHECK furrow_status fw_node_spread(const struct fw_job *job);

/* All is dealt again; workers pass over what is settled. Collective over the
 * node, when all its workers have left. */
FW_MUST_CHECK furrow_status fw_node_deal_again(struct fw_job *job);

/* Harmless where none was opened. */
void fw_node_close(struct fw_job *job);

#endif
