/* A bare process backend: a forked child for each worker.
 *
 * For the tests alone. It shows that a job in progress lives in memory that
 * forked children share, and that what a supervisor is given suffices: it sees
 * deaths, ends tasks at their limit and replaces workers. A helper thread that
 * never uses OpenMP forks and supervises, so that children may open OpenMP
 * regions whatever the program did before. This file has no OpenMP. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

/* A task that asks furrow_task_expired() may leave by itself before it is
 * killed: seconds past its limit. */
static const double grace = 0.2;

struct child {
    pid_t pid;   /* 0: none */
    bool killed; /* at its limit */
};

struct crew {
    const furrow_crew *plan; /* borrowed */
    furrow_work *work;
    struct child *child;     /* one per worker; the supervisor's */
    atomic_uint *returned;   /* one per worker, shared with the children: left furrow_work_run() */
    furrow_status status;    /* by the supervisor, read after it was joined */
};

static void child_main(struct crew *crew, int worker)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    furrow_work_run(crew->work, worker);
    atomic_store(&crew->returned[worker], 1);
    _exit(0);
}

static bool child_make(struct crew *crew, int worker)
{
    pid_t pid;

    atomic_store(&crew->returned[worker], 0);
    pid = fork();
    if (pid == 0)
        child_main(crew, worker);
    if (pid < 0)
        return false;
    crew->child[worker] = (struct child){ .pid = pid };
    return true;
}

/* LLVM's OpenMP leaves a file behind where a process ends without exit(). */
static void remove_traces(pid_t pid)
{
    char name[64];

    snprintf(name, sizeof name, "/__KMP_REGISTERED_LIB_%d_%d", (int)pid, (int)getuid());
    shm_unlink(name);
}

/* The child is gone: is a replacement due? */
static bool child_buried(struct crew *crew, int worker, int status)
{
    struct child *child = &crew->child[worker];

    remove_traces(child->pid);
    child->pid = 0;
    if (atomic_load(&crew->returned[worker]))
        return false;
    furrow_work_lost(crew->work, worker, child->killed ? FURROW_TIMED_OUT : FURROW_CRASHED,
                     WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status));
    return !furrow_work_stopping(crew->work);
}

/* Looks after one child; returns whether there is one afterwards. */
static bool child_look_after(struct crew *crew, int worker)
{
    struct child *child = &crew->child[worker];
    int status = 0;

    if (child->pid == 0)
        return false;
    if (!child->killed && furrow_work_deadline(crew->work, worker) < -grace) {
        kill(child->pid, SIGKILL);
        child->killed = true;
    }
    if (waitpid(child->pid, &status, WNOHANG) == 0)
        return true;
    return child_buried(crew, worker, status) && child_make(crew, worker);
}

static void *supervise(void *argument)
{
    const struct timespec pause = { 0, 500000 };
    struct crew *crew = argument;
    int made = 0, alive;

    while (made < crew->plan->workers && child_make(crew, made))
        made++;
    if (made == 0)
        crew->status = furrow_work_fail(crew->work, FURROW_ESYS, "forked: fork: errno %d", errno);
    do {
        alive = 0;
        for (int i = 0; i < made; i++)
            alive += child_look_after(crew, i);
        if (alive > 0)
            nanosleep(&pause, NULL);
    } while (alive > 0);
    return NULL;
}

static furrow_status forked_run(const furrow_crew *plan, furrow_work *work)
{
    size_t workers = (size_t)plan->workers, bytes = workers * sizeof(atomic_uint);
    struct crew crew = { .plan = plan, .work = work, .status = FURROW_OK };
    pthread_t supervisor;

    crew.child = calloc(workers, sizeof *crew.child);
    crew.returned = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crew.child == NULL || crew.returned == MAP_FAILED ||
        pthread_create(&supervisor, NULL, supervise, &crew) != 0) {
        crew.status = furrow_work_fail(work, FURROW_ESYS, "forked: no supervisor");
    } else {
        if (plan->caller_serves)
            furrow_work_serve(work);
        pthread_join(supervisor, NULL);
    }
    if (crew.returned != MAP_FAILED)
        munmap(crew.returned, bytes);
    free(crew.child);
    return crew.status;
}

static int forked_capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return 64;
}

const furrow_backend forked_backend = {
    .size = sizeof(furrow_backend),
    .name = "forked",
    .caps = FURROW_CAP_READS_HERE | FURROW_CAP_ISOLATES | FURROW_CAP_KILLS,
    .capacity = forked_capacity,
    .run = forked_run,
};
