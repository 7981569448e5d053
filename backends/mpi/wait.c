#include "wait.h"

#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "world.h"

#include "runtime/engine.h"

enum { LOOKS_AT_ONCE = 8 };

uint64_t fw_pause_next(struct fw_pause *pause)
{
    if (++pause->looks <= fw_world.looks.spins + fw_world.looks.yields)
        return 0;
    if (pause->since == 0)
        pause->since = fw_now();
    return fw_pace_sleep(fw_now() - pause->since);
}

/* The kernel ends a sleep up to the thread's slack late, by default 50
 * microseconds: more than the shortest sleep itself. The slack is the program's:
 * as before when this returns. */
static void sleep_for(uint64_t ns)
{
    const struct timespec sleep = { 0, (long)ns };
    const long slack = prctl(PR_GET_TIMERSLACK), ours = (long)(ns / 16);

    if (slack > ours)
        (void)prctl(PR_SET_TIMERSLACK, (unsigned long)ours);
    (void)nanosleep(&sleep, NULL);
    if (slack > ours)
        (void)prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
}

void fw_pause(struct fw_pause *pause)
{
    const uint64_t ns = fw_pause_next(pause);

    if (ns > 0)
        sleep_for(ns);
    else if (pause->looks > fw_world.looks.spins)
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
