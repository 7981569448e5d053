/* The memory that the ranks of a node share during a job. */
#ifndef FW_MPI_NODE_H
#define FW_MPI_NODE_H

#include "job.h"

/* Makes it, or opens what the leader made, and sets job->share, job->outcome,
 * job->in and job->shared. Collective over the node. FURROW_ENOMEM, FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_node_open(struct fw_job *job);

/* Harmless where none was opened. */
void fw_node_close(struct fw_job *job);

#endif
