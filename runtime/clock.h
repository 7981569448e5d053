/* The clock of all durations and time limits: it does not jump, and it stands
 * still while the machine is suspended. And the one to order events of hosts by. */
#ifndef FW_CLOCK_H
#define FW_CLOCK_H

#include <stdint.h>

/* Nanoseconds on CLOCK_MONOTONIC. Safe in a signal handler. */
uint64_t fw_now(void);

/* Nanoseconds on CLOCK_REALTIME, which several hosts have in common, more or
 * less. Safe in a signal handler. */
uint64_t fw_clock_wall(void);

/* What two looks at the clock and an uncontended swap or two cost, in ns: what
 * a claim costs. Measured at the first call. */
uint64_t fw_clock_claim_ns(void);

#endif
