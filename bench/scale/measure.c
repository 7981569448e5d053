/* scale_measure, under mpirun: what the model's costs are measured from, and what
 * its predictions are compared with.
 *
 *   scale_measure costs              rank 0 prints "name<tab>ns" lines; 1 or 2 ranks
 *   scale_measure job COUNT NS [N]   rank 0 prints the median and the smallest
 *                                    makespan of N jobs, in ns */
#include <furrow/mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/ranges.h"
#include "bench/work.h"

enum { WARM = 3, MOST = 200 };

static uint32_t turns;

static int spin(furrow_task *task)
{
    (void)task;
    if (turns > 0)
        bench_spin(turns);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median of `n` <= MOST jobs; *least: the shortest. -1: one failed. */
static double time_jobs(size_t count, int n, double *least)
{
    const furrow_job job = { .name = "scale", .run = spin, .count = count };
    furrow_config config = FURROW_CONFIG_DEFAULT;
    double took[MOST];

    config.backend = "mpi";
    for (int i = -WARM; i < n; i++) {
        uint64_t start;

        MPI_Barrier(MPI_COMM_WORLD);
        start = fw_now();
        if (furrow_map(&job, &config, NULL) != FURROW_OK) {
            fprintf(stderr, "scale_measure: %s\n", furrow_message());
            return -1;
        }
        if (i >= 0)
            took[i] = (double)(fw_now() - start);
    }
    qsort(took, (size_t)n, sizeof *took, compare);
    *least = took[0];
    return took[n / 2];
}

/* Turns of bench_spin() in `ns`; the best of several, all ranks the same. */
static void set_turns(double ns)
{
    double best = 1e30, each;

    for (int i = 0; i < 20; i++) {
        const uint64_t start = fw_now();

        bench_spin(1000000);
        each = (double)(fw_now() - start) / 1e6;
        best = each < best ? each : best;
    }
    MPI_Allreduce(MPI_IN_PLACE, &best, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
    turns = ns > 0 ? (uint32_t)(ns / best) + 1 : 0;
}

/* -- Costs -------------------------------------------------------------- */

static void print(const char *name, double ns)
{
    printf("%s\t%.4g\n", name, ns);
}

/* Claims with two looks at the clock, and steals from one other line. */
static void local_costs(void)
{
    enum { CLAIMS = 1000000, STEALS = 100000, LINES = 128 };
    struct fw_ranges *ranges = aligned_alloc(FW_CACHE_LINE, fw_ranges_bytes(LINES));
    struct fw_span span;
    uint64_t start, sink = 0;

    if (ranges == NULL)
        return;
    fw_ranges_init(ranges, CLAIMS, 1);
    start = fw_now();
    for (int i = 0; i < CLAIMS; i++) {
        (void)fw_ranges_claim(ranges, 0, 1, &span);
        fw_ranges_close(ranges, 0);
        sink += fw_now();
    }
    print("claim", (double)(fw_now() - start) / CLAIMS);
    fw_ranges_init(ranges, (size_t)2 * STEALS, 2);
    start = fw_now();
    for (int i = 0; i < STEALS; i++) {
        while (fw_ranges_claim(ranges, i % 2, SIZE_MAX / 2, &span))
            fw_ranges_close(ranges, i % 2);
        if (!fw_ranges_steal(ranges, i % 2)) /* the other one's is empty, too: deal again */
            fw_ranges_init(ranges, STEALS, 2);
    }
    print("steal", (double)(fw_now() - start) / STEALS);
    fw_ranges_init(ranges, 0, LINES);
    start = fw_now();
    for (int i = 0; i < STEALS / LINES; i++)
        sink += fw_ranges_ask(ranges, 0);
    print("look", (double)(fw_now() - start) / (STEALS / LINES) / LINES);
    turns = (uint32_t)(sink & 0);
    free(ranges);
}

/* `n` letters of `bytes` from rank 1 to rank 0; ns for one at the receiver, which
 * is never idle meanwhile. */
static double stream(int rank, int n, int bytes)
{
    char *buffer = calloc(1, (size_t)bytes);
    uint64_t start;

    if (buffer == NULL)
        return 0;
    MPI_Barrier(MPI_COMM_WORLD);
    start = fw_now();
    for (int i = 0; i < n; i++) {
        MPI_Request request;
        MPI_Status status;
        int there = 0;

        if (rank == 1) {
            MPI_Issend(buffer, bytes, MPI_BYTE, 0, 1, MPI_COMM_WORLD, &request);
            MPI_Wait(&request, MPI_STATUS_IGNORE);
            continue;
        }
        while (!there)
            MPI_Iprobe(1, 1, MPI_COMM_WORLD, &there, &status);
        MPI_Recv(buffer, bytes, MPI_BYTE, 1, 1, MPI_COMM_WORLD, &status);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    free(buffer);
    return (double)(fw_now() - start) / n;
}

static double ping(int rank, int n)
{
    char byte = 0;
    const uint64_t start = fw_now();

    for (int i = 0; i < n; i++) {
        if (rank == 0)
            MPI_Send(&byte, 1, MPI_BYTE, 1, 2, MPI_COMM_WORLD);
        MPI_Recv(&byte, 1, MPI_BYTE, 1 - rank, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (rank == 1)
            MPI_Send(&byte, 1, MPI_BYTE, 0, 2, MPI_COMM_WORLD);
    }
    return (double)(fw_now() - start) / n / 2;
}

/* One letter is served, answered for by Issend's receipt: its latency is in what
 * a letter takes one after the other, so that `handle` is the rest. */
static void letter_costs(int rank)
{
    enum { SMALL = 64, LARGE = 1 << 20 };
    double half, small, large;

    (void)ping(rank, 1000);
    half = ping(rank, 10000);
    small = stream(rank, 10000, SMALL);
    large = stream(rank, 200, LARGE);
    if (rank > 0)
        return;
    print("latency", half);
    print("handle", small > 2 * half ? small - half : small / 2);
    print("byte", (large - small) / LARGE);
}

static int costs(int rank, int size)
{
    double least, median = time_jobs((size_t)size, 100, &least);

    if (median < 0)
        return 1;
    if (rank == 0)
        print(size == 1 ? "job" : "job2", median);
    if (size == 1)
        local_costs();
    else if (rank < 2)
        letter_costs(rank);
    return 0;
}

static int job(int rank, char **argv)
{
    const int n = argv[4] != NULL ? atoi(argv[4]) : 5;
    double least, median;

    set_turns(strtod(argv[3], NULL));
    median = time_jobs(strtoull(argv[2], NULL, 10), n < 1 ? 1 : n > MOST ? MOST : n, &least);
    if (rank == 0 && median >= 0)
        printf("%.0f\t%.0f\n", median, least);
    return median < 0;
}

int main(int argc, char **argv)
{
    int rank, size, status = 2;

    if (furrow_mpi_init(&argc, &argv) != FURROW_OK)
        return fprintf(stderr, "scale_measure: %s\n", furrow_message()) > 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc == 2 && strcmp(argv[1], "costs") == 0 && size <= 2)
        status = costs(rank, size);
    else if (argc >= 4 && strcmp(argv[1], "job") == 0)
        status = job(rank, argv);
    else if (rank == 0)
        fprintf(stderr, "usage: scale_measure costs | job COUNT NS [REPETITIONS]\n");
    (void)furrow_mpi_finalize();
    return status;
}
