/* The end of an allocation, without one: a deadline made by variables, and the
 * stop signal sent by hand. Each row is a process of its own, as the environment
 * is read once in each; the parent never calls furrow.
 *
 *   ends BACKEND   runs all rows on it; 77 where it can't be had here */
#include <furrow/furrow.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TASKS = 400, SKIP = 77 };

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s: ", __LINE__, #condition);                                \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *backend;
static pid_t program; /* that runs the job */
static volatile sig_atomic_t heard;

/* -- Tasks --------------------------------------------------------------- */

static void last_ms(double ms)
{
    struct timespec start, now;

    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    do
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while (1e3 * (double)(now.tv_sec - start.tv_sec) + 1e-6 * (double)(now.tv_nsec - start.tv_nsec) < ms);
}

static int answer(size_t index)
{
    return (int)(3 * index + 1);
}

static int quick_task(furrow_task *task)
{
    *(int *)task->out = answer(task->index);
    return 0;
}

static int short_task(furrow_task *task)
{
    last_ms(0.5);
    *(int *)task->out = answer(task->index);
    return 0;
}

/* Fails where it started long after the deadline: FURROW_DEADLINE_MARGIN is 30. */
static int watching_task(furrow_task *task)
{
    if (furrow_allocation_seconds_left() < 25)
        return furrow_task_fail(task, 1, "started %g s before the end", furrow_allocation_seconds_left());
    last_ms(20);
    *(int *)task->out = answer(task->index);
    return 0;
}

/* Task 5 sends the signal and runs on. It is not told to hurry. */
static int signalling_task(furrow_task *task)
{
    if (task->index == 5) {
        (void)kill(program, SIGUSR1);
        last_ms(50);
        if (furrow_task_expired(task))
            return furrow_task_fail(task, 1, "told to return although it may finish");
    }
    return short_task(task);
}

/* Starts a job of its own, in which the signal comes. */
static int nesting_task(furrow_task *task)
{
    int out[TASKS] = { 0 };
    furrow_job inner = { .run = signalling_task, .count = 40, .out = out, .out_size = sizeof out[0] };
    furrow_report report;

    if (task->index > 0)
        return short_task(task);
    if (furrow_map(&inner, NULL, &report) != FURROW_OK)
        return furrow_task_fail(task, 1, "inner job: %s", report.message);
    return short_task(task);
}

/* -- Jobs ---------------------------------------------------------------- */

static int results;

static int count_result(const furrow_result *result, void *user)
{
    (void)user;
    results += result->outcome == FURROW_DONE;
    return 0;
}

/* Runs TASKS tasks; what was done is right, and nothing is unaccounted for. */
static furrow_status run(furrow_task_fn task, bool callbacks, furrow_report *report)
{
    static int out[TASKS];
    static unsigned char outcome[TASKS];
    furrow_job job = { .name = "end", .run = task, .count = TASKS, .out = out, .out_size = sizeof out[0],
                       .outcome = outcome, .on_result = callbacks ? count_result : NULL };
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_status status;
    uint64_t done = 0, skipped = 0;

    config.backend = backend;
    config.jobs = 2;
    config.strict = true;
    results = 0;
    status = furrow_map(&job, &config, report);
    for (size_t i = 0; i < TASKS; i++) {
        done += outcome[i] == FURROW_DONE;
        skipped += outcome[i] == FURROW_SKIPPED;
        CHECK(outcome[i] != FURROW_DONE || out[i] == answer(i), "task %zu: %d", i, out[i]);
    }
    CHECK(done + skipped == TASKS, "%s", report->message);
    CHECK(done == report->done && skipped == report->skipped, "%s", report->message);
    CHECK(!callbacks || (uint64_t)results == done, "%d results of %llu", results, (unsigned long long)done);
    return status;
}

/* -- Rows ---------------------------------------------------------------- */

/* As a batch script on this host that ends in so many seconds. */
static void in_allocation(double seconds, const char *margin)
{
    char host[256] = "", end[32];

    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(end, sizeof end, "%lld", (long long)time(NULL) + (long long)seconds);
    setenv("SLURM_JOB_ID", "1", 1);
    setenv("SLURM_JOB_NODELIST", host, 1);
    setenv("SLURMD_NODENAME", host, 1);
    setenv("SLURM_JOB_END_TIME", end, 1);
    if (margin != NULL)
        setenv("FURROW_DEADLINE_MARGIN", margin, 1);
}

static void stops_in_time(bool callbacks)
{
    furrow_report report;

    in_allocation(32, "30");
    CHECK(run(watching_task, callbacks, &report) == FURROW_ECANCELLED, "%s", report.message);
    CHECK(report.skipped > 0, "%s", report.message);
    CHECK(strstr(report.message, "stopped by the end of the allocation") != NULL &&
              strstr(report.message, "FURROW_DEADLINE_MARGIN=30") != NULL, "%s", report.message);
}

static void starts_nothing(bool callbacks)
{
    furrow_report report;

    in_allocation(10, "20");
    CHECK(run(quick_task, callbacks, &report) == FURROW_ECANCELLED, "%s", report.message);
    CHECK(report.done == 0 && report.skipped == TASKS, "%s", report.message);
}

static void time_enough(bool callbacks)
{
    furrow_report report;

    in_allocation(3600, "20");
    CHECK(run(quick_task, callbacks, &report) == FURROW_OK, "%s", report.message);
}

static void no_margin(bool callbacks)
{
    furrow_report report;

    in_allocation(0, NULL);
    CHECK(furrow_allocation_seconds_left() <= 0.0, "%g", furrow_allocation_seconds_left());
    CHECK(run(quick_task, callbacks, &report) == FURROW_OK, "%s", report.message);
}

static void signal_stops(bool callbacks)
{
    furrow_report report;

    setenv("FURROW_STOP_SIGNAL", "USR1", 1);
    CHECK(run(signalling_task, callbacks, &report) == FURROW_ECANCELLED, "%s", report.message);
    CHECK(report.done > 0 && report.skipped > 0, "%s", report.message);
    CHECK(strstr(report.message, "stopped by SIGUSR1 (FURROW_STOP_SIGNAL)") != NULL, "%s", report.message);
    CHECK(run(quick_task, callbacks, &report) == FURROW_ECANCELLED, "a later job: %s", report.message);
    CHECK(report.done == 0, "%s", report.message);
}

static void signal_spares_inner_jobs(bool callbacks)
{
    furrow_report report;

    setenv("FURROW_STOP_SIGNAL", "SIGUSR1", 1);
    CHECK(run(nesting_task, callbacks, &report) == FURROW_ECANCELLED, "%s", report.message);
}

static struct sigaction earlier;

static void hear(int number)
{
    heard++;
    if (earlier.sa_sigaction != NULL && (earlier.sa_flags & SA_SIGINFO) != 0)
        earlier.sa_sigaction(number, NULL, NULL);
}

/* The program's own handler is called too, whichever came first, and once. */
static void signal_is_passed_on(bool callbacks)
{
    struct sigaction own = { .sa_handler = hear };
    furrow_report report;

    setenv("FURROW_STOP_SIGNAL", "USR1", 1);
    (void)sigaction(SIGUSR1, &own, NULL);
    CHECK(run(quick_task, callbacks, &report) == FURROW_OK, "%s", report.message);
    (void)sigaction(SIGUSR1, &own, &earlier); /* after ours, and it calls ours */
    CHECK(run(quick_task, callbacks, &report) == FURROW_OK, "%s", report.message);
    (void)raise(SIGUSR1);
    CHECK(heard == 1, "%d", heard);
    CHECK(run(quick_task, callbacks, &report) == FURROW_ECANCELLED, "%s", report.message);
}

static void no_handler(bool callbacks)
{
    struct sigaction before[32], now;
    furrow_report report;

    memset(before, 0, sizeof before);
    for (int number = 1; number < 32; number++)
        (void)sigaction(number, NULL, &before[number]);
    CHECK(run(quick_task, callbacks, &report) == FURROW_OK, "%s", report.message);
    for (int number = 1; number < 32; number++)
        if (sigaction(number, NULL, &now) == 0)
            CHECK(now.sa_handler == before[number].sa_handler, "signal %d has another handler", number);
}

/* Jobs so small that furrow runs them on the caller as soon as it knows them. */
static furrow_status run_small(furrow_report *report)
{
    int out[2] = { 0 };
    furrow_job job = { .run = quick_task, .count = 2, .out = out, .out_size = sizeof out[0] };
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = backend;
    return furrow_map(&job, &config, report);
}

static void small_jobs_in_time(bool callbacks)
{
    furrow_report report;
    furrow_status status;
    int n = 0;

    (void)callbacks;
    in_allocation(32, "30");
    while ((status = run_small(&report)) == FURROW_OK)
        n++;
    CHECK(status == FURROW_ECANCELLED && n > 0, "%d jobs, %s", n, report.message);
    while (furrow_allocation_seconds_left() >= 30) /* a task that was delayed may have stopped it before */
        last_ms(1);
    CHECK(run_small(&report) == FURROW_ECANCELLED && report.done == 0, "%s", report.message);
    CHECK(furrow_allocation_seconds_left() < 31, "%g s left", furrow_allocation_seconds_left());
}

static void small_jobs_and_the_signal(bool callbacks)
{
    furrow_report report;

    (void)callbacks;
    setenv("FURROW_STOP_SIGNAL", "USR1", 1);
    for (int i = 0; i < 100; i++)
        CHECK(run_small(&report) == FURROW_OK, "%s", report.message);
    (void)raise(SIGUSR1);
    CHECK(run_small(&report) == FURROW_ECANCELLED && report.done == 0, "%s", report.message);
}

static const struct {
    const char *claim;
    void (*check)(bool callbacks);
} rows[] = {
    { "a job stops before the allocation ends", stops_in_time },
    { "a job that comes too late starts nothing", starts_nothing },
    { "with time enough all is run", time_enough },
    { "without a margin nothing is looked at", no_margin },
    { "the stop signal lets finish what runs", signal_stops },
    { "the stop signal spares jobs inside tasks", signal_spares_inner_jobs },
    { "the program's own handler is called too", signal_is_passed_on },
    { "small jobs stop before the allocation ends", small_jobs_in_time },
    { "small jobs stop at the signal", small_jobs_and_the_signal },
    { "without the variable no signal is handled", no_handler },
};

static bool check_row(size_t row, bool callbacks)
{
    const pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        program = getpid();
        rows[row].check(callbacks);
        exit(0);
    }
    (void)waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    fprintf(stderr, "%s%s: %s %d\n", rows[row].claim, callbacks ? ", with callbacks" : "",
            WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return false;
}

/* In a process of its own, for the same reason. */
static bool available(void)
{
    const pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        furrow_config config = FURROW_CONFIG_DEFAULT;

        config.backend = backend;
        config.strict = true;
        _exit(furrow_plan(NULL, &config, NULL) == FURROW_OK ? 0 : 1);
    }
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    bool ok = true;

    if (argc != 2)
        return 2;
    backend = argv[1];
    if (!available()) {
        printf("skipped: the backend %s can't be had here\n", backend);
        return SKIP;
    }
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++)
        for (int callbacks = 0; callbacks < 2; callbacks++)
            ok = check_row(row, callbacks != 0) && ok;
    return ok ? 0 : 1;
}
