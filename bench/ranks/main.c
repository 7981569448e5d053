/* bench_ranks: contestants on the ranks of one mpirun, through the measuring
 * program of bench/harness.h. Rank 0 runs it, with as many workers as ranks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow.h"
#include "harness.h"
#include "served.h"

static const struct scheme *const schemes[] = {
    &ranks_static, &ranks_manager, &ranks_manager_1, &ranks_counter, &ranks_circle, &ranks_furrow,
};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

static const struct scheme *scheme; /* the one that runs; NULL: furrow serves */
static bool announced;

void ranks_fail(const char *why)
{
    fprintf(stderr, "rank %d: %s\n", ranks_rank, why);
    MPI_Abort(MPI_COMM_WORLD, 1);
    abort();
}

size_t ranks_sum(size_t ran)
{
    const uint64_t mine = ran;
    uint64_t all = 0;

    MPI_Reduce(&mine, &all, 1, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    return (size_t)all;
}

/* Begins with a barrier: no rank is done before rank 0's clock runs. */
static size_t run_here(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    return scheme->run(follow_loop());
}

/* -- Rank 0 -------------------------------------------------------------- */

/* Outside the clock. */
static void ready(const struct bench_loop *loop, int workers)
{
    (void)workers;
    follow_forget();
    follow_announce(loop);
    announced = true;
}

static void run(const struct bench_loop *loop, int workers)
{
    if (!announced)
        ready(loop, workers);
    announced = false;
    if (run_here() != loop->count)
        ranks_fail("not every task was run once");
}

static void forget(const struct bench_loop *loop, int workers)
{
    (void)loop, (void)workers;
    follow_forget();
}

/* The command line with the number of workers at its end. */
static char **with_workers(int argc, char **argv)
{
    static char number[16];
    char **out = calloc((size_t)argc + 3, sizeof *out);
    int n = 0;

    if (out == NULL)
        ranks_fail("no memory");
    (void)snprintf(number, sizeof number, "%d", ranks_size);
    for (int i = 0; i < argc; i++)
        out[n++] = argv[i];
    out[n++] = "--workers";
    out[n++] = number;
    return out;
}

static int lead(int argc, char **argv)
{
    struct bench_variant variants[SCHEMES + 1];
    char **words = with_workers(argc, argv);
    int status;

    for (int i = 0; i < SCHEMES; i++)
        variants[i] = (struct bench_variant){
            .name = schemes[i]->name, .ready = ready, .run = run, .idle = follow_idle_ms
        };
    variants[SCHEMES] = (struct bench_variant){
        .name = "served", .ready = forget, .run = served_run, .idle = follow_idle_ms
    };
    status = bench_main(argc > 2 ? argc + 2 : argc, words, variants, SCHEMES + 1);
    free(words);
    return status;
}

/* -- All ranks ------------------------------------------------------------- */

/* That another rank waits for a CPU disturbs what rank 0 measures. */
static void watch_ranks(void)
{
    const long mine = getpid();
    long *all = calloc((size_t)ranks_size, sizeof *all);

    if (all == NULL)
        ranks_fail("no memory");
    MPI_Gather(&mine, 1, MPI_LONG, all, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    for (int r = 1; r < ranks_size && ranks_rank == 0; r++)
        bench_watch(all[r]);
    free(all);
}

static void know_ranks(void)
{
    MPI_Comm_rank(MPI_COMM_WORLD, &ranks_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks_size);
    watch_ranks();
    follow_begin();
}

static int main_served(int argc, char **argv)
{
    int status;

    served_begin(&argc, &argv);
    know_ranks();
    served_serve();
    status = lead(argc, argv);
    served_end();
    return status;
}

static int main_together(int argc, char **argv)
{
    int status = 0;

    MPI_Init(&argc, &argv);
    know_ranks();
    if (scheme->begin != NULL)
        scheme->begin();
    if (ranks_rank == 0) {
        status = lead(argc, argv);
        follow_announce(NULL);
    } else {
        while (follow_await())
            (void)run_here();
    }
    if (scheme->end != NULL)
        scheme->end();
    follow_end();
    MPI_Finalize();
    return status;
}

int main(int argc, char **argv)
{
    scheme = &ranks_static; /* for a wrong command line */
    for (int i = 0; argc > 1 && i < SCHEMES; i++) {
        if (strcmp(argv[1], schemes[i]->name) == 0)
            scheme = schemes[i];
    }
    if (argc > 1 && strcmp(argv[1], "served") == 0)
        return main_served(argc, argv);
    return main_together(argc, argv);
}
