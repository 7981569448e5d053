/* What the code inside a task may use: the settings that OpenMP runtimes and
 * other libraries keep per thread, and what OpenMP says of the place a job is
 * started from. Several OpenMP runtimes may be loaded at the same time: each is
 * limited, and each is asked. Pools that all threads share: poolhold.h. */
#ifndef FW_THREADLIMIT_H
#define FW_THREADLIMIT_H

#include <furrow/furrow.h>

#include "poolhold.h"
#include "pools.h"

enum { FW_OWN_POOLS_MOST = 4 }; /* libraries with a setting per thread, beside OpenMP */

/* The calling thread's settings before. */
struct fw_thread_limit {
    int nopenmp, npools;
    int pools; /* that were known when it was set */
    struct {
        int threads, levels;
        int limit; /* in force meanwhile */
    } openmp[FW_OPENMP_MOST];
    struct {
        int number, before;
    } pool[FW_OWN_POOLS_MOST];
};

/* Parallel regions that name no number, and calls of libraries that have a
 * setting per thread, get so many threads: an explicit number `asked` > 0, else
 * `share`, or fewer where the user's environment says so (poolenv.h). With one
 * thread all regions are serial. Regions inside a region are serial. The
 * settings before are kept in `own`. OpenMP's are scoped to the current OpenMP
 * task, on libgomp and libomp. */
void fw_thread_limit_set(int asked, int share, struct fw_thread_limit *own);
/* The same with the numbers of the last time, whose `own` this is: they are not
 * worked out anew, nor is it checked that the runtimes take them. */
void fw_thread_limit_set_again(int asked, int share, struct fw_thread_limit *own);
void fw_thread_limit_restore(const struct fw_thread_limit *own);

/* True where a library would use more than `cpus` threads now. */
bool fw_thread_limit_exceeds(int cpus);

/* Enclosing parallel regions of the calling thread, serial ones too, of each
 * OpenMP runtime. All 0: outside any. */
struct fw_openmp_place {
    int level[FW_OPENMP_MOST];
};
void fw_openmp_here(struct fw_openmp_place *out);

/* Threads that share the caller's place: the product of the sizes of the teams
 * of all runtimes that are known and not around `outer`; 1 outside any. */
int fw_openmp_team(const struct fw_openmp_place *outer);

/* -- furrow_thread_limit_push() ----------------------------------------- */

/* One pushed limit; the newest first. Owned by the stack. */
struct fw_limit_scope;

/* Limits the calling thread and the process-wide pools to `threads` >= 1.
 * FURROW_ENOMEM with a message: nothing is changed then. */
FW_MUST_CHECK furrow_status fw_limit_push(struct fw_limit_scope **top, int threads);

/* Takes the newest away; `*top` must not be NULL. From the thread that pushed. */
void fw_limit_pop(struct fw_limit_scope **top);

#endif
