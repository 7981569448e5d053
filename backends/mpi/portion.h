/* This rank's portion of the CPUs of its host. */
#ifndef FW_MPI_PORTION_H
#define FW_MPI_PORTION_H

#include <mpi.h>

#include <furrow/furrow.h>

#include "runtime/message.h"

/* All ranks that the launcher started on a host, and the CPUs they may use
 * together, as far as those of the communicator know. */
struct fw_crowd {
    int ranks, cpus; /* >= 1 */
};

/* The ranks of a host tell each other what their masks leave them, and each takes
 * what fw_ranks_deal() leaves it: fw_cpus() has it from here on. As before where
 * `host` has not all ranks that the launcher started there: the others use CPUs
 * too. *crowd is written in any case. Collective over `host`, all ranks of a communicator on one host; no job
 * runs. FURROW_ENOMEM, FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_portion_take(MPI_Comm host, struct fw_crowd *crowd);

#endif
