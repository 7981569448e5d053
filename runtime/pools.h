/* The thread libraries that are loaded in this process: which there are, and
 * the entry points by which they are limited.
 *
 * Libraries are found by the names of their files and confirmed by symbols of
 * their own. One that was found stays loaded until the process ends: a
 * reference is held, so that its entry points stay valid. What is linked
 * statically into a program is not found, but for the OpenMP runtime that
 * furrow itself uses. */
#ifndef FW_POOLS_H
#define FW_POOLS_H

#include "poolenv.h"

enum {
    FW_OPENMP_MOST = 4, /* OpenMP runtimes in one process */
    FW_POOLS_MOST = 24  /* other libraries */
};

/* Whose setting it is. */
enum fw_pool_scope {
    FW_POOL_THREAD,  /* the calling thread's */
    FW_POOL_PROCESS, /* all threads share it */
    FW_POOL_FOLLOWS  /* none of its own: OpenMP's, or it has no threads */
};

/* An OpenMP runtime. Number 0 is the one furrow uses. */
struct fw_openmp {
    const char *name, *path;
    int (*max_threads)(void);
    void (*set_threads)(int threads);
    int (*max_levels)(void);
    void (*set_levels)(int levels);
    int (*active_level)(void);
    int (*level)(void);
    int (*team_size)(int level);
};

/* Another library. */
struct fw_pool {
    const char *name, *path;
    const char *layer; /* what its threads are: "pthreads", "OpenMP", "none"; "" where it does not say */
    enum fw_pool_scope scope;
    enum fw_poolvar variable;
    /* Threads that it would use now. */
    int (*get)(const struct fw_pool *pool);
    /* NULL with FW_POOL_FOLLOWS. Returns what brings the setting before back. */
    int (*set)(const struct fw_pool *pool, int threads);
    /* Private to pools.c and poolkinds.c. */
    void (*getter)(void), (*setter)(void);
    const void *object;
};

/* Looks for libraries that were loaded since the last call. Costs a look at the
 * dynamic linker's counter where there are none: once a job, never per task.
 * Any thread. */
void fw_pools_refresh(void);

/* What was found until now; entries are whole, never change and never move. */
int fw_openmp_count(void);
const struct fw_openmp *fw_openmp_at(int number);
int fw_pools_count(void);
const struct fw_pool *fw_pools_at(int number);

/* A library was asked for `asked` threads and then says how many it has: one
 * line in the log, once per library, where they are more. */
void fw_pools_check(const char *name, const char *path, enum fw_poolvar variable, int asked, int says);

/* One library, for a person. */
struct fw_threadpool {
    const char *name;  /* "libgomp", "libomp", "OpenBLAS", ... */
    const char *layer; /* as in fw_pool; "OpenMP" for an OpenMP runtime */
    const char *scope; /* "thread", "process", "OpenMP" (follows it), "none" */
    int threads;       /* the caller's limit now; of one that follows OpenMP, what it used last */
    const char *path;  /* of the file; "" where it is part of the program */
};

/* The loaded thread libraries as the caller sees them, OpenMP runtimes first.
 * Writes up to `most`; returns how many there are. */
int fw_threadpools_list(struct fw_threadpool *out, int most);

#endif
