/* Jobs that all ranks start: whose arrays, what comes back where, and that every
 * rank learns the same. Runs on any number of ranks and hosts. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "ranks.h"

enum { COUNT = 20000 };

static double in[COUNT], out[COUNT];
static unsigned char outcome[COUNT];

static int scale(furrow_task *task)
{
    *(double *)task->out = *(const double *)task->in * *(const double *)task->shared;
    return 0;
}

static furrow_job scaling(const double *factor)
{
    for (size_t i = 0; i < COUNT; i++) {
        in[i] = rank == 0 ? (double)i : -1; /* rank 0's count */
        out[i] = -7;
        outcome[i] = 99;
    }
    return (furrow_job){ .name = "scaling", .run = scale, .count = COUNT, .in = in, .in_size = sizeof *in,
                         .out = out, .out_size = sizeof *out, .shared = factor, .shared_size = sizeof *factor,
                         .outcome = outcome };
}

static size_t not_scaled(double factor)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT; i++)
        n += out[i] < (double)i * factor || out[i] > (double)i * factor;
    return n;
}

static size_t not_done(void)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT; i++)
        n += outcome[i] != FURROW_DONE;
    return n;
}

static void arrays_of_rank_0(void)
{
    const double factor = rank == 0 ? 3.0 : 5.0;
    furrow_config config = on_mpi();
    furrow_job job = scaling(&factor);
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(report.done == COUNT);
    CHECK(strcmp(report.backend, "mpi") == 0);
    CHECK(report.workers >= (ranks < 2 ? 1 : ranks));
    CHECK(not_done() == 0);
    CHECK(rank > 0 ? not_scaled(3) == COUNT : not_scaled(3) == 0);

    job = scaling(&factor);
    job.everywhere = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(not_scaled(3) == 0);
    CHECK(not_done() == 0);

    job = scaling(&factor);
    job.everywhere = true;
    job.outcome = NULL;
    if (rank > 0) { /* rank 0 has them */
        job.in = NULL;
        job.count = 0;
    }
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(not_scaled(3) == 0);
}

/* Each of these makes the last rank differ; all get the same answer. */
static void different(const char *what, furrow_job *job, furrow_config *config)
{
    char name[40];
    furrow_report report;

    snprintf(name, sizeof name, "rank %d (", ranks - 1);
    CHECK_STATUS(furrow_map(job, config, &report), FURROW_EINVAL);
    CHECK_SAYS(report.message, what);
    CHECK_SAYS(report.message, name);
    CHECK_SAYS(furrow_message(), name);
}

static int scale_otherwise(furrow_task *task)
{
    *(double *)task->out = -*(const double *)task->in;
    return 0;
}

static void differences_are_told(void)
{
    const bool last = rank == ranks - 1;
    const double factor = 1;
    furrow_config config = on_mpi();
    furrow_job job;

    if (ranks == 1)
        return;
#define DIFFERENT(what, change)                                                                    \
    do {                                                                                           \
        job = scaling(&factor);                                                                    \
        config = on_mpi();                                                                         \
        if (last) {                                                                                \
            change;                                                                                \
        }                                                                                          \
        different(what, &job, &config);                                                            \
    } while (0)
    DIFFERENT("job.count", job.count = COUNT - 1);
    DIFFERENT("job.name", job.name = "another");
    DIFFERENT("job.name", job.name = NULL);
    DIFFERENT("job.run", job.run = scale_otherwise);
    DIFFERENT("job.run", job.run = NULL);
    DIFFERENT("job.in_size", job.in_size = 4);
    DIFFERENT("job.shared_size", job.shared_size = 4);
    DIFFERENT("job.isolate", job.isolate = true);
    DIFFERENT("config.jobs", config.jobs = 77);
    DIFFERENT("config.jobs", config.jobs = 0);
    DIFFERENT("config.timeout", config.timeout = 3);
    DIFFERENT("job.reserved", job.reserved[1] = 5);
    DIFFERENT("config.retries", config.retries = -1);
#undef DIFFERENT
    if (last)
        CHECK_STATUS(furrow_map(NULL, &config, NULL), FURROW_EINVAL);
    else
        CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    arrays_of_rank_0(); /* and the next job works */
}

/* -- Failures ------------------------------------------------------------- */

static int fail_one(furrow_task *task)
{
    spend(0.0002);
    return task->index == 77 ? furrow_task_fail(task, 9, "no luck at %zu", task->index) : 0;
}

static void failures_reach_all(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .name = "unlucky", .run = fail_one, .count = 2000, .outcome = outcome };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK(report.code == 9 && report.failed == 1 && report.failures == 1);
    CHECK_SAYS(report.message, "no luck at 77");
    CHECK(report.done + report.failed + report.skipped == 2000);
    CHECK(report.skipped > 0);
    CHECK(outcome[77] == FURROW_FAILED);
    config.keep_going = true;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK(report.done == 1999);
}

static int refuse_on_last(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared;
    *state = NULL;
    return rank == ranks - 1 ? 33 : 0;
}

static int sleep_a_little(furrow_task *task)
{
    (void)task;
    spend(0.001);
    return 0;
}

static void begin_fails_on_one_rank(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = sleep_a_little, .count = 2000, .worker_begin = refuse_on_last };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK(report.code == 33);
    CHECK_SAYS(report.message, "worker_begin returned 33");
}

static int cancel_on_last(furrow_task *task)
{
    spend(0.001);
    if (rank == ranks - 1)
        furrow_cancel();
    (void)task;
    return 0;
}

static void cancelled_on_one_rank(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = cancel_on_last, .count = 5000 };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK(report.skipped > 0);
}

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

static void *cancel_again_and_again(void *over)
{
    while (atomic_load((atomic_int *)over) == 0) {
        furrow_cancel();
        (void)sched_yield();
    }
    return NULL;
}

/* The last rank cancels until its own call has returned: also when the others
 * have seen the end of the job, and begin the next one. */
static void late_cancels_stop_no_later_job(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = nothing, .count = (size_t)ranks };
    furrow_report report;

    for (int round = 0; round < 100; round++) {
        atomic_int over = 0;
        pthread_t canceller;
        const bool cancels =
            rank == ranks - 1 && CHECK(pthread_create(&canceller, NULL, cancel_again_and_again, &over) == 0);
        const furrow_status status = furrow_map(&job, &config, &report);

        atomic_store(&over, 1);
        if (cancels)
            (void)pthread_join(canceller, NULL);
        CHECK(status == FURROW_OK || status == FURROW_ECANCELLED);
        CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
        CHECK(report.done == (size_t)ranks);
    }
}

/* -- Callbacks ------------------------------------------------------------ */

static size_t handed, due, made, elsewhere;

static int take_in_order(const furrow_result *result, void *user)
{
    handed++;
    elsewhere += result->worker > 0;
    if (result->index != due++ || *(const double *)result->out < 2.0 * (double)result->index ||
        *(const double *)result->out > 2.0 * (double)result->index)
        ++*(int *)user;
    return 0;
}

static int make(void *input, void *user)
{
    (void)user;
    if (made == 3000)
        return FURROW_NEXT_END;
    *(double *)input = (double)made++;
    return FURROW_NEXT_ONE;
}

static int stop_at_500(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return ++handed == 500 ? 21 : 0;
}

static int double_it(furrow_task *task)
{
    *(double *)task->out = 2.0 * *(const double *)task->in;
    spend(0.0001);
    return 0;
}

static void callbacks_are_rank_0s(void)
{
    int bad = 0;
    furrow_config config = on_mpi();
    furrow_job job = { .name = "made", .run = double_it, .in_size = sizeof(double), .out_size = sizeof(double),
                       .next = make, .on_result = take_in_order, .user = &bad, .ordered = true };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(report.done == 3000 && bad == 0);
    CHECK(handed == (rank == 0 ? 3000u : 0u));
    CHECK(rank > 0 || ranks == 1 || elsewhere > 0);

    handed = made = 0;
    job.on_result = stop_at_500;
    job.ordered = false;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ECANCELLED);
    CHECK(report.code == 21 && report.done == 500);
    CHECK_SAYS(report.message, "on_result");
}

/* A rank in a long task holds up nobody. */
static int one_long(furrow_task *task)
{
    spend(task->index == 0 ? 0.5 : 0.002);
    return 0;
}

static int count_result(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    handed++;
    return 0;
}

static void long_task_holds_up_nobody(bool results)
{
    furrow_config config = on_mpi();
    furrow_job job = { .name = "long", .run = one_long, .count = 200, .on_result = results ? count_result : NULL };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(report.done == 200);
}

/* -- Forked workers --------------------------------------------------------- */

static int crash_some(furrow_task *task)
{
    *(double *)task->out = (double)task->index;
    if (task->index % 50 == 7)
        raise(SIGKILL);
    return 0;
}

static int hang_once(furrow_task *task)
{
    while (task->index == 3)
        pause();
    return 0;
}

static void crash_costs_its_task(bool results)
{
    furrow_config config = on_mpi();
    furrow_job job = { .name = "crashing", .run = crash_some, .count = 200, .out = out, .out_size = sizeof *out,
                       .outcome = outcome, .isolate = true, .on_result = results ? count_result : NULL };
    furrow_report report;

    config.keep_going = true;
    for (size_t i = 0; i < 200; i++)
        out[i] = -7;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EWORKER);
    CHECK(report.crashed == 4 && report.done == 196);
    for (size_t i = 0; i < 200; i++) {
        CHECK(outcome[i] == (i % 50 == 7 ? FURROW_CRASHED : FURROW_DONE));
        CHECK(rank > 0 || (i % 50 == 7 ? out[i] < -6 : out[i] >= (double)i && out[i] <= (double)i));
    }
}

static void hang_ends_at_its_limit(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .name = "hanging", .run = hang_once, .count = 100 };
    furrow_report report;

    config.keep_going = true;
    config.timeout = 0.1;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETIMEDOUT);
    CHECK(report.timed_out == 1 && report.done == 99);
}

/* -- Reductions, plans, communicators --------------------------------------- */

static int add_range(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)shared;
    for (size_t i = begin; i < end; i++)
        *(double *)acc += 1.0 / (1.0 + (double)i);
    return 0;
}

static void add_parts(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(double *)acc += *(const double *)later;
}

static void reductions_have_the_same_bits(void)
{
    furrow_config config = on_mpi(), alone = FURROW_CONFIG_DEFAULT;
    double sum = 0, want = 0;
    furrow_reduction reduction = { .count = 1000003, .fold = add_range, .combine = add_parts, .result = &sum,
                                   .size = sizeof sum };

    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_OK);
    alone.backend = "sequential";
    reduction.result = &want;
    CHECK_STATUS(furrow_reduce(&reduction, &alone, NULL), FURROW_OK);
    CHECK(memcmp(&sum, &want, sizeof sum) == 0); /* on every rank */
}

static void add_parts_otherwise(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(double *)acc -= *(const double *)later;
}

/* What the last rank has otherwise, or wrong, all are told. */
static void reductions_that_differ(void)
{
    const bool last = rank == ranks - 1;
    double sum = 7;
    furrow_config config = on_mpi();
    const furrow_reduction same = { .count = 1000, .fold = add_range, .combine = add_parts, .result = &sum,
                                    .size = sizeof sum, .shared = &wrong, .shared_size = sizeof wrong };
    furrow_reduction reduction;
    furrow_report report;
    char name[40];

    if (ranks == 1)
        return;
    snprintf(name, sizeof name, "rank %d (", ranks - 1);
#define DIFFERENT(what, change)                                                                    \
    do {                                                                                           \
        reduction = same;                                                                          \
        if (last) {                                                                                \
            change;                                                                                \
        }                                                                                          \
        CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_EINVAL);                  \
        CHECK_SAYS(report.message, what);                                                          \
        CHECK_SAYS(report.message, name);                                                          \
    } while (0)
    DIFFERENT("reduction.count is 1001", reduction.count = 1001);
    DIFFERENT("reduction.count is 0", reduction.count = 0);
    DIFFERENT("reduction.grain is 5", reduction.grain = 5);
    DIFFERENT("reduction.size is 4", reduction.size = 4);
    DIFFERENT("reduction.shared_size is 1", reduction.shared_size = 1);
    DIFFERENT("reduction.combine", reduction.combine = add_parts_otherwise);
    DIFFERENT("reduction.fold", reduction.fold = NULL);
    DIFFERENT("reduction.size is 0", reduction.size = 0);
#undef DIFFERENT
    reduction = same;
    if (last) /* no memory there */
        reduction.size = SIZE_MAX >> 17;
    CHECK_STATUS(furrow_reduce(&reduction, &config, &report), FURROW_ENOMEM);
    CHECK_SAYS(report.message, name);
    CHECK(sum < 7.5 && sum > 6.5);
    CHECK_STATUS(furrow_reduce(last ? NULL : &same, &config, NULL), FURROW_EINVAL);
    reductions_have_the_same_bits();
}

static int crash_below(furrow_task *task)
{
    if (task->index == 2)
        raise(SIGKILL);
    return 0;
}

static int backend_is_mpi(furrow_task *task)
{
    furrow_config config = on_mpi();
    furrow_job inner = { .run = sleep_a_little, .count = 2 };
    furrow_report report;

    config.strict = false; /* below a task it is not mpi */
    if (strcmp(furrow_backend_name(), "mpi") != 0 || furrow_level() != 1)
        return 1;
    if (furrow_map(&inner, &config, &report) != FURROW_OK)
        return 2;
    (void)task;
    return strcmp(report.backend, "mpi") == 0 ? 3 : 0;
}

static void nested_jobs_stay_in_the_rank(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = backend_is_mpi, .count = 20 };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

/* Below the only task of a rank a job may fork, when it says so. */
static int fork_below(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job inner = { .run = crash_below, .count = 4, .isolate = true };
    furrow_report report;

    (void)task;
    config.backend = "fork";
    config.strict = true;
    config.keep_going = true;
    if (furrow_map(&inner, &config, &report) != FURROW_EWORKER || strcmp(report.backend, "fork") != 0)
        return furrow_task_fail(task, 1, "%s %s", report.backend, report.message);
    return report.crashed == 1 && report.done == 3 && report.level == 1 ? 0 : 2;
}

static void forks_below_the_only_task(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = fork_below, .count = 6 };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

static void plans_are_what_runs(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = sleep_a_little, .count = 100 };
    furrow_report plan, report;

    if (rank == 0) /* nobody else has to */
        CHECK_STATUS(furrow_plan(&job, &config, &plan), FURROW_OK);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(rank > 0 || (plan.workers == report.workers && strcmp(plan.reason, report.reason) == 0));
    config.jobs = 1;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(report.workers == 1);
    config.jobs = 2 * ranks;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK(report.workers == 2 * ranks);
    job.count = 0;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
}

static void halves_work_apart(void)
{
    MPI_Comm half;
    const double factor = 2;
    furrow_config config = on_mpi();
    furrow_job job;

    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    CHECK_STATUS(furrow_mpi_use(half), FURROW_OK);
    MPI_Comm_free(&half);
    job = scaling(&factor);
    for (size_t i = 0; i < COUNT; i++)
        in[i] = (double)i;
    job.everywhere = true;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK(not_scaled(2) == 0);
    CHECK_STATUS(furrow_mpi_use(MPI_COMM_NULL), FURROW_OK);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EBACKEND);
    CHECK_SAYS(furrow_message(), "furrow_mpi_init");
    CHECK_STATUS(furrow_mpi_use(MPI_COMM_WORLD), FURROW_OK);
    arrays_of_rank_0();
}

/* The other ranks are at their end already: rank 0's job says so. */
static void job_after_the_end(void)
{
    furrow_config config = on_mpi();
    furrow_job job = { .run = sleep_a_little, .count = 3 };

    if (rank > 0 || ranks == 1)
        return;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "furrow_mpi_finalize");
}

int main(int argc, char **argv)
{
    const bool own_mpi = argc > 1 && strcmp(argv[1], "own") == 0; /* the program calls MPI_Init itself */
    const bool multiple = argc > 1 && strcmp(argv[1], "multiple") == 0;
    int sum = 0, level;

    if (own_mpi)
        MPI_Init(&argc, &argv);
    if (multiple)
        MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    begin(&argc, &argv);
    arrays_of_rank_0();
    differences_are_told();
    failures_reach_all();
    begin_fails_on_one_rank();
    cancelled_on_one_rank();
    late_cancels_stop_no_later_job();
    callbacks_are_rank_0s();
    long_task_holds_up_nobody(false);
    long_task_holds_up_nobody(true);
    crash_costs_its_task(false);
    crash_costs_its_task(true);
    hang_ends_at_its_limit();
    reductions_have_the_same_bits();
    reductions_that_differ();
    nested_jobs_stay_in_the_rank();
    forks_below_the_only_task();
    plans_are_what_runs();
    halves_work_apart();
    MPI_Allreduce(&wrong, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    job_after_the_end();
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    if (own_mpi || multiple)
        MPI_Finalize();
    return sum + wrong > 0;
}
