/* furrow-ranks FURROW [--json]: started by furrow info in a rank (cli/ranks.h).
 * All ranks tell rank 0 what they have; MPI ends; rank 0 becomes FURROW again,
 * with what they said, and the others are done. */
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <furrow/mpi.h>

#include "cli/ranks.h"
#include "runtime/engine.h"

static int fail(const char *what)
{
    fprintf(stderr, "furrow: info: %s\n", what);
    return 1;
}

static void write_binding(char *out, size_t size)
{
    cpu_set_t mask;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();

    (void)snprintf(out, size, "unknown");
    if (set != NULL && sched_getaffinity(0, sizeof mask, &mask) == 0) {
        for (unsigned i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &mask))
                (void)hwloc_bitmap_set(set, i);
        (void)hwloc_bitmap_list_snprintf(out, size, set);
    }
    hwloc_bitmap_free(set);
}

/* As a job on mpi has them: all CPUs to one worker, or as many workers as they
 * hold inner threads. */
static void write_share(struct cli_rank *own)
{
    const struct fw_cpus *cpus = furrow_engine.fw_cpus();
    const int asked = furrow_engine.fw_env()->config.inner_threads;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();

    for (int i = 0; i < cpus->count && set != NULL; i++)
        (void)hwloc_bitmap_set(set, (unsigned)cpus->os[i]);
    if (set != NULL)
        (void)hwloc_bitmap_list_snprintf(own->share, sizeof own->share, set);
    hwloc_bitmap_free(set);
    own->cpus = cpus->count;
    own->workers = asked > 0 && cpus->count > asked ? cpus->count / asked : 1;
    own->inner_threads = asked > 0 ? asked : cpus->count;
}

/* An open file with a line for each rank; -1: there is none. */
static int write_all(const struct cli_rank *rank, int n)
{
    const int fd = memfd_create("ranks", 0);
    FILE *file = fd >= 0 ? fdopen(dup(fd), "w") : NULL;
    bool whole = file != NULL;

    for (int r = 0; r < n && whole; r++)
        whole = fprintf(file, "%s\t%s\t%s\t%d\t%d\t%d\n", rank[r].host, rank[r].binding, rank[r].share, rank[r].cpus,
                        rank[r].workers, rank[r].inner_threads) > 0;
    if (file != NULL && fclose(file) != 0)
        whole = false;
    return whole ? fd : -1;
}

static int become_furrow(char **argv, const struct cli_rank *rank, int n)
{
    const int fd = write_all(rank, n);
    char number[16];
    char *with[] = { argv[1], "info", "--ranks", number, argv[2], NULL };

    if (fd < 0)
        return fail("no memory for what the ranks said");
    (void)snprintf(number, sizeof number, "%d", fd);
    (void)execv(argv[1], with);
    return fail(strerror(errno));
}

int main(int argc, char **argv)
{
    struct cli_rank own = { .cpus = 0 }, *all = NULL;
    int rank = 0, ranks = 1;

    if (argc < 2)
        return fail("furrow-ranks is started by furrow info");
    write_binding(own.binding, sizeof own.binding); /* before anything widens it */
    if (furrow_mpi_init(NULL, NULL) != FURROW_OK)
        return fail(furrow_message());
    (void)gethostname(own.host, sizeof own.host - 1);
    write_share(&own);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (rank == 0 && (all = calloc((size_t)ranks, sizeof *all)) == NULL) {
        (void)fail("no memory for what the ranks say");
        MPI_Abort(MPI_COMM_WORLD, 1); /* the others wait for this one */
    }
    MPI_Gather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (furrow_mpi_finalize() != FURROW_OK)
        return fail(furrow_message());
    return rank > 0 ? 0 : become_furrow(argv, all, ranks);
}
