/* The limit of processes: bare forks with an equal share of the indices each,
 * one call per task and nothing else. Nobody looks after a child that dies; the
 * program ends then. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

enum { MOST = 64 };

static void run_share(const struct bench_loop *loop, int worker, int workers)
{
    const size_t begin = loop->count * (size_t)worker / (size_t)workers;
    const size_t end = loop->count * ((size_t)worker + 1) / (size_t)workers;
    bench_task *const call = loop->call;

    for (size_t i = begin; i < end; i++)
        call(i, loop);
}

static void run_forks(const struct bench_loop *loop, int workers)
{
    pid_t pid[MOST];
    int status;

    if (workers > MOST) {
        fprintf(stderr, "forks: %d workers are too many\n", workers);
        exit(1);
    }
    for (int w = 0; w < workers; w++) {
        pid[w] = fork();
        if (pid[w] == 0) {
            run_share(loop, w, workers);
            _exit(0);
        }
    }
    for (int w = 0; w < workers; w++) {
        if (pid[w] < 0 || waitpid(pid[w], &status, 0) < 0 || status != 0) {
            fprintf(stderr, "forks: child %d was not made or did not end well\n", w);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = {
        { .name = "static", .run = run_forks, .alloc = bench_alloc_shared },
    };

    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
