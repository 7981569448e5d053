/* The signal of FURROW_STOP_SIGNAL: from when it comes, outermost jobs start
 * nothing new and return FURROW_ECANCELLED when what runs has finished; later
 * ones start nothing at all. Batch systems send such a signal some time before
 * they end a job.
 *
 * Only where the variable is set does the library handle a signal. Its handler
 * is installed when the library is loaded, so that a signal which comes before
 * the first job counts; where the program installs one later, ours is put before
 * it at the next job. What was there is called after ours. */
#ifndef FW_DRAIN_H
#define FW_DRAIN_H

#include <stdbool.h>

/* The handler is in place, if the user wants one. When an outermost job starts;
 * any thread. */
void fw_drain_watch(void);

/* The signal has come. Any thread. */
bool fw_drain_came(void);

/* "SIGUSR1 (FURROW_STOP_SIGNAL)". */
const char *fw_drain_words(void);

#endif
