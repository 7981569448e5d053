/* bench_ranks_service: what furrow's ranks take beside the time of tasks, seen by
 * rank 0 in /proc.
 *
 *   bench_ranks_service served|static rest [--small]   CPU of ranks that wait
 *   bench_ranks_service furrow grow [--small]       memory of a job of 10^7 tasks with 100 bytes of result
 *
 *   rest   percent of a core that the other rank uses while rank 0 sleeps for two
 *          seconds, after a job; "static" waits in MPI_Recv instead of serving
 *   grow   MiB by which the peak of a rank's memory exceeds what it had before the
 *          job, the largest of the ranks; without rank 0's outputs, 10^9 bytes
 */
#include <furrow/mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

enum { RESULT = 100 };

static void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static void must(furrow_status status)
{
    if (status != FURROW_OK)
        fail(furrow_message());
}

/* Opens /proc/<process>/<name>. */
static FILE *open_proc(long process, const char *name, const char *mode)
{
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%ld/%s", process, name);
    file = fopen(path, mode);
    if (file == NULL)
        fail("a rank cannot be seen in /proc");
    return file;
}

/* Collective; the pid of each rank, on rank 0. */
static long *processes(int size)
{
    const long mine = getpid();
    long *all = bench_alloc((size_t)size * sizeof *all);

    MPI_Gather(&mine, 1, MPI_LONG, all, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    return all;
}

/* -- Ranks that wait ------------------------------------------------------- */

/* Seconds of CPU that a process has used. */
static double cpu_of(long process)
{
    FILE *file = open_proc(process, "schedstat", "r");
    unsigned long long ns = 0;

    if (fscanf(file, "%llu", &ns) != 1)
        fail("a rank's CPU time cannot be read");
    (void)fclose(file);
    return (double)ns / 1e9;
}

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

static void rest_for(long process, double seconds)
{
    const struct timespec nap = { .tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
    const double cpu = cpu_of(process), start = bench_now();
    double percent;

    (void)nanosleep(&nap, NULL);
    percent = 100 * (cpu_of(process) - cpu) / ((bench_now() - start) / 1e9);
    bench_print("rest", percent, percent, "%");
}

/* All ranks; of the others rank 1 is looked at. */
static void rest(bool served, bool small)
{
    const furrow_job job = { .run = nothing, .count = 1000 };
    int rank, size, word = 0;
    long *all;

    must(furrow_mpi_init(NULL, NULL));
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (size < 2)
        fail("a rank that waits needs another one: start two");
    all = processes(size);
    if (served)
        must(furrow_mpi_serve());
    else if (rank > 0)
        MPI_Recv(&word, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 0) {
        must(served ? furrow_map(&job, NULL, NULL) : FURROW_OK);
        rest_for(all[1], small ? 0.2 : 2);
        for (int r = 1; r < size && !served; r++)
            MPI_Send(&word, 1, MPI_INT, r, 0, MPI_COMM_WORLD);
    }
    free(all);
    must(furrow_mpi_finalize());
}

/* -- Memory -------------------------------------------------------------- */

/* KiB of a line of /proc/self/status. */
static double memory_of(const char *name)
{
    FILE *file = open_proc(getpid(), "status", "r");
    const size_t length = strlen(name);
    char line[256];
    double kib = -1;

    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            kib = atof(line + length + 1);
    }
    (void)fclose(file);
    if (kib < 0)
        fail("a rank's memory cannot be read");
    return kib;
}

/* The peak is the present again: proc(5), clear_refs. */
static void forget_peak(void)
{
    FILE *file = open_proc(getpid(), "clear_refs", "w");

    (void)fputs("5", file);
    (void)fclose(file);
}

static int fill(furrow_task *task)
{
    memset(task->out, (int)(task->index % 251), RESULT);
    return 0;
}

static void check(const unsigned char *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (out[i * RESULT] != i % 251 || out[i * RESULT + RESULT - 1] != i % 251)
            fail("a result is missing");
    }
}

static void grow(bool small)
{
    const size_t count = small ? 10000 : 10000000;
    furrow_job job = { .run = fill, .count = count, .out_size = RESULT };
    furrow_config config = FURROW_CONFIG_DEFAULT;
    double before, more, most = 0;
    int rank;

    must(furrow_mpi_init(NULL, NULL));
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    config.backend = "mpi";
    config.strict = true;
    if (rank == 0) {
        unsigned char *out = bench_alloc(count * RESULT);

        memset(out, 0xff, count * RESULT); /* in `before` */
        job.out = out;
    }
    forget_peak();
    before = memory_of("VmRSS");
    must(furrow_map(&job, &config, NULL));
    more = (memory_of("VmHWM") - before) / 1024;
    MPI_Reduce(&more, &most, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0) {
        check(job.out, count);
        bench_print("grow", most, most, "MiB");
    }
    free(job.out);
    must(furrow_mpi_finalize());
}

int main(int argc, char **argv)
{
    const bool small = argc > 3 && strcmp(argv[argc - 1], "--small") == 0;
    const char *variant = argc > 2 ? argv[1] : "", *measure = argc > 2 ? argv[2] : "";

    if (strcmp(measure, "rest") == 0 &&
        (strcmp(variant, "served") == 0 || strcmp(variant, "static") == 0))
        rest(strcmp(variant, "served") == 0, small);
    else if (strcmp(measure, "grow") == 0 && strcmp(variant, "furrow") == 0)
        grow(small);
    else {
        fprintf(stderr, "usage: %s served|static rest | furrow grow\n", argv[0]);
        return 2;
    }
    return 0;
}
