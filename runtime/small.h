/* Small jobs stay on the caller, where there is evidence that they are small:
 * waking another thread takes 1 to 50 us, two empty tasks a few nanoseconds.
 *
 * The evidence is the longest task of the last jobs like this one of this
 * thread (habit.h). Without it no task is delayed: a job that nobody has seen
 * before goes to its backend. What all tasks are expected to take is compared
 * with what another worker costs in the state it is in: one that had work a
 * moment ago still looks for more, after a pause it sleeps. The clock is looked
 * at after 1, 2, 4, ... tasks; where one took more than ten times what the
 * evidence says, it is struck out and the rest goes to the backend. What a task
 * sees is the same either way. */
#ifndef FW_SMALL_H
#define FW_SMALL_H

#include "habit.h"

/* A job of `count` tasks like habit's last one may stay on its caller. paused:
 * this thread had no job for a while (fw_habit_paused()). */
bool fw_small_fits(const struct fw_habit *habit, size_t count, bool paused);

/* Runs tasks of the opened job on its caller, from the first one on. start: now,
 * in ticks. same: by fw_habit_same(). Returns how many: fewer than all where the
 * job stops or the evidence does not hold. */
size_t fw_small_run(struct fw_habit *habit, uint64_t start, bool same);

#endif
