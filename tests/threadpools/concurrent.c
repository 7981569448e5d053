/* Jobs and pushes of several threads at the same time: a pool that all threads
 * share never has more than any of them allows, and has its own number again
 * when the last is over. Argument: a stand-in of OpenBLAS. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include <furrow/furrow.h>

#include "../common/check.h"

enum { THREADS = 4, ROUNDS = 60 };

static int (*blas_threads)(void);

static int look(furrow_task *task)
{
    const int smallest = *(const int *)task->shared, threads = blas_threads();

    CHECK(threads <= smallest, "%d threads, the job allows %d", threads, smallest);
    return task->index == 3;
}

static int look_below(furrow_task *task)
{
    const int smallest = task->cpus;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = look, .count = 2, .shared = &smallest };

    config.jobs = 1 + (int)(task->index % 2);
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    return look(task);
}

/* A different mixture in each thread. */
static void *rounds(void *number)
{
    const int seed = *(const int *)number;

    for (int i = 0; i < ROUNDS; i++) {
        const int inner = 1 + (seed + i) % 3;
        furrow_config config = FURROW_CONFIG_DEFAULT;
        const bool below = i % 2 == 1;
        furrow_job job = { .run = below ? look_below : look, .count = 4, .shared = &inner };

        config.backend = !below && (seed + i) % 3 == 0 ? "sequential" : "openmp";
        config.jobs = 1 + (seed + i) % 2;
        config.inner_threads = inner;
        CHECK_EQ(furrow_thread_limit_push(3), FURROW_OK);
        CHECK(blas_threads() <= 3, "%d threads", blas_threads());
        CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_ETASK);
        CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *handle = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    pthread_t thread[THREADS];
    int number[THREADS], before;

    if (handle == NULL) {
        fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: concurrent LIBRARY");
        return 2;
    }
    *(void **)&blas_threads = dlsym(handle, "openblas_get_num_threads");
    setenv("HWLOC_SYNTHETIC", "pu:8", 1);
    before = blas_threads();
    for (int i = 0; i < THREADS; i++) {
        number[i] = i;
        CHECK_EQ(pthread_create(&thread[i], NULL, rounds, &number[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    CHECK_EQ(blas_threads(), before);
    return check_end();
}
