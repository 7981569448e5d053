/* messages ERRORS: every message of the table in docs/errors.md is one that
 * furrow gives, word by word, and the table has all that are provoked here.
 *
 * Each is provoked in a child: the environment is read once per process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <furrow/furrow.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The host of the page. */
static const char host[] = "node7";

/* -- Tasks and callbacks ------------------------------------------------ */

static int fine(furrow_task *task)
{
    (void)task;
    return 0;
}

static int third_diverges(furrow_task *task)
{
    return task->index == 3 ? furrow_task_fail(task, 2, "no convergence at x = %g", 0.75) : 0;
}

static int third_is_silent(furrow_task *task)
{
    return task->index == 3 ? 2 : 0;
}

static int third_is_faulty(furrow_task *task)
{
    return task->index == 3 ? raise(SIGSEGV) : 0;
}

static int third_is_killed(furrow_task *task)
{
    return task->index == 3 ? raise(SIGKILL) : 0;
}

static int third_leaves(furrow_task *task)
{
    if (task->index == 3)
        exit(4);
    return 0;
}

static int until_expired(furrow_task *task)
{
    while (!furrow_task_expired(task))
        usleep(1000);
    return 0;
}

static int cancels(furrow_task *task)
{
    (void)task;
    furrow_cancel();
    return 0;
}

static int warns(furrow_task *task)
{
    (void)task;
    return raise(SIGUSR1);
}

static int replies(furrow_task *task)
{
    return furrow_task_reply(task, "x", 1);
}

static int no_planner(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    return 12;
}

static int first_is_enough(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 5;
}

static int broken_file(void *in, void *user)
{
    (void)in, (void)user;
    return -7;
}

/* -- What is provoked --------------------------------------------------- */

static void run(furrow_job job, furrow_config config)
{
    if (job.run == NULL)
        job.run = fine;
    if (job.count == 0 && job.next == NULL)
        job.count = 4;
    job.name = "scan";
    (void)furrow_map(&job, &config, NULL);
}

static furrow_config sequential(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = "sequential";
    return config;
}

static void no_run(void)
{
    const furrow_job job = { .count = 4 };

    (void)furrow_map(&job, NULL, NULL);
}

static void no_in(void)
{
    run((furrow_job){ .in_size = 8 }, sequential());
}

static void no_out(void)
{
    run((furrow_job){ .out_size = 8 }, sequential());
}

static void no_jobs(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.jobs = 0;
    run((furrow_job){ 0 }, config);
}

static void many_jobs(void)
{
    const furrow_config config = FURROW_CONFIG_DEFAULT;

    (void)setenv("FURROW_JOBS", "many", 1);
    run((furrow_job){ 0 }, config);
}

static void misspelt(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = "opnmp";
    run((furrow_job){ 0 }, config);
}

/* Isolated: on processes. */
static void crash(furrow_task_fn task)
{
    const furrow_config config = FURROW_CONFIG_DEFAULT;

    run((furrow_job){ .run = task, .isolate = true }, config);
}

static void faulty(void)
{
    crash(third_is_faulty);
}

static void killed(void)
{
    crash(third_is_killed);
}

static void leaving(void)
{
    crash(third_leaves);
}

static void strictly_isolated(void)
{
    furrow_config config = sequential();

    config.strict = true;
    run((furrow_job){ .isolate = true }, config);
}

static void too_large(void)
{
    run((furrow_job){ .out_size = (size_t)1 << 47, .on_result = first_is_enough }, sequential());
}

static void diverges(void)
{
    run((furrow_job){ .run = third_diverges }, sequential());
}

static void silent(void)
{
    run((furrow_job){ .run = third_is_silent }, sequential());
}

static void reply_unasked(void)
{
    run((furrow_job){ .run = replies }, sequential());
}

static void late(void)
{
    furrow_config config = sequential();

    config.timeout = 0.01;
    (void)setenv("FURROW_LOG", "quiet", 1);
    run((furrow_job){ .run = until_expired }, config);
}

static void begin_fails(void)
{
    run((furrow_job){ .worker_begin = no_planner }, sequential());
}

static void result_stops(void)
{
    run((furrow_job){ .on_result = first_is_enough }, sequential());
}

static void next_stops(void)
{
    run((furrow_job){ .next = broken_file }, sequential());
}

static void cancelled(void)
{
    run((furrow_job){ .run = cancels }, sequential());
}

static void warned(void)
{
    (void)setenv("FURROW_STOP_SIGNAL", "USR1", 1);
    run((furrow_job){ .run = warns }, sequential());
}

/* An allocation of Slurm on this node that ended long ago. */
static void too_late(void)
{
    char name[256] = "";

    (void)gethostname(name, sizeof name - 1);
    (void)setenv("FURROW_DEADLINE_MARGIN", "300", 1);
    (void)setenv("FURROW_LOG", "quiet", 1);
    (void)setenv("SLURM_JOB_ID", "1", 1);
    (void)setenv("SLURMD_NODENAME", name, 1);
    (void)setenv("SLURM_JOB_END_TIME", "1000000000", 1);
    run((furrow_job){ 0 }, sequential());
}

static void popped(void)
{
    (void)furrow_config_pop();
}

static void (*const provoke[])(void) = {
    no_run,     no_in,         no_out,      no_jobs,
    many_jobs,  misspelt,      faulty,      strictly_isolated,
    too_large,  popped,        diverges,    silent,
    late,       reply_unasked, begin_fails, result_stops,
    next_stops, cancelled,     killed,      leaving,
    warned,     too_late,
};

/* ThreadSanitizer follows no forks of a program with threads, and
 * AddressSanitizer ends a fault in its own way. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { NO_FORKS = 1 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
enum { NO_FORKS = 1 };
#else
enum { NO_FORKS = 0 };
#endif
#else
enum { NO_FORKS = 0 };
#endif

static bool is_crash(void (*what)(void))
{
    return what == faulty || what == killed || what == leaving;
}

/* -- The page ----------------------------------------------------------- */

static const char heading[] = "\n## Typical messages\n";

enum { PAGE = 1 << 18 };

static char page[PAGE];

/* The section with the table. */
static const char *read_section(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t length = file != NULL ? fread(page, 1, PAGE - 1, file) : 0;
    char *section, *end;

    if (length == 0 || length == PAGE - 1) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
    section = strstr(page, heading);
    if (section == NULL) {
        fprintf(stderr, "%s has no section \"Typical messages\"\n", path);
        exit(1);
    }
    end = strstr(section + sizeof heading, "\n## ");
    if (end != NULL)
        *end = '\0';
    return section;
}

static void replace_host(char *text, size_t size)
{
    char name[256] = "", rest[512];
    char *at;

    (void)gethostname(name, sizeof name - 1);
    at = name[0] != '\0' ? strstr(text, name) : NULL;
    if (at == NULL)
        return;
    snprintf(rest, sizeof rest, "%s", at + strlen(name));
    snprintf(at, size - (size_t)(at - text), "%s%s", host, rest);
}

/* The message of a child that runs `what`. False: it did not end well. */
static bool message_of(void (*what)(void), char *out, size_t size)
{
    int end[2], status;
    size_t used = 0;
    ssize_t n;
    pid_t child;

    if (pipe(end) != 0 || (child = fork()) < 0)
        return false;
    if (child == 0) {
        what();
        n = write(end[1], furrow_message(), strlen(furrow_message()));
        _exit(n < 0);
    }
    (void)close(end[1]);
    while (used < size - 1 && (n = read(end[0], out + used, size - 1 - used)) > 0)
        used += (size_t)n;
    (void)close(end[0]);
    out[used] = '\0';
    return waitpid(child, &status, 0) == child && status == 0;
}

static int count_rows(const char *section)
{
    int n = 0;

    for (const char *at = section; (at = strstr(at, "\n| `")) != NULL; at++)
        n++;
    return n;
}

int main(int argc, char **argv)
{
    const char *section;
    int missing = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: messages ERRORS\n");
        return 2;
    }
    section = read_section(argv[1]);
    for (size_t i = 0; i < COUNT(provoke); i++) {
        char message[512], row[600];

        if (NO_FORKS && is_crash(provoke[i]))
            continue;
        if (!message_of(provoke[i], message, sizeof message)) {
            fprintf(stderr, "message %zu could not be provoked\n", i);
            return 1;
        }
        replace_host(message, sizeof message);
        snprintf(row, sizeof row, "\n| `%s` |", message);
        if (strstr(section, row) == NULL) {
            fprintf(stderr, "the table lacks: | `%s` |\n", message);
            missing++;
        }
    }
    if (count_rows(section) != (int)COUNT(provoke)) {
        fprintf(stderr, "the table has %d rows for %zu messages\n", count_rows(section),
                COUNT(provoke));
        missing++;
    }
    return missing > 0;
}
