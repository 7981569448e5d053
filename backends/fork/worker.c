/* A worker, child side. It is a copy of a thread that never used OpenMP, so that
 * OpenMP and BLAS work in tasks whatever the program did before, and the only
 * thread of its process. No OpenMP construct in this file. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/poolenv.h"
#include "runtime/work.h"

/* exit() in a task, or in a process that a task forked: the handlers that the
 * program registered are its own and do not run here. */
static void leave_instead(int status, void *unused)
{
    (void)unused;
    (void)fflush(NULL);
    _exit(status);
}

/* Signals are the program's, but for two: a worker is in the background of a
 * terminal, where reading or writing would stop it, and the job with it. */
static void ignore_terminal(void)
{
    static const int background[] = { SIGTTIN, SIGTTOU };
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction now;

    for (size_t i = 0; i < sizeof background / sizeof background[0]; i++)
        if (sigaction(background[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            (void)sigaction(background[i], &ignore, NULL);
}

void fw_fork_worker_prepare(void)
{
    (void)on_exit(leave_instead, NULL); /* runs first: registered last */
    ignore_terminal();
}

/* Ends with the nursery, also where that has ended already. */
static void end_with(pid_t nursery)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != nursery)
        _exit(EXIT_FAILURE);
}

/* For thread pools that a task loads. Without memory loaded ones are limited all
 * the same; affinity is set where every worker takes its seat. */
static void take_environment(const struct fw_fork_table *table, int worker)
{
    const int cpus = table->lease[worker].cpus, more = cpus - table->least;
    struct fw_poolenv *made = more < 2 ? table->environment[more] : NULL;

    if (made == NULL || !fw_poolenv_install(made))
        (void)!fw_poolenv_apply(table->work->inner_threads, cpus);
}

void fw_fork_worker(struct fw_fork_table *table, int worker, pid_t nursery)
{
    (void)setpgid(0, 0);
    atomic_store(&table->member[worker].pid,
                 (int32_t)getpid()); /* the nursery may be killed before it can */
    end_with(nursery);
    (void)sigaction(SIGCHLD, &table->child_action, NULL); /* the nursery's was its own */
    (void)prctl(PR_SET_NAME, table->name);
    take_environment(table, worker);
    (void)furrow_work_run(table->work, worker);
    (void)fflush(NULL);
    atomic_store(&table->member[worker].left, 1);
    _exit(EXIT_SUCCESS);
}
