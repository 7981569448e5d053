/* How fast nodes are fed, and how ranks wait: rules without MPI. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "backends/mpi/pace.h"

Test(pace, who_takes_a_cpu_from_one_that_works_sleeps_at_once)
{
    static const struct {
        int ranks, cpus;
        bool at_once;
    } rows[] = {
        { 1, 1, false },   { 2, 2, false },     { 2, 128, false },    { 128, 128, false },
        { 2, 1, true },    { 3, 2, true },      { 129, 128, true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct fw_pace_looks looks = fw_pace_looks(rows[i].ranks, rows[i].cpus);

        cr_expect(looks.spins >= 1, "one look before all else");
        cr_expect(eq(int, looks.spins + looks.yields == 1, rows[i].at_once), "%d ranks on %d CPUs", rows[i].ranks,
                  rows[i].cpus);
    }
}

Test(pace, sleeps_grow_with_the_time_waited)
{
    static const struct {
        uint64_t waited, sleep;
    } rows[] = {
        { 0, 20000 },          { 1280000, 20000 },       { 6400000, 100000 },
        { 64000000, 1000000 }, { UINT64_MAX, 1000000 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(u64, fw_pace_sleep(rows[i].waited), rows[i].sleep));
}

Test(pace, chunks_are_cut_by_time_and_by_what_is_left)
{
    static const struct {
        double rate;
        int workers, all, nodes;
        size_t left, chunk;
    } rows[] = {
        { 0, 2, 4, 2, 1000, 8 },           /* nothing measured: four a worker */
        { 0, 2, 4, 2, 1, 1 },
        { 1000, 2, 4, 2, 100000, 40 },     /* 40 ms */
        { 1000, 2, 4, 2, 80, 21 },         /* half of the node's half, and one */
        { 1000, 128, 1280000, 10000, 1000000000, 500 }, /* 50 us for each node */
        { 0.001, 2, 4, 2, 1000, 1 },       /* tasks of many minutes */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(eq(sz, fw_pace_chunk(rows[i].rate, rows[i].workers, rows[i].all, rows[i].nodes, rows[i].left),
                     rows[i].chunk),
                  "row %zu", i);
}
