/* What the tasks of a job read of rank 0's memory beside their inputs: `shared`
 * where its size is given, and of a served reduction its identity too. Another
 * rank has a copy of all of it, one part after the other. */
#ifndef FW_MPI_GIVEN_H
#define FW_MPI_GIVEN_H

#include "job.h"

enum { FW_GIVEN_MOST = 2 };

struct fw_given {
    const void *at; /* on rank 0 */
    size_t size;
    size_t offset;  /* in the copy */
};

/* The parts, in order; how many. The same on all ranks but for where they are. */
int fw_given_list(const struct fw_request *request, struct fw_given part[FW_GIVEN_MOST]);

/* Bytes of a copy; SIZE_MAX: beyond what memory can hold. */
size_t fw_given_bytes(const struct fw_request *request);

/* Rank 0: makes a copy. */
void fw_given_copy(const struct fw_request *request, char *copy);

/* Another rank: its request's `shared` becomes that of its copy. */
void fw_given_take(struct fw_job *job, struct fw_request *request, const char *copy);

#endif
