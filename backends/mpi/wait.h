/* Waiting for MPI without burning a core (MPI_Wait and MPI_Recv spin). */
#ifndef FW_MPI_WAIT_H
#define FW_MPI_WAIT_H

#include <mpi.h>
#include <stdint.h>

/* How long somebody has waited, and so how long to sleep next: a few looks in a
 * row, then some that give the CPU away, then sleeps of a 64th of what was
 * waited, from 20 microseconds to a millisecond: who waits is late by no more.
 * Where ranks have to share CPUs, sleeps from the second look on. */
struct fw_pause {
    unsigned looks;
    uint64_t since; /* ns on CLOCK_MONOTONIC; of the first sleep */
};

/* After a look that found nothing. */
void fw_pause(struct fw_pause *pause);

/* What the next sleep would be, in ns; 0: none yet. For who sleeps otherwise. */
uint64_t fw_pause_next(struct fw_pause *pause);

/* Until the request is complete; returns MPI's code. */
int fw_mpi_wait(MPI_Request *request);

#endif
