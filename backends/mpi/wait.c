#include "wait.h"

#include <sched.h>
#include <time.h>

#include "pace.h"

#include "runtime/engine.h"

enum { LOOKS = 16, YIELDS = 64, LOOKS_AT_ONCE = 8 };

uint64_t fw_pause_next(struct fw_pause *pause)
{
    if (++pause->looks <= LOOKS + YIELDS)
        return 0;
    if (pause->since == 0)
        pause->since = fw_now();
    return fw_pace_sleep(fw_now() - pause->since);
}

void fw_pause(struct fw_pause *pause)
{
    const uint64_t ns = fw_pause_next(pause);
    const struct timespec sleep = { 0, (long)ns };

    if (ns > 0)
        (void)nanosleep(&sleep, NULL);
    else if (pause->looks > LOOKS)
        (void)sched_yield();
}

int fw_mpi_wait(MPI_Request *request)
{
    struct fw_pause pause = { 0, 0 };
    int done = 0, code;

    for (;;) {
        /* A message needs several looks to get through: one a sleep would be a sleep for each. */
        const int looks = pause.since > 0 ? LOOKS_AT_ONCE : 1;

        for (int look = 0; look < looks; look++) {
            code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
            if (code != MPI_SUCCESS || done)
                return code;
        }
        fw_pause(&pause);
    }
}
