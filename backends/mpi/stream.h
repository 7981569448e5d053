/* Jobs with callbacks: tasks go from rank 0 to the ranks one by one, and
 * results come back, in letters. Callbacks run on rank 0's calling thread, which
 * runs no task; on every rank tasks run beside the thread that sends and
 * receives, so that a long one delays nobody. docs/mpi.md has the protocol. */
#ifndef FW_MPI_STREAM_H
#define FW_MPI_STREAM_H

#include "haste.h"
#include "job.h"

/* Tasks that rank 0 lets a rank with so many workers have at a time, at most:
 * more of them as they are shorter. */
int fw_stream_most(const struct fw_card *card, int workers);

/* The request of a rank that gets its tasks by letters; rank > 0. */
void fw_borrow_request(const struct fw_job *job, struct fw_request *request);

/* Rank 0, as the source of a stream. */
extern const struct fw_source fw_borrow_source;

/* What the job needs here besides its work, before all ranks agree to run it;
 * rank 0 the one, the others the other, also without a worker. Closing one that
 * was not opened is harmless. */
FW_MUST_CHECK furrow_status fw_lend_open(struct fw_job *job);
FW_MUST_CHECK furrow_status fw_borrow_open(struct fw_job *job);
void fw_lend_close(struct fw_job *job);
void fw_borrow_close(struct fw_job *job);

/* Runs the job. */
FW_MUST_CHECK furrow_status fw_lend_run(struct fw_job *job);
FW_MUST_CHECK furrow_status fw_borrow_run(struct fw_job *job);

/* The job stops here, for a reason that another rank knows. */
void fw_stream_stop(struct furrow_work *work, enum fw_haste haste);

#endif
