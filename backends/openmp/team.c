/* Threads are tried out rather than counted: the limits (RLIMIT_NPROC, pids.max
 * of every cgroup, memory for stacks) lie in many places, some of them not to
 * be read. No OpenMP in this file. */
#include "team.h"

#include <pthread.h>
#include <semaphore.h>

#include "runtime/memory.h"

/* The calling thread's last team: its threads wait for the next one. libgomp
 * ends those that a smaller team does not need, and has a pool per thread that
 * starts regions. */
static _Thread_local int had = 1;

static void *wait_for_end(void *end)
{
    while (sem_wait(end) != 0)
        ;
    return NULL;
}

/* How many of `more` threads can be there at the same time. */
static int try_out(int more)
{
    pthread_t *thread = fw_malloc((size_t)more * sizeof *thread);
    sem_t end;
    int made = 0;

    if (thread == NULL || sem_init(&end, 0, 0) != 0) {
        fw_free(thread);
        return 0;
    }
    while (made < more && pthread_create(&thread[made], NULL, wait_for_end, &end) == 0)
        made++;
    for (int i = 0; i < made; i++)
        (void)sem_post(&end);
    for (int i = 0; i < made; i++)
        (void)pthread_join(thread[i], NULL);
    (void)sem_destroy(&end);
    fw_free(thread);
    return made;
}

int fw_team_possible(int asked)
{
    had = asked <= had ? asked : had + try_out(asked - had);
    return had;
}
