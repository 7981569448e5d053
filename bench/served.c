/* Pools of processes in Python. bench/served.py runs the loops; this program asks
 * for them by lines and keeps the clock, so that all figures are made in the same
 * way. The pool exists before the loop, except where a loop of BENCH_STAMP asks
 * for a new one. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* The server; started with the first request, ends when its input does. */
static struct {
    FILE *to, *from;
    pid_t pid;
} server;

static const char *pool; /* which one: the variant's name */

static void become_server(const char *python, int in, int out, int workers)
{
    char count[16];

    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(126);
    (void)snprintf(count, sizeof count, "%d", workers);
    (void)execlp(python, python, BENCH_FOLDER "/served.py", pool, count, (char *)NULL);
    _exit(127);
}

static void stop_server(void)
{
    (void)fclose(server.to);
    (void)fclose(server.from);
    (void)waitpid(server.pid, NULL, 0);
}

/* Debian's own interpreter, which finds Debian's packages, before another one. */
static void start_server(int workers)
{
    const char *const python =
        access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        bench_not_here("no pipe for the Python server");
    server.pid = fork();
    if (server.pid == 0)
        become_server(python, in[0], out[1], workers);
    (void)close(in[0]);
    (void)close(out[1]);
    server.to = fdopen(in[1], "w");
    server.from = fdopen(out[0], "r");
    if (server.pid < 0 || server.to == NULL || server.from == NULL)
        bench_not_here("no process for the Python server");
    (void)atexit(stop_server);
}

/* Ends the program as the server did: 77 where it said that something is missing. */
static void end_like_server(void)
{
    int status = 0;

    (void)waitpid(server.pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        bench_not_here("there is no Python (Debian: python3)");
    _exit(WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 77 : 1);
}

static void ask_loop(const char *verb, const struct bench_loop *loop)
{
    static const char *const kinds[BENCH_KINDS] = {
        [BENCH_EMPTY] = "empty", [BENCH_SPIN] = "spin",   [BENCH_SPINS] = "spins",
        [BENCH_BYTES] = "bytes", [BENCH_STAMP] = "stamp",
    };

    fprintf(server.to, "%s %s %zu", verb, kinds[loop->kind], loop->count);
    if (loop->kind == BENCH_SPIN)
        fprintf(server.to, " %" PRIu32, loop->turns_all);
    for (size_t i = 0; loop->kind == BENCH_SPINS && i < loop->count; i++)
        fprintf(server.to, " %" PRIu32, loop->turns[i]);
    (void)fputc('\n', server.to);
}

/* The server's answer, a number. */
static double answer(void)
{
    double number = 0;

    if (fflush(server.to) != 0 || fscanf(server.from, "%lf", &number) != 1)
        end_like_server();
    return number;
}

static void run_served(const struct bench_loop *loop, int workers)
{
    double number;

    if (server.to == NULL)
        start_server(workers);
    ask_loop("run", loop);
    number = answer();
    if (loop->kind == BENCH_STAMP)
        *loop->stamp = (uint64_t)number;
    else if ((size_t)number != loop->count) {
        fprintf(stderr, "%s: %.0f results of %zu tasks\n", pool, number, loop->count);
        exit(1);
    }
}

static double alone_served(const struct bench_loop *loop)
{
    if (server.to == NULL)
        start_server(1);
    ask_loop("alone", loop);
    return answer();
}

static void grow_served(size_t bytes)
{
    if (server.to == NULL)
        start_server(2);
    fprintf(server.to, "grow %zu\n", bytes);
    (void)answer();
}

int main(int argc, char **argv)
{
/* What a task costs, ns: bench/run --only Pool --only joblib. */
#define SERVED(NAME, NS)                                                                           \
    {                                                                                              \
        .name = NAME, .run = run_served, .alone = alone_served, .grow = grow_served, .task_ns = NS \
    }
    static const struct bench_variant variants[] = {
        SERVED("pool", 250),      SERVED("pool,1", 12500),   SERVED("loky", 3000),
        SERVED("loky,1", 170000), SERVED("joblib-mp", 3000),
    };

    pool = argc > 1 ? argv[1] : "";
    (void)signal(SIGPIPE, SIG_IGN); /* a server that is gone is told by its status */
    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
