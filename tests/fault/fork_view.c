/* What a task sees of the program, and what the program sees of its tasks: docs/
 * fork.md says each of these. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

enum { TASKS = 200 };

struct board {
    atomic_uint handlers, ran, late;
    atomic_uint threads_here;
};
static struct board *board;

static furrow_status run_with(furrow_config config, furrow_task_fn task, size_t count,
                              furrow_report *report)
{
    const furrow_job job = { .run = task, .count = count };

    memset(board, 0, sizeof *board);
    return furrow_map(&job, &config, report);
}

static furrow_status run(furrow_task_fn task, size_t count, furrow_report *report)
{
    return run_with(fault_config(2), task, count, report);
}

/* -- What is printed ----------------------------------------------------------- */

static FILE *record; /* opened before the job */

static int print(furrow_task *task)
{
    printf("task %zu\n", task->index);
    fprintf(record, "task %zu\n", task->index);
    if (task->index == 150)
        exit(0);
    return 0;
}

static void at_exit(void)
{
    atomic_fetch_add(&board->handlers, 1);
}

/* In a process of its own, whose standard output is a file. */
static void print_there(int file, int other)
{
    furrow_report report;

    (void)dup2(file, STDOUT_FILENO);
    record = fdopen(dup(other), "w");
    (void)atexit(at_exit);
    printf("before\n");
    fprintf(record, "before\n");
    CHECK_EQ(run(print, TASKS, &report), FURROW_EWORKER);
    CHECK_EQ(atomic_load(&board->handlers), 0); /* exit() in a task runs none of the program's */
    printf("after\n");
    fprintf(record, "after\n");
    (void)fclose(record);
    exit(fault_end());
}

/* Each line once. */
static void check_text(int file)
{
    static char text[1 << 16];
    const ssize_t n = pread(file, text, sizeof text - 1, 0);
    unsigned seen[TASKS] = { 0 }, before = 0, after = 0, others = 0;

    text[n > 0 ? n : 0] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        unsigned index;

        if (sscanf(line, "task %u", &index) == 1 && index < TASKS)
            seen[index]++;
        else if (strcmp(line, "before") == 0)
            before++;
        else if (strcmp(line, "after") == 0)
            after++;
        else
            others++;
    }
    CHECK_EQ(before, 1);
    CHECK_EQ(after, 1);
    CHECK_EQ(others, 0);
    for (int i = 0; i < TASKS; i++)
        CHECK_EQ(seen[i], 1);
}

static void printed_once(void)
{
    const int file = memfd_create("printed", 0), other = memfd_create("recorded", 0);
    pid_t pid;

    fault_case("what tasks print");
    (void)fcntl(file, F_SETFL, O_APPEND);
    (void)fcntl(other, F_SETFL, O_APPEND);
    pid = fork();
    if (pid == 0)
        print_there(file, other);
    CHECK_EQ(fault_reap(pid), 0);
    check_text(file);
    check_text(other);
    (void)close(file);
    (void)close(other);
}

/* -- The process ----------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
}

static int descriptor;

static int look(furrow_task *task)
{
    struct sigaction action;
    struct rlimit core;
    char folder[4096];

    (void)task;
    CHECK_EQ(getpgrp(), getpid()); /* leads its own group */
    CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == on_signal);
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    CHECK(sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    CHECK(sigaction(SIGTTIN, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    CHECK(getcwd(folder, sizeof folder) != NULL && strcmp(folder, "/") == 0);
    CHECK(fcntl(descriptor, F_GETFD) >= 0);
    CHECK(getrlimit(RLIMIT_CORE, &core) == 0);
    CHECK_EQ(furrow_level(), 1);
    return 0;
}

static void process(void)
{
    furrow_report report;
    struct sigaction action;

    fault_case("signals, folder and descriptors");
    descriptor = open("/dev/null", O_RDONLY);
    (void)signal(SIGUSR1, on_signal);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGCHLD, SIG_IGN); /* no zombies: the program must not lose the nursery either */
    CHECK_EQ(chdir("/"), 0);
    CHECK_EQ(run(look, TASKS, &report), FURROW_OK);
    CHECK(sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGUSR1, SIG_DFL);
    (void)close(descriptor);
}

/* A program that reaps whatever there is. */
static void reap_all(int number)
{
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

static int count(furrow_task *task)
{
    (void)task;
    atomic_fetch_add(&board->ran, 1);
    return 0;
}

static void reaping(void)
{
    furrow_report report;

    fault_case("a program that reaps all its children");
    (void)signal(SIGCHLD, reap_all);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(run(count, TASKS, &report), FURROW_OK);
        CHECK_EQ(atomic_load(&board->ran), TASKS);
    }
    (void)signal(SIGCHLD, SIG_DFL);
}

/* -- CPUs and variables ------------------------------------------------------------ */

static int own_cpus(furrow_task *task)
{
    cpu_set_t set;
    const char *threads = getenv("OMP_NUM_THREADS"), *blas = getenv("OPENBLAS_NUM_THREADS");

    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    CHECK_EQ(CPU_COUNT(&set), task->cpus);
    CHECK(threads != NULL && atoi(threads) == task->cpus);
    CHECK(blas != NULL && atoi(blas) == 1); /* what the user set stays */
    CHECK_EQ(furrow_cpu_count(0), task->cpus);
    return 0;
}

static void leases(void)
{
    furrow_config config = fault_config(furrow_cpu_count(0));
    furrow_report report;
    cpu_set_t before, after;

    fault_case("CPUs and variables");
    (void)setenv("OPENBLAS_NUM_THREADS", "1", 1);
    config.bind = FURROW_BIND_LEASE;
    CHECK_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    CHECK_EQ(run_with(config, own_cpus, TASKS, &report), FURROW_OK);
    config.jobs = 1;
    CHECK_EQ(run_with(config, own_cpus, TASKS, &report), FURROW_OK);
    CHECK_EQ(sched_getaffinity(0, sizeof after, &after), 0);
    CHECK(CPU_EQUAL(&before, &after));
    CHECK(getenv("OMP_NUM_THREADS") == NULL);
}

/* More variables than are usual, which the worker then makes room for. */
static void many_variables(void)
{
    enum { MANY = 400 };
    char name[32];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "FURROW_TEST_VIEW_%d", i);
        CHECK_EQ(setenv(name, "1", 1), 0);
    }
    leases();
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "FURROW_TEST_VIEW_%d", i);
        CHECK_EQ(unsetenv(name), 0);
    }
}

static int all_cpus(furrow_task *task)
{
    cpu_set_t set;

    (void)task;
    CHECK_EQ(sched_getaffinity(0, sizeof set, &set), 0);
    CHECK_EQ(CPU_COUNT(&set), *(const int *)task->shared);
    return 0;
}

/* The thread that starts a job may be bound to one CPU: workers are not. */
static void unbound(void)
{
    furrow_config config = fault_config(2);
    const int cpus = furrow_cpu_count(0);
    const furrow_job job = { .run = all_cpus, .count = TASKS, .shared = &cpus };
    cpu_set_t before, one;

    fault_case("a caller that is bound");
    config.bind = FURROW_BIND_NONE;
    CHECK_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

/* -- Threads of a task ---------------------------------------------------------------- */

static void *look_from_thread(void *task)
{
    const int cpus = ((furrow_task *)task)->cpus;

    CHECK_EQ(furrow_level(), 1);
    CHECK_EQ(furrow_cpu_count(0), cpus);
    CHECK(strcmp(furrow_backend_name(), "fork") == 0);
    atomic_fetch_add(&board->threads_here, 1);
    return NULL;
}

static int start_thread(furrow_task *task)
{
    pthread_t thread;

    if (CHECK(pthread_create(&thread, NULL, look_from_thread, task) == 0))
        (void)pthread_join(thread, NULL);
    return 0;
}

static void threads(void)
{
    furrow_report report;

    fault_case("threads that a task starts");
    CHECK_EQ(run(start_thread, 20, &report), FURROW_OK);
    CHECK_EQ(atomic_load(&board->threads_here), 20);
    CHECK_EQ(furrow_level(), 0);
}

/* -- Locks that another thread holds ---------------------------------------------------- */

struct busy {
    atomic_uint stop;
};

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

static int pause_in_begin(int worker, const void *shared, void **state)
{
    (void)worker, (void)shared, (void)state;
    return 0;
}

/* Takes and gives back everything of ours that has a lock. */
static void *keep_busy(void *argument)
{
    struct busy *busy = argument;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    const furrow_job job = { .run = nothing, .count = 4, .worker_begin = pause_in_begin };

    config.backend = "openmp";
    config.jobs = 1;
    while (atomic_load(&busy->stop) == 0) {
        furrow_free(furrow_alloc(100));
        CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    }
    return NULL;
}

static int use_all(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    const furrow_job job = { .run = nothing, .count = 4, .worker_begin = pause_in_begin };

    (void)task;
    furrow_free(furrow_alloc(100));
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    furrow_cancel();
    return 0;
}

static void locks(void)
{
    struct busy busy = { 0 };
    furrow_report report;
    pthread_t thread;

    fault_case("another thread in the middle of a job");
    if (!CHECK(pthread_create(&thread, NULL, keep_busy, &busy) == 0))
        return;
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(run(use_all, 1, &report),
                 FURROW_ECANCELLED); /* in a task it stops this job, no other one */
        CHECK_EQ(report.done, 1);
    }
    atomic_store(&busy.stop, 1);
    (void)pthread_join(thread, NULL);
}

int main(void)
{
    board = fault_board(sizeof *board);
    (void)furrow_cpu_count(0); /* counts before anything is bound */
    printed_once();
    process();
    reaping();
    leases();
    many_variables();
    unbound();
    threads();
    if (!FAULT_SANITIZED) /* the sanitizer's own malloc() has locks that a child keeps */
        locks();
    return fault_end();
}
