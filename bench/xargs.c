/* xargs -P: a process per task. The loop's tasks become lines on the standard
 * input of one xargs, which runs this program again for each:
 *
 *   PROGRAM task TURNS     computes for so many turns
 *   PROGRAM task stamp     prints the time
 *
 * The loop is over when xargs and its tasks have closed their standard output. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static int run_task(const char *what)
{
    if (strcmp(what, "stamp") == 0)
        printf("%.0f\n", bench_now());
    else
        bench_spin((uint32_t)strtoul(what, NULL, 10));
    return 0;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* In the child: reads the tasks from `in`, and writes to `out`. */
static void become_xargs(int in, int out, int workers)
{
    char self[4096], count[16];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    self[length] = '\0';
    (void)snprintf(count, sizeof count, "%d", workers);
    (void)execlp("xargs", "xargs", "-P", count, "-n", "1", self, "task", (char *)NULL);
    _exit(127);
}

/* Starts xargs. Returns the two ends of its pipes; owned. */
static pid_t start_xargs(int workers, FILE **tasks, FILE **said)
{
    int in[2], out[2];
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        fail("pipe");
    pid = vfork();
    if (pid == 0)
        become_xargs(in[0], out[1], workers);
    if (pid < 0)
        fail("fork");
    (void)close(in[0]);
    (void)close(out[1]);
    *tasks = fdopen(in[1], "w");
    *said = fdopen(out[0], "r");
    if (*tasks == NULL || *said == NULL)
        fail("fdopen");
    return pid;
}

static void write_tasks(const struct bench_loop *loop, FILE *tasks)
{
    for (size_t i = 0; i < loop->count; i++) {
        if (loop->kind == BENCH_STAMP)
            fputs("stamp\n", tasks);
        else
            fprintf(tasks, "%" PRIu32 "\n",
                    loop->kind == BENCH_EMPTY  ? 0
                    : loop->kind == BENCH_SPIN ? loop->turns_all
                                               : loop->turns[i]);
    }
}

static void run_xargs(const struct bench_loop *loop, int workers)
{
    FILE *tasks, *said;
    const pid_t pid = start_xargs(workers, &tasks, &said);
    double time, first = 0;
    int status = 0;

    write_tasks(loop, tasks);
    (void)fclose(tasks);
    while (fscanf(said, "%lf", &time) == 1)
        first = first == 0 || time < first ? time : first;
    (void)fclose(said);
    if (waitpid(pid, &status, 0) < 0)
        fail("wait");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        bench_not_here("there is no xargs (Debian: findutils)");
    if (status != 0) {
        fprintf(stderr, "xargs ended with status %d\n", status);
        exit(1);
    }
    if (loop->kind == BENCH_STAMP)
        *loop->stamp = (uint64_t)first;
}

int main(int argc, char **argv)
{
    /* What a task costs: bench/run --only xargs. */
    static const struct bench_variant variants[] = {
        { .name = "xargs", .run = run_xargs, .task_ns = 6e5 },
    };

    if (argc == 3 && strcmp(argv[1], "task") == 0)
        return run_task(argv[2]);
    (void)signal(SIGPIPE, SIG_IGN); /* an xargs that is not there is told by its status */
    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
