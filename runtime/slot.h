/* The places a slot of a stream can be in: the stack of free ones, the front
 * from which workers claim, the list of finished ones. stream.h has the slot,
 * its states and who moves it from one to the next. */
#ifndef FW_SLOT_H
#define FW_SLOT_H

#include "stream.h"

/* -- The caller ---------------------------------------------------------- */

/* Drops the slot's reply and puts it on the stack of free ones. */
void fw_slot_free(struct fw_stream *stream, uint32_t s);

/* Puts a slot that is READY, or was a moment ago, at the end of the front. */
void fw_slot_announce(struct furrow_work *work, uint32_t s);

/* Makes the slot READY and announces it. */
void fw_slot_publish(struct furrow_work *work, uint32_t s);

/* Whether the slot is in the front, whose length goes to *length. */
bool fw_slot_in_front(const struct furrow_work *work, uint32_t s, uint32_t *length);

/* Whether the slot is on the list of finished ones. */
bool fw_slot_in_list(const struct fw_stream *stream, uint32_t s);

/* -- Workers, and who speaks for them ------------------------------------ */

/* Takes the next slot of the front, in whatever state it is by now: the claimer
 * moves it from READY by compare-and-swap. False: the front is empty. */
bool fw_slot_claim(struct furrow_work *work, uint32_t *s);

/* Puts a FINISHED slot on the caller's list and wakes the caller. */
void fw_slot_push_finished(struct fw_stream *stream, uint32_t s);

#endif
