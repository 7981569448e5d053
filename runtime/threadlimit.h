/* What the code inside a task may use: the OpenMP settings of a worker's
 * thread, and what OpenMP says of the place a job is started from. */
#ifndef FW_THREADLIMIT_H
#define FW_THREADLIMIT_H

/* OpenMP settings of the calling thread's current OpenMP task. */
struct fw_thread_limit {
    int threads, levels;
};

/* Parallel regions that name no number get `threads` threads; with one thread
 * all are serial. The settings before are kept in `own`. Both are scoped to the
 * current OpenMP task, on libgomp and libomp. */
void fw_thread_limit_set(int threads, struct fw_thread_limit *own);
void fw_thread_limit_restore(const struct fw_thread_limit *own);

/* Enclosing parallel regions of the calling thread, serial ones too. */
int fw_openmp_level(void);

/* Threads that share the caller's place: the product of the sizes of the teams
 * above `level`; 1 outside any. */
int fw_openmp_team(int level);

#endif
