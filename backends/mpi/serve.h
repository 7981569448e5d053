/* A rank that serves rank 0. */
#ifndef FW_MPI_SERVE_H
#define FW_MPI_SERVE_H

/* Takes part in all jobs of rank 0 until the end of jobs, finalizes, and ends
 * the program. */
_Noreturn void fw_serve(void);

#endif
