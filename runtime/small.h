/* Small jobs stay on the caller, where there is evidence that they are small:
 * waking another thread takes 1 to 50 us, two empty tasks a few nanoseconds.
 *
 * The evidence is the longest task of the last jobs like this one of this
 * thread (habit.h). Without it no task is delayed: a job that nobody has seen
 * before goes to its backend. The clock is looked at after 1, 2, 4, ... tasks;
 * where one took more than ten times what the evidence says, it is struck out
 * and the rest goes to the backend. What a task sees is the same either way. */
#ifndef FW_SMALL_H
#define FW_SMALL_H

#include "habit.h"

bool fw_small_fits(const struct fw_habit *habit, const struct fw_request *request);

/* Runs tasks of the opened job on its caller, from the first one on. Returns how
 * many: fewer than all where the job stops or the evidence does not hold. */
size_t fw_small_run(struct fw_habit *habit);

#endif
