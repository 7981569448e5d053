/* Outputs in place, staged, staged and given back while the job runs, and through
 * rings, also with failures, deaths and retries; with callbacks and without. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault.h"
#include "runtime/ring.h"
#include "runtime/stage.h"

enum { SIZE = 1000, TASKS = 20000, MOST = 2 << 20 }; /* 20 MB through 2 MiB */

struct board {
    _Atomic size_t resident; /* most bytes of the stage seen in memory */
};
static struct board *board;
static bool fails, dies;
static bool rings; /* outputs go through rings */

static unsigned char byte_of(size_t index)
{
    return (unsigned char)(index % 251 + 1);
}

/* Bytes of the array around this output that are in memory, in whatever process. */
static size_t resident(const furrow_task *task)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)task->out - task->index * SIZE) & ~(page - 1);
    const size_t pages = ((size_t)TASKS * SIZE) / page - 1;
    unsigned char *in = malloc(pages);
    size_t n = 0;

    if (mincore((void *)begin, pages * page, in) == 0)
        for (size_t i = 0; i < pages; i++)
            n += in[i] & 1;
    free(in);
    return n * page;
}

static int fill(furrow_task *task)
{
    memset(task->out, byte_of(task->index), SIZE);
    if (dies && task->index % 7919 == 17 && task->attempt == 0)
        (void)kill(getpid(), SIGKILL);
    if (fails && task->index % 5003 == 3)
        return 4;
    if (!rings && task->index % 500 == 0) {
        const size_t seen = resident(task);
        size_t most = atomic_load(&board->resident);

        while (seen > most && !atomic_compare_exchange_weak(&board->resident, &most, seen))
            ;
    }
    return 0;
}

static bool filled(const unsigned char *out, size_t index, unsigned char with)
{
    for (size_t i = 0; i < SIZE; i++)
        if (out[index * SIZE + i] != with)
            return false;
    return true;
}

static void check(const unsigned char *out, const unsigned char *outcome, bool in_place)
{
    size_t wrong = 0;

    for (size_t i = 0; i < TASKS; i++)
        if (outcome[i] == FURROW_DONE)
            wrong += !filled(out, i, byte_of(i));
        else if (!in_place) /* untouched */
            wrong += !filled(out, i, 0xEE);
    CHECK_EQ(wrong, 0);
}

/* Retried, or not where outputs go through rings. */
static furrow_outcome expected(size_t index)
{
    if (dies && rings && index % 7919 == 17)
        return FURROW_CRASHED;
    return fails && index % 5003 == 3 ? FURROW_FAILED : FURROW_DONE;
}

static int take(const furrow_result *result, void *user)
{
    size_t *wrong = user;

    if (result->outcome == FURROW_DONE)
        *wrong += result->out_size != SIZE ||
                  *(const unsigned char *)result->out != byte_of(result->index);
    return 0;
}

static void run(const char *name, unsigned char *out, bool in_place, bool streamed, uint64_t most)
{
    furrow_config config = fault_config(3);
    static unsigned char outcome[TASKS];
    size_t wrong = 0;
    const furrow_job job = { .run = fill,
                             .count = TASKS,
                             .out = out,
                             .out_size = SIZE,
                             .outcome = outcome,
                             .on_result = streamed ? take : NULL,
                             .user = &wrong };
    furrow_report report;
    size_t done = 0;

    fault_case("%s%s%s%s", name, streamed ? ", streamed" : "", fails ? ", failures" : "",
               dies ? ", deaths" : "");
    memset(board, 0, sizeof *board);
    memset(out, 0xEE, (size_t)TASKS * SIZE);
    fw_stage_most = most;
    fw_ring_shape.least = rings ? 0 : SIZE_MAX;
    config.retries = dies && !rings ? 1 : 0;
    CHECK_EQ(furrow_map(&job, &config, &report), dies && rings ? FURROW_EWORKER : fails ? FURROW_ETASK : FURROW_OK);
    check(out, outcome, in_place);
    for (size_t i = 0; i < TASKS; i++) {
        CHECK_EQ(outcome[i], expected(i));
        done += outcome[i] == FURROW_DONE;
    }
    CHECK_EQ(report.done, done);
    CHECK_EQ(report.failed, fails ? (TASKS - 4) / 5003 + 1 : 0);
    CHECK_EQ(report.crashed, TASKS - done - report.failed);
    CHECK_EQ(wrong, 0);
    /* Ahead of the copy by no more than was allowed, a claim and some sheets. */
    if (!in_place && !streamed && !rings && most == MOST)
        CHECK(atomic_load(&board->resident) <= 2 * MOST + 8 * (1 << 20));
}

static void every_way(unsigned char *own, unsigned char *shared)
{
    run("staged", own, false, false, UINT64_MAX);
    run("given back", own, false, false, MOST);
    run("in slots", own, false, true, MOST);
    run("in place", shared, true, false, MOST);
    run("in place", shared, true, true, MOST);
}

/* Rings of every size, from some tasks to some thousand; what was taken is held
 * until the end, or not. */
static void every_ring(unsigned char *own)
{
    static const size_t bytes[] = { 16 * SIZE, 100 * SIZE + 1, 1 << 20 };

    rings = true;
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        fw_ring_shape.bytes = bytes[i];
        run("through rings, held", own, false, false, UINT64_MAX);
        run("through rings", own, false, false, MOST);
    }
    rings = false;
}

/* One byte before, in, and behind memory of furrow_alloc(). */
static void bounds(void)
{
    enum { FEW = 100 };
    furrow_config config = fault_config(2);
    unsigned char *memory = furrow_alloc((size_t)TASKS * SIZE + 64);
    furrow_job job = { .run = fill, .count = FEW, .out_size = SIZE };

    fault_case("part of an allocation");
    fails = dies = rings = false;
    if (!CHECK(memory != NULL))
        return;
    CHECK_EQ((uintptr_t)memory % 64, 0);
    for (size_t i = 0; i < FEW; i++)
        CHECK(filled(memory, i, 0));
    job.out = memory + 64;
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    for (size_t i = 0; i < FEW; i++)
        CHECK(filled(memory + 64, i, byte_of(i)));
    furrow_free(memory);
    furrow_free(NULL);
}

/* -- A reply that finds no room -------------------------------------------- */

enum { REPLY = 48 << 20 };

static size_t address_space(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file != NULL && fscanf(file, "%zu", &pages) == 1);
    if (file != NULL)
        (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int reply_large(furrow_task *task)
{
    struct rlimit limit;
    char *data;

    if (getrlimit(RLIMIT_AS, &limit) != 0)
        return 9;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 9;
    data = mmap(NULL, REPLY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? 9 : furrow_task_reply(task, data, REPLY) != FURROW_OK;
}

/* Only this process is to be limited: a worker lifts it. */
static int limit_caller(void *in, void *user)
{
    struct rlimit now = *(struct rlimit *)user;

    *(char *)in = 0;
    now.rlim_cur = address_space() + (16 << 20);
    CHECK_EQ(setrlimit(RLIMIT_AS, &now), 0);
    return FURROW_NEXT_ONE;
}

static int no_reply_seen(const furrow_result *result, void *user)
{
    (void)user;
    CHECK(result->out != NULL || result->out_size == 0);
    return 0;
}

static void no_room_for_reply(void)
{
    furrow_config config = fault_config(1);
    struct rlimit before;
    const furrow_job job = { .run = reply_large, .count = 1, .in_size = 1, .next = limit_caller,
                             .on_result = no_reply_seen, .user = &before };
    furrow_report report;

    fault_case("a reply that finds no room");
    CHECK_EQ(getrlimit(RLIMIT_AS, &before), 0);
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_ENOMEM);
    CHECK_EQ(setrlimit(RLIMIT_AS, &before), 0);
    CHECK_EQ(report.done, 0);
    CHECK(strstr(furrow_message(), "ulimit -v") != NULL);
}

int main(void)
{
    unsigned char *own = malloc((size_t)TASKS * SIZE), *shared = furrow_alloc((size_t)TASKS * SIZE);
    struct census before, after;

    board = fault_board(sizeof *board);
    if (!CHECK(own != NULL && shared != NULL))
        return fault_end();
    bounds();
    no_room_for_reply();
    before = fault_census();
    every_way(own, shared);
    every_ring(own);
    fails = true;
    every_way(own, shared);
    every_ring(own);
    dies = true;
    every_way(own, shared);
    every_ring(own);
    after = fault_census();
    fault_case("afterwards");
    fault_same(&before, &after, 4);
    furrow_free(shared);
    free(own);
    return fault_end();
}
