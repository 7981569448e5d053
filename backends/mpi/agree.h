/* Steps that all ranks of the communicator take together, without burning a
 * core while they wait. All are collective over fw_world.comm, called by the
 * thread that may call MPI, and return FURROW_OK or FURROW_ESYS. */
#ifndef FW_MPI_AGREE_H
#define FW_MPI_AGREE_H

#include "runtime/engine.h"

/* Bytes from `root` to all; any number of them. */
FW_MUST_CHECK furrow_status fw_agree_bytes(void *bytes, size_t size, int root);
/* The same among the ranks of the node, from its leader. */
FW_MUST_CHECK furrow_status fw_agree_node_bytes(void *bytes, size_t size);

/* The same among the leaders of the nodes, from rank 0; by leaders alone. */
FW_MUST_CHECK furrow_status fw_agree_leaders_bytes(void *bytes, size_t size);

/* Everybody says what it found. Where all are FURROW_OK, so is the answer;
 * else it is that of the lowest rank that found something wrong, on all ranks
 * the same, with its sentence, which names the rank. *wants: in, this rank's;
 * out, whether any rank does. *invalid: in, whether this rank's job has no
 * meaning; out, that of the rank whose status it is. */
FW_MUST_CHECK furrow_status fw_agree_status(furrow_status mine, bool *wants, bool *invalid);

/* Adds up what all ranks counted; the sum is rank 0's, who alone may read *tally
 * after that. */
FW_MUST_CHECK furrow_status fw_agree_tally(struct fw_tally *tally);

#endif
