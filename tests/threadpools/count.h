/* Threads of this process, and the largest number seen. */
#ifndef THREADPOOLS_COUNT_H
#define THREADPOOLS_COUNT_H

#include <dirent.h>
#include <stdatomic.h>
#include <unistd.h>

/* Threads there are now, the calling one too. */
static inline int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;

    for (const struct dirent *e; tasks != NULL && (e = readdir(tasks)) != NULL;)
        n += e->d_name[0] != '.';
    if (tasks != NULL)
        closedir(tasks);
    return n;
}

/* The same where threads that are on their way out don't count: a joined or
 * dismissed thread is still listed for a moment. More than `most` is believed
 * only when it stays so. */
static inline int count_settled(int most)
{
    int n = count_threads();

    for (int tries = 0; n > most && tries < 200; tries++) {
        (void)usleep(1000);
        n = count_threads();
    }
    return n;
}

static inline void note_most(atomic_int *most, int now)
{
    int before = atomic_load(most);

    while (now > before && !atomic_compare_exchange_weak(most, &before, now))
        ;
}

#endif
