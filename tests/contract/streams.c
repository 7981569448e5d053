/* Inputs that are made one by one. */
#include <pthread.h>
#include <stdlib.h>

#include "promises.h"

enum { PLACES = 1000 };

/* Both callbacks' view; on the calling thread alone. */
struct stream {
    pthread_t caller;
    size_t length;    /* inputs there are */
    size_t made;      /* inputs made, */
    size_t handed;    /* and results handed over */
    size_t made_then; /* when the failure was handed over */
    size_t most;      /* on the way at once */
    size_t later;     /* how often next had none */
    size_t calls;     /* of next */
    int failure;      /* what next returns at the end, where < 0 */
    bool ended;       /* next has said so */
    bool in_step;     /* one at a time: none before the last result */
    unsigned times[PLACES];
};

static int make(void *in, void *user)
{
    struct stream *stream = user;
    uint64_t value = stream->made * 3;

    CHECK(pthread_equal(stream->caller, pthread_self()));
    CHECK(!stream->ended);
    stream->calls++;
    if (stream->made == stream->length) {
        stream->ended = true;
        return stream->failure < 0 ? stream->failure : FURROW_NEXT_END;
    }
    if (stream->in_step && stream->made > stream->handed) {
        stream->later++;
        return FURROW_NEXT_LATER;
    }
    memcpy(in, &value, sizeof value);
    stream->made++;
    if (stream->made - stream->handed > stream->most)
        stream->most = stream->made - stream->handed;
    return FURROW_NEXT_ONE;
}

static int take(const furrow_result *result, void *user)
{
    struct stream *stream = user;

    CHECK(pthread_equal(stream->caller, pthread_self()));
    CHECK_EQ(result->outcome, FURROW_DONE);
    if (CHECK(result->index < PLACES))
        stream->times[result->index]++;
    if (CHECK(result->out_size == sizeof(uint64_t)))
        CHECK_EQ(*(const uint64_t *)result->out, result->index * 3 + 1);
    stream->handed++;
    return 0;
}

static int use(furrow_task *task)
{
    uint64_t value;

    memcpy(&value, task->in, sizeof value);
    CHECK_EQ(value, task->index * 3);
    value++;
    memcpy(task->out, &value, sizeof value);
    return 0;
}

static struct stream stream_of(size_t length)
{
    return (struct stream){ .caller = pthread_self(), .length = length };
}

static furrow_job job_of(struct stream *stream)
{
    return (furrow_job){ .run = use,
                         .in_size = sizeof(uint64_t),
                         .out_size = sizeof(uint64_t),
                         .next = make,
                         .on_result = take,
                         .user = stream };
}

static void check_taken(const struct stream *stream, size_t count)
{
    size_t not_once = 0;

    for (size_t i = 0; i < PLACES; i++)
        not_once += stream->times[i] != (i < count);
    CHECK_EQ(not_once, 0);
    CHECK_EQ(stream->handed, count);
}

/* -- The end -------------------------------------------------------------- */

void inputs_until_end(const struct row *row)
{
    struct stream stream = stream_of(PLACES);
    furrow_job job = job_of(&stream);
    furrow_config config = row_config(row);
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, PLACES);
    CHECK_EQ(stream.calls, PLACES + 1);
    check_taken(&stream, PLACES);
    check_tally(&report, NULL, PLACES);

    stream = stream_of(PLACES);
    job.ordered = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    check_taken(&stream, PLACES);

    stream = stream_of(0);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 0);
    check_taken(&stream, 0);
}

void inputs_without_results(const struct row *row)
{
    struct stream stream = stream_of(PLACES);
    furrow_job job = job_of(&stream);
    uint64_t *out = calloc(PLACES, sizeof *out);
    furrow_config config = row_config(row);
    furrow_report report;
    size_t wrong = 0;

    job.on_result = NULL;
    job.count = PLACES;
    job.out = out;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, PLACES);
    for (size_t i = 0; i < PLACES; i++)
        wrong += out[i] != i * 3 + 1;
    CHECK_EQ(wrong, 0);
    free(out);
}

void inputs_at_most_count(const struct row *row)
{
    struct stream stream = stream_of(PLACES);
    furrow_job job = job_of(&stream);
    furrow_config config = row_config(row);
    furrow_report report;

    job.count = 10;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 10);
    CHECK_EQ(stream.made, 10);
    check_taken(&stream, 10);
    check_tally(&report, NULL, 10);
}

void inputs_end_before_count(const struct row *row)
{
    struct stream stream = stream_of(7);
    furrow_job job = job_of(&stream);
    unsigned char outcome[20];
    uint64_t out[20];
    furrow_config config = row_config(row);
    furrow_report report;

    memset(outcome, FURROW_PENDING, sizeof outcome);
    memset(out, 0x5A, sizeof out);
    job.count = 20;
    job.outcome = outcome;
    job.out = out;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    for (size_t i = 0; i < 20; i++)
        CHECK_EQ(outcome[i], i < 7 ? FURROW_DONE : FURROW_SKIPPED);
    CHECK_EQ(out[6], 19);
    CHECK(out[7] == UINT64_C(0x5A5A5A5A5A5A5A5A));
    check_taken(&stream, 7);
    check_tally(&report, outcome, 20);
}

void inputs_fail(const struct row *row)
{
    struct stream stream = stream_of(25);
    furrow_job job = job_of(&stream);
    furrow_config config = row_config(row);
    furrow_report report;

    stream.failure = -3;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK_EQ(report.code, -3);
    CHECK(report.message[0] != '\0');
    CHECK(report.done <= 25);
    CHECK_EQ(report.failed, 0);
}

/* -- None now ------------------------------------------------------------- */

static int never(void *in, void *user)
{
    (void)in;
    ++*(unsigned *)user;
    return FURROW_NEXT_LATER;
}

void later_with_nothing_in_flight(const struct row *row)
{
    unsigned calls = 0;
    furrow_config config = row_config(row);
    furrow_job job = { .run = use, .in_size = 8, .next = never, .user = &calls };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 0);
    CHECK_EQ(calls, 1);
}

void later_then_more(const struct row *row)
{
    struct stream stream = stream_of(60);
    furrow_job job = job_of(&stream);
    furrow_config config = row_config(row);
    furrow_report report;

    stream.in_step = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 60);
    CHECK_EQ(stream.most, 1);
    /* Asked again after the next result only: no polling. */
    CHECK(stream.later <= 60);
    check_taken(&stream, 60);
}

/* -- How far ahead -------------------------------------------------------- */

static void bounded(const struct row *row, const furrow_config *config, size_t most, bool ordered)
{
    struct stream stream = stream_of(PLACES);
    furrow_job job = job_of(&stream);

    (void)row;
    job.ordered = ordered;
    CHECK_STATUS(furrow_map(&job, config, NULL), FURROW_OK);
    check_taken(&stream, PLACES);
    CHECK(stream.most <= most);
}

void drawn_ahead_bounded(const struct row *row)
{
    furrow_config config = row_config(row);

    config.pre_dispatch = 1;
    bounded(row, &config, 1, false);
    config.pre_dispatch = 3;
    bounded(row, &config, 3, false);
    bounded(row, &config, 3, true);
    config.pre_dispatch = 0;
    config.batch = 5;
    bounded(row, &config, 2 * 5 * (size_t)row->workers, false);
    bounded(row, &config, 2 * 5 * (size_t)row->workers, true);
}

/* -- A failure ------------------------------------------------------------ */

static int use_some(furrow_task *task)
{
    return task->index == 30 ? 4 : use(task);
}

static int take_some(const furrow_result *result, void *user)
{
    struct stream *stream = user;

    stream->handed++;
    CHECK_EQ(result->outcome, result->index == 30 ? FURROW_FAILED : FURROW_DONE);
    if (result->outcome == FURROW_FAILED)
        stream->made_then = stream->made;
    return 0;
}

/* The failure is known to all before its result is handed over, and nothing is
 * drawn after that. How much before depends on who was faster, but for results
 * in order: with that of task 30 not handed over, at most 4 from there on. */
static void failure_ends(const struct row *row, bool ordered)
{
    struct stream stream = stream_of(PLACES);
    furrow_job job = job_of(&stream);
    furrow_config config = row_config(row);
    furrow_report report;

    config.pre_dispatch = 4;
    job.run = use_some;
    job.on_result = take_some;
    job.ordered = ordered;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.code, 4);
    CHECK_EQ(report.failed, 1);
    CHECK(stream.made_then > 30);
    CHECK_EQ(stream.made, stream.made_then);
    if (ordered)
        CHECK(stream.made <= 30 + 4);

    stream = stream_of(PLACES);
    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.done, PLACES - 1);
    CHECK_EQ(stream.handed, PLACES);
}

void failure_ends_inputs(const struct row *row)
{
    failure_ends(row, false);
    failure_ends(row, true);
}
