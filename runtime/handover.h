/* Results on their way from finished slots to the caller's callbacks and arrays,
 * in index order where the job wants it. All of it on the job's calling thread. */
#ifndef FW_HANDOVER_H
#define FW_HANDOVER_H

#include "stream.h"

/* Callbacks run in a frame of their own: jobs started there are sequential.
 * Leave it with fw_context_leave(frame). */
void fw_handover_enter(struct furrow_work *work, struct fw_context *frame);

/* A slot that is FINISHED: handed over, held until its turn, or tried again. */
void fw_handover_settle(struct furrow_work *work, uint32_t s);

/* Settles the slots on the list of finished ones, oldest first. False: none was. */
bool fw_handover_take(struct furrow_work *work);

/* Drops results held for an index that never comes. */
void fw_handover_drop_held(struct furrow_work *work);

#endif
