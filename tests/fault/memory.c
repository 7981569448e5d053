/* memory [memory_many_cpus]: the n-th request for memory of a job is
 * refused, for n = 1, 2, 3, ... until none is, for each kind of job on each
 * backend of the contract.
 *
 * Refused before a task ran: FURROW_ENOMEM, and none runs. Refused in a task:
 * the task failed, with words. Either way nothing is still held, and the next
 * job works. Exit status 0 when all of that held. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/habit.h"
#include "runtime/memory.h"
#include "tests/contract/contract.h"

enum { COUNT = 40, NEVER = 0, DEADLINE = CONTRACT_SANITIZED ? 240 : 60 };

/* Shared with forked workers. */
static struct {
    atomic_uint asked;   /* requests since the last job began */
    atomic_uint nth;     /* of them is refused */
    atomic_uint refused; /* it was */
    atomic_uint tasks;   /* that ran */
} * seam;

static bool refuse_nth(size_t size)
{
    (void)size;
    if (atomic_fetch_add(&seam->asked, 1) + 1 != look(&seam->nth))
        return false;
    atomic_store(&seam->refused, 1);
    return true;
}

static void refuse_from_now(unsigned nth)
{
    atomic_store(&seam->asked, 0);
    atomic_store(&seam->refused, 0);
    atomic_store(&seam->tasks, 0);
    atomic_store(&seam->nth, nth);
}

/* -- Saying what is wrong ------------------------------------------------- */

static const char *kind_name, *row_name;
static int wrong;

static void expect(bool holds, const char *format, ...) FURROW_PRINTF(2, 3);

static void expect(bool holds, const char *format, ...)
{
    va_list args;

    if (holds)
        return;
    wrong++;
    printf("FAIL %s on %s, request %u refused: ", kind_name, row_name, look(&seam->nth));
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* -- Tasks and callbacks -------------------------------------------------- */

static int work(furrow_task *task)
{
    atomic_fetch_add(&seam->tasks, 1);
    *(uint64_t *)task->out = task->index + 1;
    return 0;
}

static int reply(furrow_task *task)
{
    char bytes[1000] = { 0 };

    work(task);
    return furrow_task_reply(task, bytes, 500 + task->index);
}

/* Pushes, and leaves one for the runtime to pop. */
static int push(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    work(task);
    return (int)furrow_config_push(&config);
}

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

static int start(furrow_task *task)
{
    furrow_job job = { .run = nothing, .count = 3 };

    work(task);
    return (int)furrow_map(&job, NULL, NULL);
}

static int make(void *in, void *user)
{
    unsigned *made = user;

    memset(in, 0, 24);
    return (*made)++ < COUNT ? FURROW_NEXT_ONE : FURROW_NEXT_END;
}

static int take(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

static void body(size_t begin, size_t end, void *user)
{
    (void)begin, (void)end, (void)user;
    atomic_fetch_add(&seam->tasks, 1);
}

static int fold(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)shared;
    atomic_fetch_add(&seam->tasks, 1);
    *(uint64_t *)acc += end - begin;
    return 0;
}

static void join(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(uint64_t *)acc += *(const uint64_t *)later;
}

/* -- Kinds of jobs -------------------------------------------------------- */

typedef furrow_status kind_fn(const furrow_config *config, furrow_report *report);

/* A job of COUNT tasks with outputs and outcomes, all of them right at the end. */
static furrow_status run_job(furrow_job job, const furrow_config *config, furrow_report *report)
{
    uint64_t out[COUNT] = { 0 };
    unsigned char outcome[COUNT];
    unsigned pending = 0, empty = 0, missing = 0;
    furrow_status status;

    memset(outcome, FURROW_PENDING, sizeof outcome);
    job.count = COUNT;
    job.out = out;
    job.out_size = sizeof *out;
    job.outcome = outcome;
    status = furrow_map(&job, config, report);
    for (size_t i = 0; i < COUNT; i++) {
        pending += outcome[i] == FURROW_PENDING;
        empty += outcome[i] == FURROW_DONE && out[i] != i + 1;
        missing += status == FURROW_OK && outcome[i] != FURROW_DONE;
    }
    expect(pending == 0, "%u outcomes are pending", pending);
    expect(empty == 0, "%u outputs of done tasks are missing", empty);
    expect(missing == 0, "%u tasks of a successful job are not done", missing);
    return status;
}

static furrow_status plain(const furrow_config *config, furrow_report *report)
{
    return run_job((furrow_job){ .run = work }, config, report);
}

static furrow_status served(const furrow_config *config, furrow_report *report)
{
    return run_job((furrow_job){ .run = work, .on_result = take, .ordered = true }, config, report);
}

static furrow_status streamed(const furrow_config *config, furrow_report *report)
{
    unsigned made = 0;
    furrow_job job = { .run = work, .in_size = 24, .next = make, .on_result = take, .user = &made };

    return run_job(job, config, report);
}

static furrow_status replies(const furrow_config *config, furrow_report *report)
{
    return run_job((furrow_job){ .run = reply, .on_result = take }, config, report);
}

static furrow_status costly(const furrow_config *config, furrow_report *report)
{
    float cost[COUNT];

    for (int i = 0; i < COUNT; i++)
        cost[i] = i % 9 == 0 ? 50 : 1;
    return run_job((furrow_job){ .run = work, .cost = cost }, config, report);
}

static furrow_status retried(const furrow_config *config, furrow_report *report)
{
    furrow_config limited = *config;

    limited.retries = 2;
    limited.timeout = 1000;
    return run_job((furrow_job){ .run = work }, &limited, report);
}

static furrow_status pushing(const furrow_config *config, furrow_report *report)
{
    return run_job((furrow_job){ .run = push }, config, report);
}

static furrow_status nested(const furrow_config *config, furrow_report *report)
{
    return run_job((furrow_job){ .run = start }, config, report);
}

static furrow_status scoped(const furrow_config *config, furrow_report *report)
{
    furrow_status status = furrow_config_push(config);

    if (status == FURROW_OK) {
        status = run_job((furrow_job){ .run = work }, NULL, report);
        expect(furrow_config_pop() == FURROW_OK, "not popped: %s", furrow_message());
        return status;
    }
    snprintf(report->message, sizeof report->message, "%s", furrow_message());
    return status;
}

static furrow_status reduced(const furrow_config *config, furrow_report *report)
{
    uint64_t result = 0;
    furrow_reduction reduction = { .count = 1000,
                                   .fold = fold,
                                   .combine = join,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = 10 };
    furrow_status status = furrow_reduce(&reduction, config, report);

    expect(result == (status == FURROW_OK ? 1000 : 0), "the result is %llu",
           (unsigned long long)result);
    return status;
}

static furrow_status looped(const furrow_config *config, furrow_report *report)
{
    furrow_config any = *config;
    furrow_status status;

    any.strict = false; /* a process backend is replaced */
    status = furrow_for(1000, body, NULL, &any);
    snprintf(report->message, sizeof report->message, "%s", furrow_message());
    return status;
}

static furrow_status planned(const furrow_config *config, furrow_report *report)
{
    return furrow_plan(NULL, config, report);
}

static const struct {
    const char *name;
    kind_fn *run;
} kinds[] = {
    { "a plain job", plain },
    { "a job with on_result", served },
    { "a streamed job", streamed },
    { "a job with replies", replies },
    { "a job with costs", costly },
    { "a job with retries", retried },
    { "a task that pushes", pushing },
    { "a job in a task", nested },
    { "a pushed config", scoped },
    { "a reduction", reduced },
    { "a loop", looped },
    { "a plan", planned },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* -- One refusal ---------------------------------------------------------- */

static void check_refused(furrow_status status, const furrow_report *report)
{
    if (status == FURROW_ENOMEM) {
        expect(look(&seam->tasks) == 0, "%u tasks ran", look(&seam->tasks));
        expect(strstr(report->message, "memory") != NULL, "it says \"%s\"", report->message);
        return;
    }
    expect(status == FURROW_ETASK, "%s (%s)", furrow_strerror(status), report->message);
    if (status == FURROW_ETASK) {
        expect(look(&seam->tasks) > 0, "failed without a task");
        expect(report->failures > 0 && strstr(report->failure[0].message, "memory") != NULL,
               "the task says \"%s\"", report->failure[0].message);
    }
}

/* Runs a kind; true when the n-th request came, and was refused. */
static bool refuse_one(const struct row *row, kind_fn *run, unsigned nth)
{
    const furrow_config config = row_config(row);
    const long held = fw_memory_held();
    furrow_report report = { .backend = "none" };
    furrow_status status;
    bool refused;

    fw_habit_forget(); /* a block of the last job like it would need no request */
    refuse_from_now(nth);
    status = run(&config, &report);
    refused = look(&seam->refused) > 0;
    atomic_store(&seam->nth, nth);
    if (refused)
        check_refused(status, &report);
    else
        expect(status == FURROW_OK, "%s (%s)", furrow_strerror(status), report.message);
    expect(fw_memory_held() == held, "%ld requests are not given back", fw_memory_held() - held);
    atomic_store(&seam->nth, NEVER);
    fw_habit_forget();
    status = plain(&config, &report);
    expect(status == FURROW_OK, "the next job: %s (%s)", furrow_strerror(status), report.message);
    expect(fw_memory_held() == held, "%ld requests are held after the next job",
           fw_memory_held() - held);
    return refused;
}

/* Each request of a kind; returns how many there are. */
static unsigned refuse_each(const struct row *row, kind_fn *run)
{
    unsigned nth = 1;

    while (refuse_one(row, run, nth))
        nth++;
    return nth - 1;
}

static void on_row(const struct row *row)
{
    const furrow_config config = row_config(row);
    furrow_report report;

    row_name = row->name;
    for (int i = 0; i < KINDS; i++) {
        kind_name = kinds[i].name;
        alarm(DEADLINE);
        /* What is made once per process: OpenMP's threads are tried out. */
        refuse_from_now(NEVER);
        expect(kinds[i].run(&config, &report) == FURROW_OK, "%s", report.message);
        printf("%s on %s: %u requests refused, one at a time\n", kind_name, row_name,
               refuse_each(row, kinds[i].run));
    }
}

int main(int argc, char **argv)
{
    /* A lease of many CPUs has a list of its own. */
    if (argc > 1 && strcmp(argv[1], "memory_many_cpus") == 0)
        setenv("HWLOC_SYNTHETIC", "pack:1 core:100 pu:1", 1);
    seam = mmap(NULL, sizeof *seam, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seam == MAP_FAILED)
        return 2;
    setvbuf(stdout, NULL, _IONBF, 0); /* nothing for a forked worker to write again */
    rows_register();
    fw_memory_refuse = refuse_nth;
    for (int i = 0; row_at(i) != NULL; i++)
        on_row(row_at(i));
    printf("%d failed\n", wrong);
    return wrong > 0;
}
