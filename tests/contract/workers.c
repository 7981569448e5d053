/* worker_begin and worker_end. */
#include <stdlib.h>

#include "promises.h"

enum { MOST = 16 };

struct crew_board {
    atomic_uint begun[MOST], ended[MOST]; /* by worker */
    atomic_uint tasks[MOST];
    atomic_uint failed_begins;
    int refuse; /* worker whose begin (or end) fails; -1: none, MOST: all */
    bool refuse_at_end;
};
static struct crew_board *crew; /* of the job that is run; tasks have it as `shared` */

/* In each process: two of these calls never run at the same time. */
static atomic_uint inside;

static void alone(void)
{
    CHECK_EQ(atomic_fetch_add(&inside, 1), 0);
    for (int i = 0; i < 20000; i++)
        atomic_signal_fence(memory_order_seq_cst);
    atomic_fetch_sub(&inside, 1);
}

static bool refused(const struct crew_board *board, int worker)
{
    return board->refuse == MOST || board->refuse == worker;
}

static int begin(int worker, const void *shared, void **state)
{
    struct crew_board *seen = (struct crew_board *)shared;
    int *number;

    if (!CHECK(worker >= 0 && worker < MOST))
        return 1;
    alone();
    CHECK_EQ(atomic_fetch_add(&seen->begun[worker], 1), 0);
    if (!seen->refuse_at_end && refused(seen, worker)) {
        atomic_fetch_add(&seen->failed_begins, 1);
        return 77;
    }
    number = malloc(sizeof *number);
    *number = worker;
    *state = number;
    return 0;
}

static int end(int worker, const void *shared, void **state)
{
    struct crew_board *seen = (struct crew_board *)shared;
    int *number = *state;

    alone();
    if (CHECK(number != NULL))
        CHECK_EQ(*number, worker);
    free(number);
    *state = NULL;
    CHECK_EQ(atomic_fetch_add(&seen->ended[worker], 1), 0);
    return seen->refuse_at_end && refused(seen, worker) ? 78 : 0;
}

static int count_by_state(furrow_task *task)
{
    struct crew_board *seen = (struct crew_board *)task->shared;
    const int *number = task->state;

    if (CHECK(number != NULL))
        atomic_fetch_add(&seen->tasks[*number], 1);
    return 0;
}

static int count_after_refusal(furrow_task *task)
{
    struct crew_board *seen = (struct crew_board *)task->shared;

    CHECK(wait_until(&seen->failed_begins, 1));
    return count_by_state(task);
}

static int fail_later(furrow_task *task)
{
    count_by_state(task);
    return task->index == 70 ? 5 : 0;
}

/* Runs 500 tasks with these; every worker that began has ended, and those that
 * began are those that ran tasks. */
static void run_crew(const struct row *row, furrow_job job, furrow_status status,
                     furrow_report *report)
{
    furrow_config config = row_config(row);
    unsigned failed = 0;

    job.count = 500;
    job.shared = crew;
    job.worker_begin = begin;
    job.worker_end = end;
    CHECK_STATUS(furrow_map(&job, &config, report), status);
    check_tally(report, NULL, job.count);
    for (int i = 0; i < MOST; i++) {
        failed += look(&crew->begun[i]) - look(&crew->ended[i]);
        CHECK(look(&crew->tasks[i]) == 0 || look(&crew->ended[i]) == 1);
        CHECK(i < row->workers || look(&crew->begun[i]) == 0);
        if (status == FURROW_OK)
            CHECK_EQ(look(&crew->begun[i]), look(&crew->tasks[i]) > 0);
    }
    CHECK_EQ(failed, look(&crew->failed_begins));
}

static void new_crew(void)
{
    crew = board(sizeof *crew);
    crew->refuse = -1;
}

static int ignore(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

void begin_and_end(const struct row *row)
{
    furrow_job job = { .run = count_by_state };
    furrow_report report;

    new_crew();
    run_crew(row, job, FURROW_OK, &report);
    CHECK_EQ(report.done, 500);

    /* The same where the caller serves. */
    new_crew();
    job.on_result = ignore;
    run_crew(row, job, FURROW_OK, &report);
    CHECK_EQ(report.done, 500);
}

void end_after_failure(const struct row *row)
{
    furrow_job job = { .run = fail_later };
    furrow_report report;

    new_crew();
    run_crew(row, job, FURROW_ETASK, &report);
    new_crew();
    job.on_result = ignore;
    run_crew(row, job, FURROW_ETASK, &report);
}

void begin_fails(const struct row *row)
{
    furrow_job job = { .run = count_by_state };
    furrow_report report;

    for (int serve = 0; serve < 2; serve++) {
        new_crew();
        crew->refuse = MOST;
        job.on_result = serve ? ignore : NULL;
        run_crew(row, job, FURROW_EWORKER, &report);
        CHECK_EQ(report.done, 0);
        CHECK_EQ(report.skipped, 500);
        CHECK(look(&crew->failed_begins) >= 1);
        CHECK_SAYS(report.message, "worker_begin");
        CHECK_SAYS(report.message, "77");
    }
    /* One of them: the others end as usual. */
    new_crew();
    crew->refuse = 0;
    job.run = count_after_refusal;
    job.on_result = NULL;
    run_crew(row, job, FURROW_EWORKER, &report);
    CHECK_EQ(look(&crew->failed_begins), 1);
}

void end_fails(const struct row *row)
{
    furrow_job job = { .run = count_by_state };
    furrow_report report;

    new_crew();
    crew->refuse = MOST;
    crew->refuse_at_end = true;
    run_crew(row, job, FURROW_EWORKER, &report);
    CHECK_EQ(look(&crew->failed_begins), 0);
    CHECK_SAYS(report.message, "worker_end");
    CHECK_SAYS(report.message, "78");
}
