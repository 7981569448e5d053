/* Whether the kernel killed a worker for want of memory: the process's control
 * group counts such kills. */
#ifndef FW_FORK_OOM_H
#define FW_FORK_OOM_H

#include <stdbool.h>

#include "runtime/cgroup.h"

/* One nursery's. */
struct fw_fork_oom {
    const char *path; /* borrowed: of the file that counts, for the process's life; NULL: none */
    long long kills;  /* that were there or are accounted for */
};

/* Looks once in a process's life where such kills are counted: in the caller, so
 * that no nursery has to. */
void fw_fork_oom_find(void);

/* From here on kills are this job's. Nursery; a worker may run already. */
void fw_fork_oom_begin(struct fw_fork_oom *oom);

/* There was another kill since, which this accounts for. A process of the group
 * that is not of this job may have been the one: it is a hint. */
bool fw_fork_oom_grew(struct fw_fork_oom *oom);

#endif
