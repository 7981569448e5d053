/* contract ROW [GROUP | PROMISE]...: checks the promises of promises.h on one
 * backend; without further words all of them.
 *
 * A line for each promise, "ok ..." or "FAIL ...", and "N passed, N failed" at
 * the end. Exit status: 0 when all held, 1 when one failed, 2 for a wrong
 * command line.
 *
 * contract ROW --check CHECK: how a promise starts this program anew, see
 * check_apart(). */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"
#include "promises.h"

enum {
    DEADLINE = CONTRACT_SANITIZED ? 240 : 60, /* seconds for one promise */
    PATIENCE = CONTRACT_SANITIZED ? 60 : 20,  /* seconds for an event inside one */
    LINES = 12,                               /* failures of one promise that are printed */
    BOARDS = 64
};

static const struct {
    const char *group, *promise;
    contract_fn *check;
} contract[] = {
#define CONTRACT_ENTRY(group, function, promise) { #group, promise, function },
    CONTRACT_PROMISES(CONTRACT_ENTRY)
#undef CONTRACT_ENTRY
};
enum { PROMISES = sizeof contract / sizeof *contract };

static const struct {
    const char *name;
    contract_fn *check;
} checks[] = {
#define CHECK_ENTRY(function) { #function, function },
    CONTRACT_CHECKS(CHECK_ENTRY)
#undef CHECK_ENTRY
};
enum { CHECKS = sizeof checks / sizeof *checks };

static const char *skipped; /* why the promise has no meaning here */
static struct {
    void *memory;
    size_t size;
} boards[BOARDS];
static int nboards;

/* -- Checks --------------------------------------------------------------- */

bool check_text(const char *got, const char *want, const char *file, int line, const char *claim)
{
    char saw[700];

    if (got != NULL && strcmp(got, want) == 0)
        return true;
    snprintf(saw, sizeof saw, "\"%s\", not \"%s\"", got ? got : "(null)", want);
    check_fail(file, line, claim, saw);
    return false;
}

bool check_status(furrow_status got, furrow_status want, const char *file, int line,
                  const char *claim)
{
    char saw[700];

    if (got == want)
        return true;
    snprintf(saw, sizeof saw, "\"%s\" (%s), not \"%s\"", furrow_strerror(got), furrow_message(),
             furrow_strerror(want));
    check_fail(file, line, claim, saw);
    return false;
}

void check_tally(const furrow_report *report, const unsigned char *outcome, size_t count)
{
    size_t seen[FURROW_SKIPPED + 1] = { 0 };
    size_t odd = 0;

    for (size_t i = 0; outcome != NULL && i < count; i++) {
        if (outcome[i] <= FURROW_SKIPPED)
            seen[outcome[i]]++;
        else
            odd++;
    }
    if (outcome != NULL) {
        CHECK_EQ(odd, 0);
        CHECK_EQ(seen[FURROW_PENDING], 0);
        CHECK_EQ(report->done, seen[FURROW_DONE]);
        CHECK_EQ(report->failed, seen[FURROW_FAILED]);
        CHECK_EQ(report->timed_out, seen[FURROW_TIMED_OUT]);
        CHECK_EQ(report->crashed, seen[FURROW_CRASHED]);
        CHECK_EQ(report->skipped, seen[FURROW_SKIPPED]);
    }
    CHECK_EQ(report->done + report->failed + report->timed_out + report->crashed + report->skipped,
             count);
}

void skip(const char *why)
{
    skipped = why;
}

/* -- Helpers -------------------------------------------------------------- */

void *board(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED || nboards == BOARDS) {
        check_say("no board of %zu bytes\n", size);
        exit(2);
    }
    boards[nboards].memory = memory;
    boards[nboards++].size = size;
    return memory;
}

static void clear_boards(void)
{
    while (nboards > 0) {
        nboards--;
        munmap(boards[nboards].memory, boards[nboards].size);
    }
}

double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

bool wait_up_to(double seconds, const atomic_uint *value, unsigned least)
{
    const struct timespec step = { 0, 200000 };
    double end = now() + seconds;

    while (look(value) < least) {
        if (now() > end)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

bool wait_until(const atomic_uint *value, unsigned least)
{
    return wait_up_to(PATIENCE, value, least);
}

/* -- A process of its own ------------------------------------------------- */

/* The environment with these variables in place of its own ones; owned. */
static char **environment_with(const char *const *variables)
{
    size_t own = 0, more = 0, n = 0;
    char **out;

    while (environ[own] != NULL)
        own++;
    while (variables[more] != NULL)
        more++;
    out = malloc((own + more + 1) * sizeof *out);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < more; i++)
        out[n++] = (char *)variables[i];
    for (size_t i = 0; i < own; i++) {
        bool replaced = false;

        for (size_t j = 0; j < more && !replaced; j++)
            replaced = strncmp(environ[i], variables[j], strcspn(variables[j], "=") + 1) == 0;
        if (!replaced)
            out[n++] = environ[i];
    }
    out[n] = NULL;
    return out;
}

/* Starts this program with standard error in `file`; returns its exit status,
 * -1 where it had none. */
static int run_apart(char **argv, char **environment, int file)
{
    posix_spawn_file_actions_t actions;
    int status = -1;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO);
    if (posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environment) == 0 &&
        waitpid(pid, &status, 0) == pid)
        status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

void check_apart(const struct row *row, const char *check, const char *const *variables, char *said)
{
    char *argv[] = { "contract", (char *)row->name, "--check", (char *)check, NULL };
    char **environment = environment_with(variables), text[SAID];
    int file = memfd_create("said", MFD_CLOEXEC);
    ssize_t length;

    if (!CHECK(file >= 0 && environment != NULL))
        return;
    if (!CHECK_EQ(run_apart(argv, environment, file), 0))
        said = text;
    length = said != NULL ? pread(file, said, SAID - 1, 0) : 0;
    if (said != NULL)
        said[length > 0 ? length : 0] = '\0';
    if (said == text)
        check_say("%s", text);
    close(file);
    free(environment);
}

/* In the new process: exit status 0 when the check held. */
static int check_here(const struct row *row, const char *name)
{
    for (int i = 0; i < CHECKS; i++) {
        if (strcmp(checks[i].name, name) != 0)
            continue;
        check_run.name = name;
        alarm(DEADLINE);
        checks[i].check(row);
        clear_boards();
        return atomic_load(check_run.failures) > 0;
    }
    check_say("no check is named %s\n", name);
    return 2;
}

/* -- The program ---------------------------------------------------------- */

static void begin_checks(void)
{
    check_run.descriptor = STDOUT_FILENO; /* standard error is the library's */
    check_run.most = LINES;
}

/* The promise hangs: say which one. Only what a signal handler may call. */
static void too_late(int number)
{
    static const char before[] = "FAIL ", after[] = ": still running at its deadline\n";

    (void)number;
    if (write(STDOUT_FILENO, before, sizeof before - 1) < 0 ||
        write(STDOUT_FILENO, check_run.name, strlen(check_run.name)) < 0 ||
        write(STDOUT_FILENO, after, sizeof after - 1) < 0)
        _exit(3);
    _exit(1);
}

static bool wanted(int number, char **words)
{
    if (*words == NULL)
        return true;
    for (; *words != NULL; words++)
        if (strcmp(*words, contract[number].group) == 0 ||
            strcmp(*words, contract[number].promise) == 0)
            return true;
    return false;
}

static int usage(void)
{
    check_say("usage: contract ROW [GROUP | PROMISE]...; rows:");
    for (int i = 0; row_at(i) != NULL; i++)
        check_say(" %s", row_at(i)->name);
    check_say("\n");
    for (int i = 0; i < PROMISES; i++)
        check_say("%-10s %s\n", contract[i].group, contract[i].promise);
    return 2;
}

int main(int argc, char **argv)
{
    const struct row *row = argc > 1 ? row_find(argv[1]) : NULL;
    int passed = 0, failed = 0, left_out = 0;

    begin_checks();
    if (row == NULL)
        return usage();
    rows_register();
    signal(SIGALRM, too_late);
    if (argc == 4 && strcmp(argv[2], "--check") == 0)
        return check_here(row, argv[3]);
    for (int i = 0; i < PROMISES; i++) {
        if (!wanted(i, argv + 2))
            continue;
        check_run.name = contract[i].promise;
        skipped = NULL;
        atomic_store(check_run.failures, 0);
        alarm(DEADLINE);
        contract[i].check(row);
        alarm(0);
        clear_boards();
        if (atomic_load(check_run.failures) > 0) {
            failed++;
        } else if (skipped != NULL) {
            check_say("skip %s: %s\n", check_run.name, skipped);
            left_out++;
        } else {
            check_say("ok %s\n", check_run.name);
            passed++;
        }
    }
    if (passed + failed + left_out == 0)
        return usage();
    check_say("%d passed, %d failed", passed, failed);
    if (left_out > 0)
        check_say(", %d without meaning here", left_out);
    check_say("\n");
    return failed > 0;
}
