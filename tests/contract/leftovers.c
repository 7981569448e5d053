/* After each kind of job: no descriptor, child, mapping or thread is left. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "promises.h"

/* -- What a process has --------------------------------------------------- */

struct belongings {
    int files, threads, shared_mappings, children;
};

/* Entries of a folder of numbers. */
static int entries(const char *path)
{
    DIR *folder = opendir(path);
    int n = 0;

    if (!CHECK(folder != NULL))
        return -1;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

/* Shared by permission ("rw-s"), or of a memory file. */
static int shared_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int n = 0;

    if (!CHECK(maps != NULL))
        return -1;
    while (fgets(line, sizeof line, maps) != NULL) {
        const char *rights = strchr(line, ' ');

        n += rights != NULL && (rights[4] == 's' || strstr(line, "memfd:") != NULL);
    }
    fclose(maps);
    return n;
}

static int children(void)
{
    siginfo_t info = { .si_pid = 0 };

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static struct belongings belongings_now(void)
{
    return (struct belongings){ entries("/proc/self/fd"), entries("/proc/self/task"),
                                shared_mappings(), children() };
}

/* A thread that was joined may still be listed for a moment. */
static int threads_within_reason(int want)
{
    double end = now() + 20;
    int threads;

    while ((threads = entries("/proc/self/task")) > want && now() < end)
        usleep(200);
    return threads;
}

/* -- Kinds of jobs -------------------------------------------------------- */

enum { COUNT = 60 };

static int work(furrow_task *task)
{
    memset(task->out, 1, 8);
    return 0;
}

static int fail_at_30(furrow_task *task)
{
    return task->index == 30 ? furrow_task_fail(task, 2, "words") : work(task);
}

static int reply(furrow_task *task)
{
    static char bytes[100000];

    return furrow_task_reply(task, bytes, sizeof bytes - task->index);
}

static int late_at_9(furrow_task *task)
{
    while (task->index == 9 && !furrow_task_expired(task))
        usleep(1000);
    return work(task);
}

static int die_at_9(furrow_task *task)
{
    if (task->index == 9)
        raise(SIGKILL);
    return work(task);
}

static int start_inner(furrow_task *task)
{
    uint64_t out[10];
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = work, .count = 10, .out = out, .out_size = 8 };

    config.backend = "posix";
    config.jobs = 2;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    return work(task);
}

static int push_and_leave(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    CHECK_STATUS(furrow_config_push(&config), FURROW_OK);
    return work(task);
}

static int take(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

static int refuse_third(const furrow_result *result, void *user)
{
    (void)user;
    return result->index == 3;
}

static int make(void *in, void *user)
{
    int *made = user;

    memset(in, 0, 8);
    return ++*made <= COUNT ? FURROW_NEXT_ONE : FURROW_NEXT_END;
}

/* A kind: how it differs from a plain map, and how it ends. */
static const struct kind {
    const char *name;
    furrow_task_fn run;
    int (*on_result)(const furrow_result *result, void *user);
    bool next, cost, in_processes;
    double timeout;
    int retries;
    furrow_status status;
} kinds[] = {
    { .name = "plain", .run = work },
    { .name = "failing", .run = fail_at_30, .status = FURROW_ETASK },
    { .name = "retried", .run = fail_at_30, .retries = 2, .status = FURROW_ETASK },
    { .name = "served", .run = work, .on_result = take },
    { .name = "streamed", .run = work, .on_result = take, .next = true },
    { .name = "replies", .run = reply, .on_result = take },
    { .name = "refused", .run = reply, .on_result = refuse_third, .status = FURROW_ECANCELLED },
    { .name = "cost", .run = work, .cost = true },
    { .name = "late", .run = late_at_9, .timeout = 0.05, .status = FURROW_ETIMEDOUT },
    { .name = "nested", .run = start_inner },
    { .name = "pushed", .run = push_and_leave },
    { .name = "dying", .run = die_at_9, .in_processes = true, .status = FURROW_EWORKER },
    { .name = "dying again",
      .run = die_at_9,
      .on_result = take,
      .in_processes = true,
      .retries = 2,
      .status = FURROW_EWORKER },
};

static void run_kind(const struct row *row, const struct kind *kind)
{
    uint64_t out[COUNT];
    float cost[COUNT];
    int made = 0;
    furrow_config config = row_config(row);
    furrow_job job = { .run = kind->run,
                       .count = COUNT,
                       .in_size = kind->next ? 8 : 0,
                       .out = out,
                       .out_size = 8,
                       .cost = kind->cost ? cost : NULL,
                       .next = kind->next ? make : NULL,
                       .on_result = kind->on_result,
                       .user = &made };

    for (int i = 0; i < COUNT; i++)
        cost[i] = i % 7 == 0 ? 100 : 1;
    config.timeout = kind->timeout;
    config.retries = kind->retries;
    CHECK_STATUS(furrow_map(&job, &config, NULL), kind->status);
}

static void check_nothing_left(const struct row *row, const struct belongings *before)
{
    struct belongings after = belongings_now();

    CHECK_EQ(after.files, before->files);
    CHECK_EQ(after.shared_mappings, before->shared_mappings);
    CHECK_EQ(after.children, before->children);
    if (strcmp(row->backend, "openmp") != 0) /* its threads may stay */
        CHECK_EQ(threads_within_reason(before->threads), before->threads);
}

void no_job_leaves_anything(const struct row *row)
{
    struct belongings before;

    run_kind(row, &kinds[0]); /* what is made once per process */
    before = belongings_now();
    CHECK_EQ(before.children, 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].in_processes && row->place != PROCESSES)
            continue;
        run_kind(row, &kinds[i]);
        check_nothing_left(row, &before);
    }
}

static void nothing(size_t begin, size_t end, void *user)
{
    (void)begin, (void)end, (void)user;
}

static int fold(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)shared;
    *(uint64_t *)acc += end - begin;
    return begin == 700 ? 1 : 0;
}

static void join(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(uint64_t *)acc += *(const uint64_t *)later;
}

void no_loop_leaves_anything(const struct row *row)
{
    uint64_t result = 0;
    furrow_config config = row_config(row);
    furrow_reduction reduction = { .count = 700,
                                   .fold = fold,
                                   .combine = join,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = 7 };
    struct belongings before;

    run_kind(row, &kinds[0]);
    before = belongings_now();
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_OK);
    check_nothing_left(row, &before);
    reduction.count = 1000;
    CHECK_STATUS(furrow_reduce(&reduction, &config, NULL), FURROW_ETASK);
    check_nothing_left(row, &before);
    if (row->place == PROCESSES)
        return; /* openmp instead, whose threads may stay */
    CHECK_STATUS(furrow_for(1000, nothing, NULL, &config), FURROW_OK);
    check_nothing_left(row, &before);
}

/* On every number of jobs, in one process: nothing that adds up. */
void nothing_adds_up(const struct row *row)
{
    struct belongings before;

    run_kind(row, &kinds[0]);
    before = belongings_now();
    for (int i = 0; i < 50; i++)
        run_kind(row, &kinds[i % 6]);
    check_nothing_left(row, &before);
}

/* -- Files ---------------------------------------------------------------- */

/* Processes of a job: those that run tasks, and those that made them. */
struct processes {
    atomic_int runs[COUNT], made_by[COUNT];
};

static int note_processes(furrow_task *task)
{
    struct processes *processes = (struct processes *)task->shared;

    atomic_store(&processes->runs[task->index], (int)getpid());
    atomic_store(&processes->made_by[task->index], (int)getppid());
    return 0;
}

/* LLVM's OpenMP has a file for each process that it runs in. */
static void check_no_file(int process)
{
    char path[80];

    snprintf(path, sizeof path, "/dev/shm/__KMP_REGISTERED_LIB_%d_%d", process, (int)getuid());
    CHECK(process == (int)getpid() || access(path, F_OK) != 0);
}

void no_process_leaves_a_file(const struct row *row)
{
    struct processes *processes = board(sizeof *processes);
    furrow_config config = row_config(row);
    furrow_job job = { .run = note_processes, .count = COUNT, .shared = processes };

    if (row->place != PROCESSES) {
        skip("tasks are not in processes of their own");
        return;
    }
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    for (int i = 0; i < COUNT; i++) {
        check_no_file(atomic_load(&processes->runs[i]));
        check_no_file(atomic_load(&processes->made_by[i]));
    }
}

/* -- Signals -------------------------------------------------------------- */

void signals_as_before(const struct row *row)
{
    struct sigaction before, after;

    for (int number = 1; number < 32; number++) {
        if (sigaction(number, NULL, &before) != 0)
            continue;
        run_kind(row, &kinds[number % 6]);
        sigaction(number, NULL, &after);
        CHECK(before.sa_handler == after.sa_handler);
    }
}
