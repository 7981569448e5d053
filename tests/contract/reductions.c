/* furrow_reduce(): the result, its bits, and how it ends. */
#include <stdlib.h>

#include "promises.h"

/* -- Order ---------------------------------------------------------------- */

/* x -> a x + b modulo 2^64, composed from left to right: does not commute. */
struct affine {
    uint64_t a, b;
};
static const struct affine identity = { 1, 0 };

static struct affine then(struct affine f, struct affine g)
{
    return (struct affine){ f.a * g.a, f.b * g.a + g.b };
}

static struct affine map_of(size_t index)
{
    return (struct affine){ furrow_seed(1, index) | 1, furrow_seed(2, index) };
}

static int fold_maps(size_t begin, size_t end, void *acc, const void *shared)
{
    struct affine *sum = acc;

    (void)shared;
    CHECK(begin < end);
    for (size_t i = begin; i < end; i++)
        *sum = then(*sum, map_of(i));
    return 0;
}

static void join_maps(void *acc, const void *later, const void *shared)
{
    struct affine *sum = acc;

    (void)shared;
    *sum = then(*sum, *(const struct affine *)later);
}

static void reduce_maps(const struct row *row, size_t count, size_t grain, size_t batch)
{
    struct affine want = identity, result = identity;
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .count = count,
                                   .fold = fold_maps,
                                   .combine = join_maps,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = grain };
    furrow_report report;

    config.batch = batch;
    for (size_t i = 0; i < count; i++)
        want = then(want, map_of(i));
    CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_OK);
    CHECK(result.a == want.a && result.b == want.b);
    CHECK_TEXT(report.backend, row->backend);
    CHECK_TEXT(report.message, "");
}

void reduction_in_order(const struct row *row)
{
    static const size_t counts[] = { 1, 2, 5, 100, 4097, 20011 },
                        grains[] = { 0, 1, 3, 64, 100000 };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t j = 0; j < sizeof grains / sizeof *grains; j++)
            reduce_maps(row, counts[i], grains[j], j == 3 ? 5 : 0);
}

/* -- Bits ----------------------------------------------------------------- */

enum { TERMS = 30011 };

static double term(size_t index)
{
    return 1.0 / (double)(index + 1) - 1e-7 * (double)(furrow_seed(7, index) >> 40);
}

static int fold_terms(size_t begin, size_t end, void *acc, const void *shared)
{
    double *sum = acc;

    (void)shared;
    for (size_t i = begin; i < end; i++)
        *sum += term(i);
    return 0;
}

static void join_terms(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(double *)acc += *(const double *)later;
}

/* Blocks of `grain`, each from 0, joined with their neighbours until one is left. */
static double sum_by_the_rule(size_t grain)
{
    size_t blocks = (TERMS + grain - 1) / grain;
    double *sum = calloc(blocks, sizeof *sum), result;

    for (size_t i = 0; i < blocks; i++)
        fold_terms(i * grain, (i + 1) * grain < TERMS ? (i + 1) * grain : TERMS, &sum[i], NULL);
    for (; blocks > 1; blocks = (blocks + 1) / 2) {
        for (size_t i = 0; i < blocks / 2; i++)
            sum[i] = sum[2 * i] + sum[2 * i + 1];
        if (blocks % 2 != 0)
            sum[blocks / 2] = sum[blocks - 1];
    }
    result = sum[0];
    free(sum);
    return result;
}

static void same_sum(const char *backend, int jobs, size_t batch, size_t grain, double want)
{
    double result = 0;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_reduction reduction = { .count = TERMS,
                                   .fold = fold_terms,
                                   .combine = join_terms,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = grain };

    config.backend = backend;
    config.jobs = jobs;
    config.batch = batch;
    config.strict = true;
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_OK);
    CHECK(memcmp(&result, &want, sizeof result) == 0);
}

void reduction_same_bits(const struct row *row)
{
    static const size_t batches[] = { 0, 250, 500 }, grains[] = { 0, 1, 7, 1000, TERMS };

    for (size_t g = 0; g < 5; g++) {
        /* 0: count / 4096, rounded up */
        double want = sum_by_the_rule(grains[g] > 0 ? grains[g] : (TERMS + 4095) / 4096);

        for (size_t b = 0; b < 3; b++) {
            same_sum("sequential", 1, batches[b], grains[g], want);
            same_sum("openmp", 2, batches[b], grains[g], want);
            same_sum("openmp", 3, batches[b], grains[g], want);
            same_sum(row->backend, row->workers, batches[b], grains[g], want);
            same_sum(row->backend, 1, batches[b], grains[g], want);
        }
    }
}

/* -- Blocks --------------------------------------------------------------- */

struct blocks {
    size_t count, grain;
    atomic_uint folded;
    atomic_uint odd; /* calls with other bounds */
};

static int fold_block(size_t begin, size_t end, void *acc, const void *shared)
{
    struct blocks *blocks = (struct blocks *)shared;
    size_t last = begin + blocks->grain < blocks->count ? begin + blocks->grain : blocks->count;

    *(uint64_t *)acc += end - begin;
    atomic_fetch_add(&blocks->folded, 1);
    if (begin % blocks->grain != 0 || end != last)
        atomic_fetch_add(&blocks->odd, 1);
    return 0;
}

/* `shared` has the address of a board, which is the same in all processes. */
static int fold_block_on_board(size_t begin, size_t end, void *acc, const void *shared)
{
    return fold_block(begin, end, acc, *(const void *const *)shared);
}

static void join_counts(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(uint64_t *)acc += *(const uint64_t *)later;
}

static void fold_blocks(const struct row *row, size_t count, size_t grain, size_t blocks_want)
{
    struct blocks *blocks = board(sizeof *blocks);
    uint64_t result = 0;
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .count = count,
                                   .fold = fold_block_on_board,
                                   .combine = join_counts,
                                   .result = &result,
                                   .size = sizeof result,
                                   .shared = &blocks,
                                   .shared_size = sizeof blocks,
                                   .grain = grain };

    blocks->count = count;
    blocks->grain = grain > 0 ? grain : (count + 4095) / 4096;
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_OK);
    CHECK_EQ(result, count);
    CHECK_EQ(look(&blocks->folded), blocks_want);
    CHECK_EQ(look(&blocks->odd), 0);
}

void reduction_blocks(const struct row *row)
{
    fold_blocks(row, 1000, 10, 100);
    fold_blocks(row, 1001, 10, 101);
    fold_blocks(row, 7, 10, 1);
    fold_blocks(row, 4096, 0, 4096);
    fold_blocks(row, 4097, 0, 2049);
    fold_blocks(row, ((size_t)1 << 32) + 5, 0, 4096);
    fold_blocks(row, ((size_t)1 << 32) + 5, (size_t)1 << 30, 5);
}

void reduction_of_nothing(const struct row *row)
{
    struct affine result = { 17, 4 };
    furrow_config config = row_config(row);
    furrow_reduction reduction = {
        .fold = fold_maps, .combine = join_maps, .result = &result, .size = sizeof result
    };

    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_OK);
    CHECK(result.a == 17 && result.b == 4);
}

/* -- Sizes ---------------------------------------------------------------- */

struct size {
    size_t bytes;
    size_t align;
};

static int fold_bytes(size_t begin, size_t end, void *acc, const void *shared)
{
    const struct size *size = shared;
    unsigned char *bytes = acc;

    CHECK_EQ((uintptr_t)acc % size->align, 0);
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < size->bytes; j++)
            bytes[j] = (unsigned char)(bytes[j] + i + j);
    return 0;
}

static void join_bytes(void *acc, const void *later, const void *shared)
{
    const struct size *size = shared;
    unsigned char *bytes = acc;

    CHECK_EQ((uintptr_t)acc % size->align, 0);
    CHECK_EQ((uintptr_t)later % size->align, 0);
    for (size_t j = 0; j < size->bytes; j++)
        bytes[j] = (unsigned char)(bytes[j] + ((const unsigned char *)later)[j]);
}

static void reduce_bytes(const struct row *row, struct size size)
{
    enum { INDICES = 501, GUARD = 0x5A };
    unsigned char *result = calloc(size.bytes + 1, 1);
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .count = INDICES,
                                   .fold = fold_bytes,
                                   .combine = join_bytes,
                                   .result = result,
                                   .size = size.bytes,
                                   .shared = &size,
                                   .shared_size = sizeof size,
                                   .grain = 4 };
    size_t wrong = 0;

    result[size.bytes] = GUARD;
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_OK);
    for (size_t j = 0; j < size.bytes; j++)
        wrong += result[j] != (unsigned char)(INDICES * (INDICES - 1) / 2 + INDICES * j);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(result[size.bytes], GUARD);
    free(result);
}

void reduction_sizes(const struct row *row)
{
    static const struct size sizes[] = { { 1, 1 },     { 3, 1 },    { 6, 2 },   { 12, 4 },
                                         { 16, 16 },   { 24, 8 },   { 48, 16 }, { 100, 4 },
                                         { 4096, 16 }, { 10007, 1 } };

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        reduce_bytes(row, sizes[i]);
}

/* -- Failures ------------------------------------------------------------- */

static int fold_badly(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)shared;
    memset(acc, 0xEE, sizeof(struct affine));
    return begin <= 500 && end > 500 ? 77 : 0;
}

static void check_untouched(const struct affine *result)
{
    CHECK(result->a == 1 && result->b == 0);
}

void reduction_fails(const struct row *row)
{
    struct affine result = identity;
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .name = "series",
                                   .count = 1000,
                                   .fold = fold_badly,
                                   .combine = join_maps,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = 10 };
    furrow_report report;

    for (int going = 0; going < 2; going++) {
        config.keep_going = going;
        CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_ETASK);
        CHECK_EQ(report.status, FURROW_ETASK);
        CHECK_EQ(report.code, 77);
        CHECK_EQ(report.failed, 1);
        CHECK_SAYS(report.message, "77");
        CHECK_SAYS(report.message, "series");
        CHECK_TEXT(furrow_message(), report.message);
        check_untouched(&result);
    }
    reduce_maps(row, 5000, 7, 0);
}

static int fold_second_time(size_t begin, size_t end, void *acc, const void *shared)
{
    atomic_uint *failed = *(atomic_uint *const *)shared;

    fold_maps(begin, end, acc, NULL);
    return begin % 3 == 0 && atomic_fetch_add(&failed[begin], 1) == 0 ? 5 : 0;
}

void reduction_retried(const struct row *row)
{
    enum { INDICES = 300 };
    atomic_uint *failed = board(INDICES * sizeof *failed);
    struct affine want = identity, result = identity;
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .count = INDICES,
                                   .fold = fold_second_time,
                                   .combine = join_maps,
                                   .result = &result,
                                   .size = sizeof result,
                                   .shared = &failed,
                                   .shared_size = sizeof failed,
                                   .grain = 4 };
    furrow_report report;

    config.retries = 1;
    for (size_t i = 0; i < INDICES; i++)
        want = then(want, map_of(i));
    CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_OK);
    CHECK(result.a == want.a && result.b == want.b);
    CHECK_EQ(report.retried, 25);
}

static int fold_and_cancel(size_t begin, size_t end, void *acc, const void *shared)
{
    if (begin == 0)
        furrow_cancel();
    return fold_maps(begin, end, acc, shared);
}

void reduction_cancelled(const struct row *row)
{
    struct affine result = identity;
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .count = 5000,
                                   .fold = fold_and_cancel,
                                   .combine = join_maps,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = 2 };

    if (row->place == PROCESSES) {
        skip("a fold is in another process than the job");
        return;
    }
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_ECANCELLED);
    check_untouched(&result);
    reduce_maps(row, 5000, 7, 0);
}

/* -- Nested --------------------------------------------------------------- */

static int reduce_in_task(furrow_task *task)
{
    uint64_t result = 0;
    struct blocks blocks = { .count = 900, .grain = 30 };
    furrow_reduction reduction = { .count = 900,
                                   .fold = fold_block,
                                   .combine = join_counts,
                                   .result = &result,
                                   .size = sizeof result,
                                   .shared = &blocks,
                                   .grain = 30 };

    CHECK_STATUS(furrow_reduce(&reduction, NULL, NULL), FURROW_OK);
    CHECK_EQ(result, 900);
    *(uint64_t *)task->out = result;
    return 0;
}

void reduction_in_a_task(const struct row *row)
{
    uint64_t out[40] = { 0 };
    furrow_config config = row_config(row);
    furrow_job job = { .run = reduce_in_task, .count = 40, .out = out, .out_size = sizeof *out };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    for (int i = 0; i < 40; i++)
        CHECK_EQ(out[i], 900);
}

/* -- What is refused ------------------------------------------------------ */

static int fold_unexpected(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)begin, (void)end, (void)acc, (void)shared;
    CHECK(!"a fold of a reduction that was refused");
    return 0;
}

static void refuse_reduction(const furrow_config *config, const furrow_reduction *reduction,
                             const char *field)
{
    furrow_report report;

    CHECK_STATUS(furrow_reduce(reduction, config, &report), FURROW_EINVAL);
    CHECK_EQ(report.status, FURROW_EINVAL);
    CHECK_SAYS(report.message, field);
    CHECK_TEXT(furrow_message(), report.message);
    CHECK_TEXT(report.backend, "none");
}

void reduction_refusals(const struct row *row)
{
    struct affine result = identity;
    furrow_config config = row_config(row);
    const furrow_reduction good = { .count = 10,
                                    .fold = fold_unexpected,
                                    .combine = join_maps,
                                    .result = &result,
                                    .size = sizeof result };
    furrow_reduction bad;

    refuse_reduction(&config, NULL, "reduction is NULL");
    bad = good, bad.fold = NULL;
    refuse_reduction(&config, &bad, "fold is NULL");
    bad = good, bad.combine = NULL;
    refuse_reduction(&config, &bad, "combine is NULL");
    bad = good, bad.result = NULL;
    refuse_reduction(&config, &bad, "result is NULL");
    bad = good, bad.size = 0;
    refuse_reduction(&config, &bad, "size is 0");
    bad = good, bad.shared_size = 8;
    refuse_reduction(&config, &bad, "shared_size is 8");
    for (int i = 0; i < 4; i++) {
        bad = good, bad.reserved[i] = 3;
        refuse_reduction(&config, &bad, "] is 3");
    }
    config.retries = -1;
    refuse_reduction(&config, &good, "retries is -1");
    check_untouched(&result);
}
