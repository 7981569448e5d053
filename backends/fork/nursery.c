/* The nursery: a process with one thread, forked once per job, that forks the
 * workers, ends them at their limits, replaces the dead, and ends last.
 *
 * A replacement so sees the program's memory as it was when the job started,
 * and no lock that another thread of the program holds now. It sleeps for
 * signals, all of them blocked, and asks the kernel who ended: no descriptor is
 * needed, and what it has not reaped keeps its number. This is the only file
 * that forks; no OpenMP construct in it (clang's children crash otherwise).
 *
 * States of a worker here: VACANT -> RUNS (forked) -> VACANT (ended, reaped).
 * A task past its limit: RUNS -> ASKED (SIGSTOP sent) -> RUNS (it had ended
 * meanwhile: SIGCONT) or DOOMED (its group was killed) -> VACANT. The stop is
 * there so that no task is killed for the one before it. One that another
 * stopped while it ran no task: RUNS -> DOOMED after three seconds. */
#include "table.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oom.h"
#include "runtime/printing.h"
#include "runtime/work.h"
#include "sweep.h"

/* Times in seconds. A task that asks furrow_task_expired() may return by itself
 * after its limit: for a twentieth of it, at least 3 ms and at most 0.25 s. */
static const double grace_share = 0.05, grace_least = 0.003, grace_most = 0.25;
static const double stop_patience = 0.002; /* for a SIGSTOP to be obeyed */
static const double fork_again = 0.05;     /* between tries of a fork that is refused */
/* Between looks at a worker that was stopped idle. A batch system that suspends a
 * job stops the workers first and, with SIGSTOP, the nursery some seconds later
 * (Slurm: suspend_grace_time, 2 s). */
static const double stopped_look = 0.75;
enum {
    FORK_TRIES = 5,   /* where no worker is there at all */
    STOPPED_LOOKS = 4 /* that find it so, before it is ended */
};

struct nursery {
    struct fw_fork_table *table;
    pid_t self;
    sigset_t events;
    double grace; /* that a task may be late */
};

static double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* -- Beginning ------------------------------------------------------------ */

/* Ends when the thread that forked it does, with time to take the workers' own
 * processes away. */
static void nursery_join(struct nursery *n)
{
    const struct sigaction usual = { .sa_handler = SIG_DFL };
    static const int signals[] = { SIGCHLD, FW_FORK_ORPHANED, FW_FORK_WAKE };

    n->self = getpid();
    (void)sigemptyset(&n->events);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        (void)sigaddset(&n->events, signals[i]);
    /* Ignored by the program, its children would be reaped by the kernel. */
    (void)sigaction(SIGCHLD, &usual, &n->table->child_action);
    (void)prctl(PR_SET_PDEATHSIG, FW_FORK_ORPHANED);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* of what tasks start and leave behind */
    (void)prctl(PR_GET_NAME, n->table->name);
    (void)prctl(PR_SET_NAME, "furrow-nursery");
}

static bool orphaned(const struct nursery *n)
{
    return getppid() != n->table->caller;
}

/* -- Making a worker ------------------------------------------------------- */

/* False: the system refuses, with errno. */
static bool worker_make(struct nursery *n, int worker)
{
    struct fw_fork_member *member = &n->table->member[worker];
    pid_t pid;

    atomic_store(&member->left, 0);
    pid = fork();
    if (pid == 0)
        fw_fork_worker(n->table, worker, n->self);
    if (pid < 0)
        return false;
    (void)setpgid(pid, pid); /* here and there: whoever is first */
    member->state = FW_FORK_RUNS;
    member->verdict = FURROW_CRASHED;
    member->stopped = false;
    member->looks = 0;
    atomic_store(&member->pid, (int32_t)pid);
    return true;
}

static int workers_there(const struct nursery *n)
{
    int there = 0;

    for (int w = 0; w < n->table->workers; w++)
        there += n->table->member[w].state != FW_FORK_VACANT;
    return there;
}

static void pause_seconds(double s)
{
    const struct timespec pause = { 0, (long)(s * 1e9) };

    (void)nanosleep(&pause, NULL);
}

/* With no worker at all it is worth waiting for the system to have room; with
 * some the job goes on with those. */
static bool worker_make_or_wait(struct nursery *n, int worker)
{
    int tries = 1;

    while (!worker_make(n, worker)) {
        n->table->refused = errno;
        if (workers_there(n) > 0 || tries++ == FORK_TRIES || orphaned(n))
            return false;
        pause_seconds(fork_again);
    }
    return true;
}

static void workers_make(struct nursery *n)
{
    int made = 0;

    while (made < n->table->workers && !furrow_work_stopping(n->table->work) &&
           worker_make_or_wait(n, made))
        made++;
    n->table->made = made;
}

/* -- A worker's end -------------------------------------------------------- */

void fw_fork_kill(const struct fw_fork_member *member)
{
    const pid_t pid = atomic_load(&member->pid);

    if (pid <= 1)
        return;
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL); /* before it leads its group */
}

/* Takes away what has ended and is ours, and what it left outside itself. */
static void bury(pid_t pid)
{
    fw_fork_sweep(pid);
    (void)waitpid(pid, NULL, WNOHANG);
}

/* Ended, not yet reaped: its group still has its number. What it left in the
 * group is ours now, and ends with it. */
static void worker_reap(struct nursery *n, int worker)
{
    struct fw_fork_member *member = &n->table->member[worker];
    const pid_t pid = atomic_load(&member->pid);
    bool reaped = false;
    siginfo_t info;

    (void)kill(-pid, SIGKILL);
    while (waitid(P_PGID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 || errno == EINTR)
        if (info.si_pid > 0) {
            bury(info.si_pid);
            reaped = reaped || info.si_pid == pid;
        }
    if (!reaped)
        bury(pid); /* it had left its group */
    atomic_store(&member->pid, 0);
    member->state = FW_FORK_VACANT;
}

/* A job that goes on has workers: a replacement, or others. */
static void worker_replace(struct nursery *n, int worker)
{
    furrow_work *work = n->table->work;

    if (furrow_work_stopping(work) || worker_make_or_wait(n, worker) || workers_there(n) > 0)
        return;
    (void)furrow_work_fail(work, FURROW_ESYS,
                           "fork: the system allows no new process in place of a dead worker (%s); "
                           "raise ulimit -u, the cgroup's pids.max or the memory limit",
                           strerror(n->table->refused));
}

/* A worker that was killed, and not by us: by the kernel, where the group's count
 * of such has grown. */
static void explain_kill(struct nursery *n, int worker)
{
    char words[FURROW_MESSAGE];

    if (!fw_fork_oom_grew(&n->table->oom))
        return;
    (void)snprintf(words, sizeof words,
                   "out of memory: the kernel killed it at the limit of its control group or of the "
                   "machine; give the program more memory, run fewer workers, or use less in a task "
                   "(counted in %s)",
                   n->table->oom.path);
    fw_work_blame(n->table->work, worker, words);
}

static void worker_ended(struct nursery *n, int worker, const siginfo_t *info)
{
    const int code = info->si_code == CLD_EXITED ? -info->si_status : info->si_status;
    const furrow_outcome verdict = n->table->member[worker].verdict;
    const bool by_us = n->table->member[worker].state == FW_FORK_DOOMED;

    worker_reap(n, worker);
    if (atomic_load(&n->table->member[worker].left) != 0)
        return;
    if (code == SIGKILL && !by_us)
        explain_kill(n, worker);
    furrow_work_lost(n->table->work, worker, verdict, code);
    worker_replace(n, worker);
}

static int worker_of(const struct nursery *n, pid_t pid)
{
    for (int w = 0; w < n->table->workers; w++)
        if (atomic_load(&n->table->member[w].pid) == pid)
            return w;
    return -1;
}

/* Everybody who ended since: workers, and what their tasks left behind. */
static void reap(struct nursery *n)
{
    siginfo_t info;

    for (;;) {
        int worker;

        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            return;
        worker = worker_of(n, info.si_pid);
        if (worker >= 0)
            worker_ended(n, worker, &info);
        else
            bury(info.si_pid);
    }
}

/* -- Limits ---------------------------------------------------------------- */

/* How late a task may be. */
static double grace_of(double limit)
{
    const double grace = grace_share * limit;

    return grace < grace_least ? grace_least : grace > grace_most ? grace_most : grace;
}

static void doom(struct nursery *n, int worker, furrow_outcome verdict)
{
    n->table->member[worker].verdict = verdict;
    n->table->member[worker].state = FW_FORK_DOOMED;
    fw_fork_kill(&n->table->member[worker]);
}

/* Notes who stopped or goes on since: workers, and what they left behind. */
static void note_stops(struct nursery *n)
{
    siginfo_t info;

    for (;;) {
        int worker;

        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED | WNOHANG) != 0 || info.si_pid == 0)
            return;
        worker = worker_of(n, info.si_pid);
        if (worker >= 0)
            n->table->member[worker].stopped = info.si_code != CLD_CONTINUED;
    }
}

/* Looks after the limit of one worker; returns seconds until it must look
 * again. */
static double look_after(struct nursery *n, int worker, double now)
{
    struct fw_fork_member *member = &n->table->member[worker];
    const pid_t pid = atomic_load(&n->table->member[worker].pid);
    double left;

    if (member->state == FW_FORK_VACANT || member->state == FW_FORK_DOOMED)
        return (double)INFINITY;
    left = furrow_work_deadline(n->table->work, worker) + n->grace;
    if (member->state == FW_FORK_RUNS && left > 0)
        return left;
    if (member->state == FW_FORK_RUNS) {
        member->state = FW_FORK_ASKED;
        member->asked = now;
        (void)kill(pid, SIGSTOP);
    }
    note_stops(n);
    if (!member->stopped && now < member->asked + stop_patience)
        return member->asked + stop_patience - now;
    if (furrow_work_deadline(n->table->work, worker) + n->grace <= 0) {
        doom(n, worker, FURROW_TIMED_OUT);
    } else {
        member->state = FW_FORK_RUNS;
        (void)kill(pid, SIGCONT);
    }
    return 0;
}

/* Looks after a worker that somebody else stopped where it runs no task: no limit
 * covers it, and it would hold the job for ever. It is ended when several looks
 * in a row found it so: a nursery that was stopped itself, with the whole job,
 * looks again first. Returns seconds until the next look. */
static double look_at_stopped(struct nursery *n, int worker, double now)
{
    struct fw_fork_member *member = &n->table->member[worker];

    if (member->state != FW_FORK_RUNS || !member->stopped ||
        !fw_work_idles(n->table->work, worker)) {
        member->looks = 0;
        return (double)INFINITY;
    }
    if (member->looks > 0 && now < member->looked + stopped_look)
        return member->looked + stopped_look - now;
    member->looked = now;
    if (member->looks++ < STOPPED_LOOKS)
        return stopped_look;
    doom(n, worker, FURROW_CRASHED);
    return (double)INFINITY;
}

static double sooner(double a, double b)
{
    return a < b ? a : b;
}

/* Ends what is due; returns seconds until the next look. */
static double enforce(struct nursery *n)
{
    const double limit = furrow_work_limit(n->table->work), now = seconds_now();
    double next = limit + n->grace; /* a task that starts now */

    if (furrow_work_urgent(n->table->work)) {
        for (int w = 0; w < n->table->workers; w++)
            if (n->table->member[w].state != FW_FORK_VACANT &&
                n->table->member[w].state != FW_FORK_DOOMED)
                doom(n, w, FURROW_SKIPPED);
        return (double)INFINITY;
    }
    note_stops(n);
    for (int w = 0; w < n->table->workers; w++) {
        next = sooner(next, look_at_stopped(n, w, now));
        if (isfinite(limit))
            next = sooner(next, look_after(n, w, now));
    }
    return next;
}

/* -- Its life -------------------------------------------------------------- */

static void await_event(const struct nursery *n, double seconds)
{
    struct timespec limit;

    if (!isfinite(seconds) || seconds > 1e6) {
        (void)sigwaitinfo(&n->events, NULL);
        return;
    }
    seconds = seconds > 0 ? seconds : 0;
    limit.tv_sec = (time_t)seconds;
    limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
    (void)sigtimedwait(&n->events, NULL, &limit);
}

/* The program is gone: nothing of the job stays. */
static _Noreturn void end_all(struct nursery *n)
{
    for (int w = 0; w < n->table->workers; w++)
        fw_fork_kill(&n->table->member[w]);
    for (int w = 0; w < n->table->workers; w++)
        if (n->table->member[w].state != FW_FORK_VACANT)
            worker_reap(n, w);
    fw_fork_sweep(n->table->caller);
    fw_fork_sweep(n->self);
    _exit(EXIT_FAILURE);
}

static _Noreturn void nursery_main(struct nursery *n)
{
    nursery_join(n);
    n->grace = grace_of(furrow_work_limit(n->table->work));
    fw_printing_forget();
    fw_fork_worker_prepare();
    workers_make(n);
    while (workers_there(n) > 0) {
        const double next = enforce(n);

        if (orphaned(n))
            end_all(n);
        await_event(n, next);
        reap(n);
    }
    atomic_store(&n->table->over, 1);
    _exit(EXIT_SUCCESS);
}

pid_t fw_fork_nursery(struct fw_fork_table *table)
{
    struct nursery nursery = { .table = table };
    pid_t pid;

    table->made = table->refused = 0;
    for (int w = 0; w < table->workers; w++)
        table->member[w].state = FW_FORK_VACANT;
    pid = fork();
    if (pid == 0)
        nursery_main(&nursery);
    return pid;
}
