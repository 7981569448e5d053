/* furrow_for(): which indices, where, and how it ends. */
#include <stdlib.h>

#include "promises.h"

/* Loops write the caller's memory: a process backend is replaced. */
static furrow_config loop_config(const struct row *row)
{
    furrow_config config = row_config(row);

    config.strict = row->place != PROCESSES;
    return config;
}

/* -- Each index once ------------------------------------------------------ */

static void hit(size_t begin, size_t end, void *user)
{
    atomic_uint *hits = user;

    CHECK(begin < end);
    for (size_t i = begin; i < end; i++)
        atomic_fetch_add(&hits[i], 1);
}

static void hit_each(const struct row *row, size_t count, size_t batch)
{
    atomic_uint *hits = calloc(count, sizeof *hits);
    furrow_config config = loop_config(row);
    size_t not_once = 0;

    config.batch = batch;
    CHECK_STATUS(furrow_for(count, hit, hits, &config), FURROW_OK);
    for (size_t i = 0; i < count; i++)
        not_once += look(&hits[i]) != 1;
    CHECK_EQ(not_once, 0);
    free(hits);
}

void loop_each_index_once(const struct row *row)
{
    static const size_t counts[] = { 1, 2, 3, 7, 63, 1001, 99991, 1000003 };

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        hit_each(row, counts[i], 0);
        hit_each(row, counts[i], 5);
    }
}

static void unexpected(size_t begin, size_t end, void *user)
{
    (void)begin, (void)end, (void)user;
    CHECK(!"a range of a loop without indices");
}

void loop_of_nothing(const struct row *row)
{
    furrow_config config = loop_config(row);

    CHECK_STATUS(furrow_for(0, unexpected, NULL, &config), FURROW_OK);
}

/* Over the ranges that were run: lengths, and differences of squares, which
 * tell ranges that miss and overlap by as much (mod 2^64). */
struct sums {
    _Atomic uint64_t indices, squares;
};

static void add(size_t begin, size_t end, void *user)
{
    struct sums *sums = user;

    atomic_fetch_add(&sums->indices, end - begin);
    atomic_fetch_add(&sums->squares, (uint64_t)end * end - (uint64_t)begin * begin);
}

void loop_beyond_32_bits(const struct row *row)
{
    const size_t count = ((size_t)1 << 32) + 5;
    struct sums sums = { 0, 0 };
    furrow_config config = loop_config(row);

    CHECK_STATUS(furrow_for(count, add, &sums, &config), FURROW_OK);
    CHECK_EQ(sums.indices, count);
    CHECK_EQ(sums.squares, (uint64_t)count * count);
}

/* -- All workers ---------------------------------------------------------- */

struct crowd {
    atomic_uint there;
    unsigned workers;
};

static void meet(size_t begin, size_t end, void *user)
{
    struct crowd *crowd = user;

    (void)begin, (void)end;
    if (atomic_fetch_add(&crowd->there, 1) < crowd->workers)
        CHECK(wait_until(&crowd->there, crowd->workers));
}

void loop_on_all_workers(const struct row *row)
{
    struct crowd crowd = { 0, (unsigned)row->workers };
    furrow_config config = loop_config(row);

    CHECK_STATUS(furrow_for(1000, meet, &crowd, &config), FURROW_OK);
    CHECK(look(&crowd.there) >= crowd.workers);
}

/* Very short loops: workers find nothing to do at the same time as others. */
void loops_end(const struct row *row)
{
    enum { LOOPS = CONTRACT_SANITIZED ? 500 : 1500 };
    struct sums sums = { 0, 0 };
    furrow_config config = loop_config(row);
    uint64_t indices = 0;

    config.batch = 1;
    for (size_t i = 0; i < LOOPS; i++) {
        CHECK_STATUS(furrow_for(i % 50 + 1, add, &sums, &config), FURROW_OK);
        indices += i % 50 + 1;
    }
    CHECK_EQ(sums.indices, indices);
}

/* -- In a task, and around one -------------------------------------------- */

static int sum_in_task(furrow_task *task)
{
    struct sums sums = { 0, 0 };

    CHECK_STATUS(furrow_for(1000 + task->index, add, &sums, NULL), FURROW_OK);
    CHECK_EQ(sums.indices, 1000 + task->index);
    return 0;
}

static void sum_in_body(size_t begin, size_t end, void *user)
{
    const struct row *row = user;

    CHECK_EQ(furrow_level(), row->place == IN_CALLER ? 0 : 1);
    for (size_t i = begin; i < end; i++) {
        struct sums sums = { 0, 0 };

        CHECK_STATUS(furrow_for(i + 1, add, &sums, NULL), FURROW_OK);
        CHECK_EQ(sums.indices, i + 1);
    }
}

void loops_nest(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = sum_in_task, .count = 60 };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    config = loop_config(row);
    CHECK_STATUS(furrow_for(60, sum_in_body, (void *)row, &config), FURROW_OK);
}

/* -- Stops ---------------------------------------------------------------- */

enum { LONG = 1000000 };
static atomic_uint *long_hits;

static void cancel_early(size_t begin, size_t end, void *user)
{
    hit(begin, end, long_hits);
    atomic_fetch_add((atomic_uint *)user, (unsigned)(end - begin));
    furrow_cancel();
}

void loop_cancelled(const struct row *row)
{
    atomic_uint ran = 0;
    furrow_config config = loop_config(row);
    size_t twice = 0;

    long_hits = calloc(LONG, sizeof *long_hits);
    CHECK_STATUS(furrow_for(LONG, cancel_early, &ran, &config), FURROW_ECANCELLED);
    CHECK(furrow_message()[0] != '\0');
    CHECK(look(&ran) > 0 && look(&ran) < LONG);
    for (size_t i = 0; i < LONG; i++)
        twice += look(&long_hits[i]) > 1;
    CHECK_EQ(twice, 0);
    free(long_hits);
    hit_each(row, 1001, 0);
}

/* -- What is refused ------------------------------------------------------ */

void loop_refusals(const struct row *row)
{
    furrow_config config = row_config(row);

    CHECK_STATUS(furrow_for(5, NULL, NULL, &config), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "body");
    CHECK_SAYS(furrow_message(), "NULL");
    if (row->place == PROCESSES) {
        CHECK_STATUS(furrow_for(5, unexpected, NULL, &config), FURROW_EBACKEND);
        CHECK_SAYS(furrow_message(), row->backend);
        CHECK_SAYS(furrow_message(), "memory");
    }
    config.strict = false;
    config.jobs = 0;
    CHECK_STATUS(furrow_for(5, unexpected, NULL, &config), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "jobs");
    config.jobs = 2;
    config.backend = "nosuch";
    CHECK_STATUS(furrow_for(5, unexpected, NULL, &config), FURROW_EBACKEND);
    CHECK_SAYS(furrow_message(), "nosuch");
    hit_each(row, 1001, 0);
}
