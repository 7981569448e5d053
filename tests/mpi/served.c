/* A program that knows nothing of MPI but three calls: the other ranks serve. */
#include <signal.h>

#include "ranks.h"

enum { COUNT = 5000 };

static double in[COUNT], out[COUNT];
static unsigned char outcome[COUNT];
static int set_by_main;

struct constants {
    double factor;
    char text[24];
};

static int begin_worker(int worker, const void *shared, void **state)
{
    static double made;

    (void)worker;
    made = ((const struct constants *)shared)->factor + 1;
    *state = &made;
    return 0;
}

static int use_state(furrow_task *task)
{
    const struct constants *constants = task->shared;

    if (strcmp(constants->text, "by value") != 0)
        return 4;
    *(double *)task->out = *(const double *)task->in * *(double *)task->state;
    return 0;
}

static void arrays_travel(void)
{
    const struct constants constants = { 2, "by value" };
    furrow_job job = { .name = "served", .run = use_state, .count = COUNT, .in = in, .in_size = sizeof *in,
                       .out = out, .out_size = sizeof *out, .shared = &constants, .shared_size = sizeof constants,
                       .outcome = outcome, .worker_begin = begin_worker };
    furrow_report report;
    size_t bad = 0;

    for (size_t i = 0; i < COUNT; i++)
        in[i] = (double)i;
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK); /* names nothing */
    CHECK(strcmp(report.backend, ranks > 1 ? "mpi" : "openmp") == 0 || ranks == 1);
    CHECK(ranks == 1 || report.workers >= 2);
    for (size_t i = 0; i < COUNT; i++)
        bad += out[i] < 3 * in[i] || out[i] > 3 * in[i] || outcome[i] != FURROW_DONE;
    CHECK(bad == 0);
}

static size_t handed, elsewhere;

static int take(const furrow_result *result, void *user)
{
    (void)user;
    handed++;
    elsewhere += result->worker > 0;
    if (result->out_size != result->index % 1000 || (result->out_size > 0 && *(const char *)result->out != 'x'))
        return 1;
    return 0;
}

static int reply(furrow_task *task)
{
    char text[1000];

    memset(text, 'x', sizeof text);
    spend(0.0001);
    return furrow_task_reply(task, text, task->index % 1000);
}

static void replies_come_back(void)
{
    furrow_job job = { .run = reply, .count = 2000, .on_result = take };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK(handed == 2000);
    CHECK(ranks == 1 || elsewhere > 0);
}

static int see_address(furrow_task *task)
{
    return *(const int *)task->shared == 17 ? 0 : 5;
}

static void addresses_stay(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = see_address, .count = 100, .shared = &set_by_main };
    furrow_report report;

    set_by_main = 17;
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK(strcmp(report.backend, "mpi") != 0);
    if (ranks == 1)
        return;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EBACKEND);
    CHECK_SAYS(report.message, "job.shared");
}

static int fail_or_crash(furrow_task *task)
{
    if (task->index == 30)
        raise(SIGKILL);
    return task->index == 60 ? furrow_task_fail(task, 3, "sixty") : 0;
}

static void failures_come_back(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = fail_or_crash, .count = 100, .isolate = true, .outcome = outcome };
    furrow_report report;

    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK(report.crashed == 1 && report.failed == 1 && report.done == 98);
    CHECK(outcome[30] == FURROW_CRASHED && outcome[60] == FURROW_FAILED);
    job.run = NULL;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EINVAL);
    arrays_travel();
}

static void loops_are_local(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = see_address, .count = 4, .shared = &set_by_main, .shared_memory = true };

    config.strict = false;
    config.jobs = 1;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    if (rank == 0)
        set_by_main = 1;
    CHECK_STATUS(furrow_mpi_serve(), FURROW_OK);
    if (!CHECK(rank == 0)) /* the others never come here */
        return 1;
    arrays_travel();
    replies_come_back();
    addresses_stay();
    failures_come_back();
    loops_are_local();
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    return wrong > 0;
}
