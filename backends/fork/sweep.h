/* What processes leave behind outside themselves. */
#ifndef FW_FORK_SWEEP_H
#define FW_FORK_SWEEP_H

#include <sys/types.h>

/* Takes it away: LLVM's OpenMP registers each process in a file, and each child
 * at its fork. Of one that has ended and was not reaped, so that its number is
 * still its own, or of the caller itself. */
void fw_fork_sweep(pid_t pid);

#endif
