/* The backend "mpi" in the registry. */
#ifndef FW_MPI_BACKEND_H
#define FW_MPI_BACKEND_H

#include <furrow/backend.h>

#include "runtime/message.h"

extern const furrow_backend fw_mpi;

/* Registers it, once per process. FURROW_ESYS: libfurrow is of another build. */
FW_MUST_CHECK furrow_status fw_backend_install(void);

#endif
