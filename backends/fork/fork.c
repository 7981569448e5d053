/* The fork backend: crash-isolated workers that read the program's memory as it
 * is when the job starts, and claim their tasks from the ranges in the mapping
 * that the job lives in. Nothing is marshalled.
 *
 * A thread made for the job forks the nursery (nursery.c), which forks and
 * looks after the workers (worker.c). The thread is fresh, so that it never
 * used OpenMP, and its stack, which all of them have as their first one, is as
 * large as the main thread's. Should the nursery itself be killed, the thread
 * settles what its workers left and starts another one. docs/fork.md has the
 * states. */
#include "table.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oom.h"
#include "runtime/memory.h"
#include "runtime/poolenv.h"
#include "runtime/work.h"
#include "sweep.h"

extern const furrow_backend fw_fork;

enum {
    WORKERS_MOST = 4096,
    NURSERIES_LOST_MOST = 3, /* in a row, before a first worker */
    FORK_TRIES = 4           /* of a fork that is refused, 1, 10 and 100 ms apart */
};

static void pause_ms(long ms)
{
    const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&pause, NULL);
}

/* -- The table ---------------------------------------------------------- */

/* Leases differ by one CPU at most. */
static void make_environments(struct fw_fork_table *table)
{
    int most = table->lease[0].cpus;

    table->least = most;
    for (int w = 1; w < table->workers; w++) {
        const int cpus = table->lease[w].cpus;

        table->least = cpus < table->least ? cpus : table->least;
        most = cpus > most ? cpus : most;
    }
    for (int more = 0; more <= most - table->least && more < 2; more++)
        table->environment[more] = fw_poolenv_make(table->work->inner_threads, table->least + more);
}

static struct fw_fork_table *table_open(const furrow_crew *crew, furrow_work *work)
{
    const size_t bytes =
        sizeof(struct fw_fork_table) + (size_t)crew->workers * sizeof(struct fw_fork_member);
    struct fw_fork_table *table = fw_block_alloc(bytes, true);

    if (table == NULL)
        return NULL;
    table->bytes = bytes;
    table->work = work;
    table->lease = crew->lease;
    table->workers = crew->workers;
    table->caller = getpid();
    atomic_init(&table->oom.kills, -1);
    make_environments(table);
    return table;
}

static void table_close(struct fw_fork_table *table)
{
    for (int more = 0; more < 2; more++)
        fw_poolenv_drop(table->environment[more]);
    fw_block_free(table, table->bytes, true);
}

/* -- The nursery, seen from outside -------------------------------------- */

static furrow_status refused(furrow_work *work, int error)
{
    if (error == ENOMEM)
        return furrow_work_fail(
            work, FURROW_ESYS,
            "fork: no memory for a process (%s); the program is too large to be copied "
            "here: raise its memory limit, or use FURROW_BACKEND=openmp",
            strerror(error));
    return furrow_work_fail(
        work, FURROW_ESYS,
        "fork: the system allows no more processes (%s); raise ulimit -u or the cgroup's "
        "pids.max, end other processes, or use FURROW_BACKEND=openmp",
        strerror(error));
}

static pid_t start_nursery(struct fw_fork_table *table)
{
    pid_t pid = fw_fork_nursery(table);

    for (long ms = 1, tries = 1; pid < 0 && tries < FORK_TRIES; tries++, ms *= 10) {
        pause_ms(ms);
        pid = fw_fork_nursery(table);
    }
    return pid;
}

/* Waits for the nursery's end and reaps it. While the table is attached wake()
 * may signal it: not once its number may belong to another process. A program
 * that reaps all its children may have been faster: that is an end too. */
static void await_nursery(struct fw_fork_table *table, pid_t pid)
{
    siginfo_t info;

    atomic_store(&table->nursery, (int32_t)pid);
    furrow_work_attach(table->work, table);
    if (furrow_work_urgent(table->work)) /* wake() may have come too early */
        (void)kill(pid, FW_FORK_WAKE);
    fw_fork_oom_begin(&table->oom);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    furrow_work_attach(table->work, NULL);
    fw_fork_sweep(pid);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* -- A nursery that was killed ------------------------------------------- */

/* Whether this process, no child of ours, has ended; one that nobody reaps has. */
static bool has_ended(pid_t pid)
{
    char path[40], text[512];
    const char *state;
    FILE *file;
    size_t n = 0;

    if (kill(pid, 0) != 0 && errno == ESRCH)
        return true;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "re");
    if (file != NULL) {
        n = fread(text, 1, sizeof text - 1, file);
        (void)fclose(file);
    }
    text[n] = '\0';
    state = strrchr(text, ')'); /* a name may hold anything, the state comes after it */
    return file == NULL ||
           (state != NULL && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X'));
}

/* Its workers end with it; what they ran is settled here. */
static void settle_orphans(struct fw_fork_table *table)
{
    for (int w = 0; w < table->workers; w++) {
        struct fw_fork_member *member = &table->member[w];
        const pid_t pid = atomic_load(&member->pid);

        if (pid == 0)
            continue;
        fw_fork_kill(member);
        while (!has_ended(pid))
            pause_ms(1);
        fw_fork_sweep(pid);
        (void)waitpid(pid, NULL, WNOHANG); /* ours, in a program that adopts orphans */
        if (atomic_load(&member->left) == 0)
            furrow_work_lost(table->work, w, FURROW_CRASHED, SIGKILL);
        atomic_store(&member->pid, 0);
    }
}

/* -- The forking thread --------------------------------------------------- */

struct forker {
    struct fw_fork_table *table;
    furrow_status status;
};

/* What each child would fetch for itself else: this library's thread-local data. */
static void touch_locals(void)
{
    (void)fw_context_here();
}

static void *fork_and_wait(void *argument)
{
    struct forker *forker = argument;
    struct fw_fork_table *table = forker->table;
    int lost = 0;

    touch_locals();
    do {
        pid_t pid = start_nursery(table);

        if (pid < 0) {
            forker->status = refused(table->work, errno);
            break;
        }
        await_nursery(table, pid);
        if (atomic_load(&table->over) != 0)
            break;
        lost = table->made > 0 ? 0 : lost + 1;
        settle_orphans(table);
        if (lost == NURSERIES_LOST_MOST)
            forker->status = furrow_work_fail(
                table->work, FURROW_ESYS,
                "fork: the process that forks the workers was killed %d times in a row; "
                "look for a limit of memory or processes, or use FURROW_BACKEND=openmp",
                lost);
    } while (!furrow_work_stopping(table->work));
    if (atomic_load(&table->over) != 0 && table->made == 0 && table->refused != 0)
        forker->status = refused(table->work, table->refused);
    return NULL;
}

enum { STACK_LEAST = 256 << 10 };

/* Bytes for the stack of a worker: what the main thread has. */
static size_t stack_size(void)
{
    const size_t unlimited = (size_t)1 << 30, least = (size_t)1 << 20;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct rlimit limit;
    size_t size;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return unlimited;
    size = limit.rlim_cur > SIZE_MAX / 2 ? unlimited : (size_t)limit.rlim_cur;
    size = size < least ? least : size;
    return (size + page - 1) / page * page;
}

/* With the C library's own memory, which it keeps for the next thread. It is
 * reserved, not used: pages cost when they are touched. Half of it where the
 * address space is limited, and so on. */
static int create_forker(struct forker *forker, pthread_attr_t *attr, pthread_t *thread)
{
    int error = EAGAIN;

    for (size_t size = stack_size(); error == EAGAIN && size >= STACK_LEAST; size /= 2) {
        (void)pthread_attr_setstacksize(attr, size);
        error = pthread_create(thread, attr, fork_and_wait, forker);
    }
    return error;
}

/* Starts the thread with all signals blocked: they are for the program's own. */
static int start_forker(struct forker *forker, pthread_t *thread)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error;

    if ((error = pthread_attr_init(&attr)) != 0)
        return error;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = create_forker(forker, &attr, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return error;
}

/* -- The backend ---------------------------------------------------------- */

static furrow_status run_with(const furrow_crew *crew, struct fw_fork_table *table)
{
    struct forker forker = { .table = table, .status = FURROW_OK };
    pthread_t thread;
    int error;

    error = start_forker(&forker, &thread);
    if (error == 0) {
        if (crew->caller_serves)
            furrow_work_serve(table->work);
        (void)pthread_join(thread, NULL);
    }
    if (error != 0)
        return furrow_work_fail(table->work, FURROW_ESYS,
                                "fork: no thread to fork from (%s); raise ulimit -u, the cgroup's "
                                "pids.max, or ulimit -v",
                                strerror(error));
    if (table->made < crew->workers && table->refused != 0)
        furrow_work_note(table->work,
                         "only %d of %d workers: the system allows no more processes "
                         "(ulimit -u, pids.max, memory)",
                         table->made, crew->workers);
    return forker.status;
}

static furrow_status fork_run(const furrow_crew *crew, furrow_work *work)
{
    struct fw_fork_table *table = table_open(crew, work);
    furrow_status status;

    if (table == NULL)
        return furrow_work_fail(work, FURROW_ENOMEM,
                                "fork: no memory for what the processes of a job share; "
                                "raise ulimit -v or the cgroup's memory limit");
    fw_fork_oom_find();
    status = run_with(crew, table);
    table_close(table);
    return status;
}

/* Any thread or signal handler, of the caller, the nursery or a worker. */
static void fork_wake(furrow_work *work)
{
    const struct fw_fork_table *table = furrow_work_attached(work);

    if (table != NULL && furrow_work_urgent(work))
        (void)kill(atomic_load(&table->nursery), FW_FORK_WAKE);
}

#if defined(__SANITIZE_THREAD__)
enum { CHECKS_THREADS = 1 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { CHECKS_THREADS = 1 };
#else
enum { CHECKS_THREADS = 0 };
#endif
#else
enum { CHECKS_THREADS = 0 };
#endif

static int fork_capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    struct rlimit limit;

    (void)config;
    if (CHECKS_THREADS) {
        (void)snprintf(why, FURROW_MESSAGE,
                       "ThreadSanitizer does not follow the forks of a program with threads");
        return 0;
    }
    if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur > WORKERS_MOST)
        return WORKERS_MOST;
    /* The program, the thread that forks and the nursery count too. */
    if (limit.rlim_cur > 3)
        return (int)limit.rlim_cur - 3;
    (void)snprintf(why, FURROW_MESSAGE, "the limit of processes is %llu; raise ulimit -u",
                   (unsigned long long)limit.rlim_cur);
    return 0;
}

const furrow_backend fw_fork = {
    .size = sizeof(furrow_backend),
    .name = "fork",
    .caps = FURROW_CAP_READS_HERE | FURROW_CAP_ISOLATES | FURROW_CAP_KILLS,
    .capacity = fork_capacity,
    .run = fork_run,
    .wake = fork_wake,
};
