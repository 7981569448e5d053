/* A program that knows nothing of MPI but three calls. Without mpirun it uses the
 * CPUs of this machine; with it, those of all hosts.
 *
 *     mpirun -n 4 served */
#include <furrow/mpi.h>
#include <stdio.h>

enum { STARTS = 300000 };

/* How many steps the Collatz sequence takes from here to 1. */
static int steps_from(furrow_task *task)
{
    unsigned steps = 0;

    for (uint64_t n = task->index + 1; n != 1; steps++)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    *(unsigned *)task->out = steps;
    return 0;
}

int main(int argc, char **argv)
{
    static unsigned steps[STARTS];
    const furrow_job job = { .name = "collatz", .run = steps_from, .count = STARTS,
                             .out = steps, .out_size = sizeof *steps };
    furrow_report report;
    size_t longest = 0;

    if (furrow_mpi_init(&argc, &argv) != FURROW_OK || furrow_mpi_serve() != FURROW_OK ||
        furrow_map(&job, NULL, &report) != FURROW_OK) { /* only rank 0 comes to the job */
        fprintf(stderr, "served: %s\n", furrow_message());
        return 1;
    }
    for (size_t i = 1; i < STARTS; i++)
        longest = steps[i] > steps[longest] ? i : longest;
    printf("below %d, %zu takes the most steps: %u\n", STARTS, longest + 1, steps[longest]);
    fprintf(stderr, "%s\n", report.reason);
    return furrow_mpi_finalize() != FURROW_OK;
}
