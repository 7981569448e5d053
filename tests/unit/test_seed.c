/* Seeds never change: the numbers of a published run depend on them. */
#include <criterion/criterion.h>
#include <furrow/furrow.h>
#include <inttypes.h>

#include "runtime/seed.h"

/* Outputs of the reference implementation of SplitMix64 (Vigna, splitmix64.c)
 * for the state `seed`, in order. */
static const struct {
    uint64_t seed;
    size_t index;
    uint64_t want;
} rows[] = {
    { 0, 0, UINT64_C(0xE220A8397B1DCDAF) },
    { 0, 1, UINT64_C(0x6E789E6AA1B965F4) },
    { 0, 2, UINT64_C(0x06C45D188009454F) },
    { 0, 3, UINT64_C(0xF88BB8A8724C81EC) },
    { 1234567, 0, UINT64_C(6457827717110365317) },
    { 1234567, 1, UINT64_C(3203168211198807973) },
    { 1234567, 2, UINT64_C(9817491932198370423) },
    { 1234567, 3, UINT64_C(4593380528125082431) },
    { 1234567, 4, UINT64_C(16408922859458223821) },
};

Test(seed, is_splitmix64)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = furrow_seed(rows[i].seed, rows[i].index);

        cr_expect(got == rows[i].want, "row %zu: %016" PRIX64 ", not %016" PRIX64, i, got,
                  rows[i].want);
        cr_expect(fw_seed(rows[i].seed, rows[i].index) == rows[i].want, "row %zu: inline", i);
    }
}

/* The output function permutes and the state advances by a constant, so the
 * seed of task i is that of task 0 of a job whose seed is so much further. */
Test(seed, of_the_last_index_wraps_around)
{
    const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);

    cr_expect(furrow_seed(7, SIZE_MAX) == furrow_seed(7 + (uint64_t)SIZE_MAX * step, 0));
    cr_expect(furrow_seed(0, 1) == furrow_seed(step, 0));
}
