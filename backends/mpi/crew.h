/* The workers of this rank: the calling thread, threads beside it, or forked
 * processes. */
#ifndef FW_MPI_CREW_H
#define FW_MPI_CREW_H

#include <pthread.h>

#include "runtime/engine.h"

/* The backend that forks the workers of a rank, where the job needs that; NULL:
 * there is none here. */
const furrow_backend *fw_crew_forker(void);

/* Workers beside the calling thread, from start to end. */
struct fw_crew_beside {
    struct furrow_work *work;
    int count;                    /* threads started; one for all forked workers */
    bool forks, urged;
    struct fw_crew_member *member; /* owned */
};

/* Starts workers first ... workers - 1 of this rank on threads. FURROW_ENOMEM or
 * FURROW_ESYS where not even one could be started that is needed (first == 0); with fewer
 * the job is told so. */
FW_MUST_CHECK furrow_status fw_crew_start(struct fw_crew_beside *crew, struct furrow_work *work, int first);

/* The job is to stop at once: so that forked workers are ended, to be called now
 * and then. */
void fw_crew_urge(struct fw_crew_beside *crew);

/* Whether all of them have left. */
bool fw_crew_left(const struct fw_crew_beside *crew);

/* Waits for them; harmless where none was started. */
void fw_crew_join(struct fw_crew_beside *crew);

/* All workers of this rank; the calling thread is one of them. */
FW_MUST_CHECK furrow_status fw_crew_run(struct furrow_work *work);

#endif
