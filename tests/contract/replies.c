/* Outputs of a length that only the task knows. */
#include <stdlib.h>

#include "promises.h"

/* The bytes of a reply are a function of task and place. */
static unsigned char byte_of(size_t index, size_t place)
{
    return (unsigned char)(index * 101 + place * 13 + (place >> 10));
}

static int reply_bytes(furrow_task *task, size_t size)
{
    unsigned char *data = malloc(size + 1);
    int rc;

    if (data == NULL)
        return 99;
    for (size_t i = 0; i < size; i++)
        data[i] = byte_of(task->index, i);
    rc = furrow_task_reply(task, data, size);
    memset(data, 0, size); /* it was copied */
    free(data);
    return rc;
}

static void check_bytes(const furrow_result *result, size_t size)
{
    const unsigned char *data = result->out;
    size_t wrong = 0;

    CHECK_EQ(result->outcome, FURROW_DONE);
    if (!CHECK_EQ(result->out_size, size))
        return;
    for (size_t i = 0; i < size; i++)
        wrong += data[i] != byte_of(result->index, i);
    CHECK_EQ(wrong, 0);
}

/* -- Sizes ---------------------------------------------------------------- */

static size_t size_of(size_t index)
{
    static const size_t sizes[] = { 0, 10000000, 1, 4097, 17, 300000 };

    return sizes[index % 6];
}

static int reply_any(furrow_task *task)
{
    return reply_bytes(task, size_of(task->index));
}

static int check_any(const furrow_result *result, void *user)
{
    ++*(unsigned *)user;
    check_bytes(result, size_of(result->index));
    return 0;
}

void replies_of_any_size(const struct row *row)
{
    unsigned calls = 0;
    furrow_config config = row_config(row);
    furrow_job job = { .run = reply_any, .count = 18, .on_result = check_any, .user = &calls };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(calls, 18);
    job.ordered = true;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(calls, 36);
}

/* -- Reply or slot -------------------------------------------------------- */

static int reply_or_slot(furrow_task *task)
{
    memset(task->out, 'S', 8);
    switch (task->index % 3) {
    case 0:
        return 0;
    case 1:
        return reply_bytes(task, 21);
    default: /* a later one replaces an earlier one */
        return reply_bytes(task, 5000) || reply_bytes(task, 3);
    }
}

static int check_which(const furrow_result *result, void *user)
{
    ++*(unsigned *)user;
    if (result->index % 3 != 0)
        check_bytes(result, result->index % 3 == 1 ? 21 : 3);
    else if (CHECK_EQ(result->out_size, 8))
        CHECK(memcmp(result->out, "SSSSSSSS", 8) == 0);
    return 0;
}

void reply_replaces_slot(const struct row *row)
{
    unsigned calls = 0;
    furrow_config config = row_config(row);
    furrow_job job = { .run = reply_or_slot,
                       .count = 100,
                       .out_size = 8,
                       .on_result = check_which,
                       .user = &calls };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(calls, 100);
}

/* -- A slow consumer ------------------------------------------------------ */

enum { LARGE = 2 << 20, LIMIT = (64 << 20) / LARGE, MANY = 100 };

struct pile {
    atomic_uint given, taken; /* replies of LARGE bytes */
    atomic_uint highest;      /* given and not taken, at once */
};

static int reply_large(furrow_task *task)
{
    struct pile *pile = (struct pile *)task->shared;
    unsigned given, taken, highest = look(&pile->highest);
    int rc = reply_bytes(task, LARGE);

    given = atomic_fetch_add(&pile->given, 1) + 1;
    taken = look(&pile->taken);
    while (given > taken + highest &&
           !atomic_compare_exchange_weak(&pile->highest, &highest, given - taken))
        ;
    return rc;
}

static struct pile *pile;
static bool piles_up;

/* The first result is held until as many replies lie there as are allowed, or
 * no more come. */
static int take_slowly(const furrow_result *result, void *user)
{
    (void)user;
    check_bytes(result, LARGE);
    if (piles_up && look(&pile->taken) == 0)
        wait_up_to(1, &pile->given, LIMIT);
    atomic_fetch_add(&pile->taken, 1);
    return 0;
}

void replies_bounded(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = reply_large, .count = MANY, .on_result = take_slowly };

    pile = board(sizeof *pile);
    piles_up = row->place != IN_CALLER;
    job.shared = pile;
    config.pre_dispatch = MANY;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(look(&pile->taken), MANY);
    /* A reply on its way for each worker, and one that is being handed over. */
    CHECK_EQ(look(&pile->highest) <= LIMIT + (unsigned)row->workers + 1 ? 0 : look(&pile->highest), 0);
}

static int take_one(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    if (piles_up)
        wait_up_to(1, &pile->given, LIMIT);
    return 11;
}

void stop_while_replies_wait(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = reply_large, .count = MANY, .on_result = take_one };
    furrow_report report;

    pile = board(sizeof *pile);
    piles_up = row->place != IN_CALLER;
    job.shared = pile;
    config.pre_dispatch = MANY;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK_EQ(report.code, 11);
    check_tally(&report, NULL, MANY);
}

/* -- Nobody takes it ------------------------------------------------------ */

static int reply_to_nobody(furrow_task *task)
{
    return furrow_task_reply(task, "x", 1);
}

void reply_without_on_result(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = reply_to_nobody, .count = 3 };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK(report.failures >= 1);
    CHECK_SAYS(report.failure[0].message, "on_result");
}
