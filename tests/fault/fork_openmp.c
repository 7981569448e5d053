/* OpenMP in tasks of forked workers, whatever the program did before: right
 * results, no more threads than the lease, and no file of LLVM's runtime left. */
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 40, MOST = 4096 };

struct board {
    atomic_uint workers;
    atomic_uint worker[MOST]; /* pids that ran a task */
    atomic_uint nursery;
    atomic_uint widest; /* most threads seen in a region */
};
static struct board *board;

static long sum_to(long n)
{
    long sum = 0;

#pragma omp parallel for reduction(+ : sum)
    for (long i = 1; i <= n; i++)
        sum += i;
    return sum;
}

static unsigned team_size(void)
{
    unsigned n = 0;

#pragma omp parallel reduction(+ : n)
    n += 1;
    return n;
}

static int work(furrow_task *task)
{
    const unsigned team = team_size();
    unsigned widest = atomic_load(&board->widest), at = atomic_fetch_add(&board->workers, 1);

    if (at < MOST)
        atomic_store(&board->worker[at], (unsigned)getpid());
    while (team > widest && !atomic_compare_exchange_weak(&board->widest, &widest, team))
        ;
    atomic_store(&board->nursery, (unsigned)getppid());
    CHECK_EQ(team, task->cpus);
    CHECK_EQ(sum_to(1000), 500500);
    if (task->index == 17)
        (void)kill(getpid(), SIGKILL);
    return 0;
}

/* A job on so many workers with so many inner threads. */
static void job(const char *before, int workers, int inner)
{
    furrow_config config = fault_config(workers);
    const furrow_job what = { .run = work, .count = TASKS };
    furrow_report report;

    fault_case("%s, %d workers with %d threads", before, workers, inner);
    atomic_store(&board->workers, 0);
    atomic_store(&board->widest, 0);
    config.inner_threads = inner;
    CHECK_EQ(furrow_map(&what, &config, &report), FURROW_EWORKER);
    CHECK_EQ(report.done, TASKS - 1);
    CHECK_EQ(report.crashed, 1);
    CHECK_EQ(atomic_load(&board->widest), inner);
    for (unsigned i = 0; i < atomic_load(&board->workers); i++)
        CHECK(fault_unregistered((pid_t)atomic_load(&board->worker[i])));
    CHECK(fault_unregistered((pid_t)atomic_load(&board->nursery)));
}

static void jobs(const char *before)
{
    job(before, 2, 1);
    job(before, 2, 2);
    job(before, 1, 3);
}

int main(void)
{
    board = fault_board(sizeof *board);
    jobs("no region before");
    CHECK_EQ(sum_to(1000), 500500);
    jobs("a region before");
    (void)omp_pause_resource_all(omp_pause_soft);
    jobs("a region and a pause before");
    CHECK_EQ(sum_to(1000), 500500); /* and here it works as before */

    /* From the program's own region, which is no place for processes: threads. */
#pragma omp parallel num_threads(2)
    {
        furrow_config config = FURROW_CONFIG_DEFAULT;
        furrow_report report;

        config.backend = "fork";
        CHECK_EQ(furrow_plan(NULL, &config, &report), FURROW_OK);
        CHECK_SAYS(report.reason, "not fork as asked");
    }
    return fault_end();
}
