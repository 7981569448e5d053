/* fork_soak [JOBS [SEED]]: jobs of 1000 tasks while another process kills a random
 * worker every 5 ms. Every outcome is DONE or CRASHED and every DONE is right; no
 * process, descriptor, thread or mapping is left. 1000 jobs by hand, fewer in
 * `check`. Prints its seed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 1000, WORKERS = 4 };

struct board {
    atomic_uint worker[WORKERS]; /* pid of who last began */
    atomic_uint kills, over;
    atomic_uint ran[TASKS];
};
static struct board *board;

static uint64_t draw(uint64_t *seed)
{
    *seed += 0x9E3779B97F4A7C15u;
    return furrow_seed(*seed, 0);
}

/* -- The killer ------------------------------------------------------------------ */

/* A worker may just have ended: its number is not given away so soon. */
static void kill_one(uint64_t *seed)
{
    const unsigned pid = atomic_exchange(&board->worker[draw(seed) % WORKERS], 0);

    if (pid != 0 && kill((pid_t)pid, SIGKILL) == 0)
        atomic_fetch_add(&board->kills, 1);
}

static pid_t start_killer(uint64_t seed)
{
    const struct timespec pause = { 0, 5000000 };
    const pid_t pid = fork();

    if (pid != 0)
        return pid;
    while (atomic_load(&board->over) == 0) {
        (void)nanosleep(&pause, NULL);
        kill_one(&seed);
    }
    _exit(0);
}

/* -- A job ------------------------------------------------------------------------ */

static int sign_in(int worker, const void *shared, void **state)
{
    (void)shared, (void)state;
    atomic_store(&board->worker[worker], (unsigned)getpid());
    return 0;
}

static int work(furrow_task *task)
{
    volatile uint64_t sum = 0;

    atomic_fetch_add(&board->ran[task->index], 1);
    for (uint64_t i = 0; i < 2000 + task->seed % 20000; i++)
        sum = sum + i;
    *(uint64_t *)task->out = task->seed;
    return 0;
}

static int take(const furrow_result *result, void *user)
{
    unsigned *seen = user;

    seen[result->index]++;
    return 0;
}

/* The kind of job: drawn. */
struct kind {
    bool results, ordered;
    int retries;
    size_t batch;
    uint64_t seed;
};

static struct kind kind_of(uint64_t *seed)
{
    const uint64_t bits = draw(seed);

    return (struct kind){ .results = bits & 1,
                          .ordered = (bits & 3) == 3,
                          .retries = (bits & 8) != 0 ? 2 : 0,
                          .batch = (bits & 16) != 0 ? 20 : 0,
                          .seed = bits };
}

static void check_task(size_t index, const struct kind *kind, unsigned char outcome, uint64_t out)
{
    const unsigned ran = atomic_load(&board->ran[index]);

    CHECK(outcome == FURROW_DONE || outcome == FURROW_CRASHED);
    CHECK_EQ(out, outcome == FURROW_DONE ? furrow_seed(kind->seed, index) : 7);
    CHECK(ran <= 1u + (unsigned)kind->retries);
    CHECK(outcome == FURROW_CRASHED || ran >= 1);
}

static uint64_t soak_job(const struct kind *kind)
{
    furrow_config config = fault_config(WORKERS);
    static unsigned char outcome[TASKS];
    static uint64_t out[TASKS];
    unsigned seen[TASKS] = { 0 };
    const furrow_job job = { .run = work,
                             .count = TASKS,
                             .out = out,
                             .out_size = sizeof out[0],
                             .outcome = outcome,
                             .seed = kind->seed,
                             .worker_begin = sign_in,
                             .on_result = kind->results ? take : NULL,
                             .ordered = kind->ordered,
                             .user = seen };
    furrow_report report;
    furrow_status status;

    for (size_t i = 0; i < TASKS; i++) {
        out[i] = 7;
        atomic_store(&board->ran[i], 0);
    }
    config.retries = kind->retries;
    config.batch = kind->batch;
    status = furrow_map(&job, &config, &report);
    CHECK(status == FURROW_OK || status == FURROW_EWORKER);
    CHECK_EQ(report.done + report.crashed, TASKS);
    for (size_t i = 0; i < TASKS; i++) {
        check_task(i, kind, outcome[i], out[i]);
        CHECK_EQ(seen[i], kind->results ? 1 : 0);
    }
    return report.crashed;
}

int main(int argc, char **argv)
{
    const int jobs = argc > 1 ? atoi(argv[1]) : 1000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0)
                             : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    struct census before, after;
    struct kind kind = { 0 };
    uint64_t crashed = 0;
    pid_t killer;

    printf("seed %llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    board = fault_board(sizeof *board);
    (void)soak_job(&kind); /* what the first one loads stays */
    before = fault_census();
    killer = start_killer(draw(&seed));
    for (int j = 0; j < jobs; j++) {
        kind = kind_of(&seed);
        fault_case("job %d: results %d, ordered %d, retries %d, batch %zu", j, kind.results,
                   kind.ordered, kind.retries, kind.batch);
        crashed += soak_job(&kind);
    }
    atomic_store(&board->over, 1);
    CHECK_EQ(fault_reap(killer), 0);
    after = fault_census();
    fault_case("afterwards");
    fault_same(&before, &after, 2);
    printf("%d jobs, %u kills, %llu tasks crashed\n", jobs, atomic_load(&board->kills),
           (unsigned long long)crashed);
    return fault_end();
}
