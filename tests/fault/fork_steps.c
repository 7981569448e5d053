/* A worker ends between any two steps of a claim, a steal and the end of a task:
 * for n = 1, 2, 3, ... it dies before its n-th atomic operation, until it has no
 * more. Every task has an outcome each time, none ran twice without a retry, and
 * at most one is lost. Linked with the library's second build (points.h). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/fork/table.h"
#include "fault.h"
#include "runtime/ring.h"

enum { TASKS = 24, WORKERS = 3 };

struct board {
    atomic_uint victim; /* worker that ends */
    atomic_uint at;     /* its operation; 0: none */
    atomic_uint fired;
    atomic_uint born[WORKERS]; /* times each worker was made */
    atomic_uint ran[TASKS];
};
static struct board *board;

/* -- The seam -------------------------------------------------------------------- */

static bool armed;    /* this process is the victim's first */
static unsigned step; /* its operations so far */

void fault_point(void);
void __real_fw_fork_worker(struct fw_fork_table *table, int worker, pid_t nursery);
void __wrap_fw_fork_worker(struct fw_fork_table *table, int worker, pid_t nursery);

void fault_point(void)
{
    if (!armed || ++step != atomic_load(&board->at))
        return;
    atomic_store(&board->fired, 1);
    (void)kill(getpid(), SIGKILL);
}

/* The linker leads the nursery's call here. */
void __wrap_fw_fork_worker(struct fw_fork_table *table, int worker, pid_t nursery)
{
    armed = atomic_fetch_add(&board->born[worker], 1) == 0 &&
            (unsigned)worker == atomic_load(&board->victim);
    __real_fw_fork_worker(table, worker, nursery);
}

/* -- The job ----------------------------------------------------------------------- */

static unsigned failing; /* tasks whose index it divides fail on their first try; 0: none */

static int work(furrow_task *task)
{
    atomic_fetch_add(&board->ran[task->index], 1);
    for (volatile int i = 0; i < (int)(task->index % 5) * 2000; i++)
        ;
    *(size_t *)task->out = task->index + 100;
    return failing != 0 && task->index % failing == 0 && task->attempt == 0 ? 3 : 0;
}

struct way {
    const char *name;
    size_t batch;
    int retries;
    bool results, ordered, inputs, costs, timed, rings;
    unsigned failing;
};

static const struct way ways[] = {
    { .name = "ranges" },
    { .name = "batches", .batch = 5 },
    { .name = "time limit", .timed = true },
    { .name = "dear tasks first", .costs = true },
    { .name = "rings", .rings = true },
    { .name = "rings, batches, failures", .rings = true, .batch = 3, .failing = 5 },
    { .name = "rings with a time limit", .rings = true, .timed = true },
    { .name = "retries", .retries = 2, .failing = 3 },
    { .name = "retries with a time limit", .retries = 2, .timed = true, .failing = 3, .batch = 4 },
    { .name = "results", .results = true },
    { .name = "ordered results", .results = true, .ordered = true },
    { .name = "results and retries", .results = true, .retries = 2, .failing = 3 },
    { .name = "inputs made one by one", .results = true, .inputs = true },
};

struct taken {
    unsigned seen[TASKS];
    size_t made, turn;
    bool ordered;
};

static int take(const furrow_result *result, void *user)
{
    struct taken *taken = user;

    taken->seen[result->index]++;
    if (taken->ordered)
        CHECK_EQ(result->index, taken->turn++);
    if (result->outcome == FURROW_DONE)
        CHECK_EQ(*(const size_t *)result->out, result->index + 100);
    return 0;
}

static int make(void *in, void *user)
{
    struct taken *taken = user;

    if (taken->made == TASKS)
        return FURROW_NEXT_END;
    *(size_t *)in = taken->made++;
    return FURROW_NEXT_ONE;
}

static furrow_status run(const struct way *way, unsigned char *outcome, size_t *out,
                         struct taken *taken, furrow_report *report)
{
    furrow_config config = fault_config(WORKERS);
    float cost[TASKS];
    furrow_job job = { .run = work,
                       .count = TASKS,
                       .out = out,
                       .out_size = sizeof *out,
                       .outcome = outcome,
                       .user = taken };

    for (int i = 0; i < TASKS; i++)
        cost[i] = i % 8 == 7 ? 100.0f : 1.0f;
    job.cost = way->costs ? cost : NULL;
    job.on_result = way->results ? take : NULL;
    job.ordered = way->ordered;
    job.next = way->inputs ? make : NULL;
    job.in_size = way->inputs ? sizeof(size_t) : 0;
    config.batch = way->batch;
    config.retries = way->retries;
    config.timeout = way->timed ? 30 : 0;
    failing = way->failing;
    fw_ring_shape.bytes = 4 * sizeof *out;
    fw_ring_shape.least = way->rings ? 0 : SIZE_MAX;
    *taken = (struct taken){ .ordered = way->ordered };
    return furrow_map(&job, &config, report);
}

/* One job in which the victim dies before step `at`; false: it had no such step. */
static bool dies_at(const struct way *way, unsigned victim, unsigned at)
{
    unsigned char outcome[TASKS];
    size_t out[TASKS], crashed = 0, failed = 0;
    struct taken taken;
    furrow_report report;
    furrow_status status;
    unsigned most, fired;

    fault_case("%s, worker %u, step %u", way->name, victim, at);
    memset(board, 0, sizeof *board);
    memset(out, 0xFF, sizeof out);
    atomic_store(&board->victim, victim);
    atomic_store(&board->at, at);
    status = run(way, outcome, out, &taken, &report);
    fired = atomic_load(&board->fired);
    for (size_t i = 0; i < TASKS; i++) {
        const bool fails = failing != 0 && i % failing == 0 && way->retries == 0;

        crashed += outcome[i] == FURROW_CRASHED;
        failed += outcome[i] == FURROW_FAILED;
        CHECK(outcome[i] == (fails ? FURROW_FAILED : FURROW_DONE) || outcome[i] == FURROW_CRASHED);
        CHECK_EQ(out[i], outcome[i] == FURROW_DONE ? i + 100 : SIZE_MAX);
        most = way->retries == 0 ? 1 : 1 + fired + (failing != 0 && i % failing == 0);
        CHECK(atomic_load(&board->ran[i]) <= most);
        CHECK(outcome[i] == FURROW_CRASHED || atomic_load(&board->ran[i]) >= 1);
        CHECK_EQ(taken.seen[i], way->results ? 1 : 0);
    }
    CHECK(crashed <= (way->retries == 0 ? fired : 0));
    CHECK_EQ(report.crashed, crashed);
    CHECK_EQ(report.done, TASKS - crashed - failed);
    CHECK_EQ(status, crashed > 0 ? FURROW_EWORKER : failed > 0 ? FURROW_ETASK : FURROW_OK);
    return fired != 0;
}

int main(int argc, char **argv)
{
    /* Every how many steps: each by hand; in `check` a part, another one each time. */
    const unsigned stride = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    const unsigned first = 1 + (unsigned)getpid() % stride;
    unsigned deaths = 0;

    board = fault_board(sizeof *board);
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
        for (unsigned victim = 0; victim < 2; victim++) {
            unsigned missed = 0, at = first;

            /* How many steps there are depends on who was faster. */
            for (; missed < 5; at += stride)
                if (dies_at(&ways[w], victim, at))
                    deaths++, missed = 0;
                else
                    missed++;
        }
    fault_case("all");
    CHECK(deaths > 100);
    return fault_end();
}
