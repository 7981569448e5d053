/* Process workers: OpenBLAS has each worker's own lease, makes no threads where
 * that is one CPU, and the environment says the same to libraries loaded later.
 * The backend here is the least there can be. Argument: the file of an OpenBLAS
 * whose threads are pthreads. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <furrow/backend.h>

#include "../common/check.h"
#include "backends/fork/sweep.h"
#include "count.h"
#include "runtime/poolenv.h"

enum { CPUS = 4, MOST = 8 };

static int (*blas_threads)(void);
static void (*blas_set)(int threads);

static int capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return MOST;
}

static furrow_status run(const furrow_crew *crew, furrow_work *work)
{
    pid_t child[MOST];

    for (int w = 0; w < crew->workers; w++) {
        child[w] = fork();
        if (child[w] == 0) {
            _exit(fw_poolenv_apply(0, crew->lease[w].cpus) == FURROW_OK && furrow_work_run(work, w)
                      ? 0
                      : 1);
        }
    }
    for (int w = 0; w < crew->workers; w++)
        if (child[w] > 0) {
            (void)waitpid(child[w], NULL, 0);
            fw_fork_sweep(child[w]); /* what LLVM's runtime left behind */
        }
    return FURROW_OK;
}

static const furrow_backend forking = {
    .size = sizeof forking,
    .name = "forking",
    .caps = FURROW_CAP_READS_HERE | FURROW_CAP_ISOLATES,
    .capacity = capacity,
    .run = run,
};

struct seen {
    int cpus, blas, threads;
    char omp[16], openblas[16];
};

static void copy_variable(char out[16], const char *name)
{
    const char *value = getenv(name);

    snprintf(out, 16, "%s", value != NULL ? value : "unset");
}

static int look(furrow_task *task)
{
    struct seen *seen = task->out;

    *seen = (struct seen){ .cpus = task->cpus, .blas = blas_threads(), .threads = count_threads() };
    copy_variable(seen->omp, "OMP_NUM_THREADS");
    copy_variable(seen->openblas, "OPENBLAS_NUM_THREADS");
    return 0;
}

static void check_seen(const struct seen *seen, int count)
{
    char number[16];

    for (int i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%d", seen[i].cpus);
        CHECK(seen[i].blas == seen[i].cpus, "OpenBLAS has %d threads, the worker %d CPUs",
              seen[i].blas, seen[i].cpus);
        CHECK(seen[i].cpus > 1 || seen[i].threads == 1, "a worker with one CPU has %d threads",
              seen[i].threads);
        CHECK(strcmp(seen[i].omp, number) == 0, "OMP_NUM_THREADS is %s, not %s", seen[i].omp,
              number);
        CHECK(strcmp(seen[i].openblas, number) == 0, "OPENBLAS_NUM_THREADS is %s, not %s",
              seen[i].openblas, number);
    }
}

static void job_of(int jobs)
{
    enum { COUNT = 12 };
    const int before = blas_threads();
    struct seen seen[COUNT];
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = look, .count = COUNT, .out = seen, .out_size = sizeof *seen };

    config.backend = "forking";
    config.jobs = jobs;
    CHECK(furrow_map(&job, &config, NULL) == FURROW_OK, "%s", furrow_message());
    check_seen(seen, COUNT);
    CHECK_EQ(blas_threads(), before);
}

int main(int argc, char **argv)
{
    void *handle = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

    if (handle == NULL) {
        fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: forked LIBRARY");
        return 2;
    }
    *(void **)&blas_threads = dlsym(handle, "openblas_get_num_threads");
    *(void **)&blas_set = dlsym(handle, "openblas_set_num_threads");
    setenv("HWLOC_SYNTHETIC", "pu:4", 1);
    CHECK_EQ(furrow_cpu_count(0), CPUS);
    CHECK_EQ(furrow_backend_register(&forking), FURROW_OK);
    for (int jobs = 1; jobs <= CPUS + 1; jobs++)
        job_of(jobs);
    blas_set(1);
    job_of(2);
    return check_end();
}
