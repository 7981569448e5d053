/* Whether the kernel killed a worker for want of memory: the process's control
 * group counts such kills. */
#ifndef FW_FORK_OOM_H
#define FW_FORK_OOM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/cgroup.h"

/* One nursery's. */
struct fw_fork_oom {
    const char *path; /* borrowed: of the file that counts, for the process's life; NULL: none */
    _Atomic long long kills; /* that were there or are accounted for; -1: nobody counts */
};

/* Looks once in a process's life where such kills are counted: in the caller, so
 * that no nursery has to. */
void fw_fork_oom_find(void);

/* From here on kills are this job's. The caller, while the nursery begins: it has
 * the pages of this in memory, and the time. */
void fw_fork_oom_begin(struct fw_fork_oom *oom);

/* There was a kill since that is not accounted for; it is from here on. Processes
 * of the group that are not of this job may have been the ones: it is a hint.
 * Nursery. */
bool fw_fork_oom_grew(struct fw_fork_oom *oom);

#endif
