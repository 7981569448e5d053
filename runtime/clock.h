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

/* What a look at the clock costs, measured at the first call, and 20 ns for an
 * uncontended swap and what goes with it: what a claim costs. In ns. */
uint64_t fw_clock_claim_ns(void);

#endif
