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

/* Runs the job: rank 0 the one, the others the other, also without a worker. */
FW_MUST_CHECK furrow_status fw_lend_run(struct fw_job *job);
FW_MUST_CHECK furrow_status fw_borrow_run(struct fw_job *job);

/* What of a task travels to a rank; its input follows. Plain bytes. */
struct fw_lent_task {
    uint64_t index;
    uint32_t slot;   /* rank 0's */
    uint32_t attempt;
};

/* What comes back; words, host (once a letter, in front) and output follow. */
struct fw_lent_result {
    uint64_t bytes;   /* of the output or reply that follow */
    double seconds;
    uint32_t slot, attempt;
    int32_t outcome, code, worker;
    uint32_t words;   /* bytes of them that follow, without a NUL */
    uint32_t replied; /* the bytes are a reply */
    uint32_t unused;
};

/* The job stops here, for a reason that another rank knows. */
void fw_stream_stop(struct furrow_work *work, enum fw_haste haste);

#endif
