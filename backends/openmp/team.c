/* Threads are tried out rather than counted: the limits (RLIMIT_NPROC, pids.max
 * of every cgroup, memory for stacks) lie in many places, some of them not to
 * be read. No OpenMP in this file. */
#include "team.h"

#include <pthread.h>

/* The calling thread's last team: its threads wait for the next one. libgomp
 * ends those that a smaller team does not need, and has a pool per thread that
 * starts regions. */
static _Thread_local int had = 1;

/* A chain of threads, each made by the one before and joined by it, so that all
 * are there at the same time and nothing has to be allocated. */
struct chain {
    int left, made;
};

static void *next_of_chain(void *argument)
{
    struct chain *chain = argument;
    pthread_t next;

    chain->made++;
    if (--chain->left > 0 && pthread_create(&next, NULL, next_of_chain, chain) == 0)
        (void)pthread_join(next, NULL);
    return NULL;
}

/* How many of `more` >= 1 threads can be there at the same time. */
static int try_out(int more)
{
    struct chain chain = { more, 0 };
    pthread_t first;

    if (pthread_create(&first, NULL, next_of_chain, &chain) == 0)
        (void)pthread_join(first, NULL);
    return chain.made;
}

int fw_team_possible(int asked)
{
    had = asked <= had ? asked : had + try_out(asked - had);
    return had;
}
