#include "crew.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct fw_crew_member {
    struct fw_crew_beside *crew;
    int worker;
    pthread_t thread;
    _Atomic uint32_t left;
};

/* -- Affinity ----------------------------------------------------------- */

/* FURROW_BIND_AUTO binds where somebody gave this rank fewer CPUs than the
 * machine has. */
static bool binds(const struct furrow_work *work)
{
    const int how = work->request.config.bind;

    if (how == FURROW_BIND_AUTO)
        return fw_cpus()->count < sysconf(_SC_NPROCESSORS_ONLN);
    return how == FURROW_BIND_LEASE;
}

/* The calling thread keeps to the CPUs of its worker's lease. What cannot be
 * (a simulated machine, a CPU that went away) leaves it as it is. */
static void bind_to_lease(const struct furrow_work *work, int worker)
{
    int first, cpus = fw_plan_share(work->cpus, work->workers, worker, &first);
    const int *os = fw_cpus()->os;
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = 0; i < cpus; i++) {
        const int cpu = os[work->at[first + i]];

        if (cpu >= CPU_SETSIZE)
            return;
        CPU_SET(cpu, &set);
    }
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* -- Threads ------------------------------------------------------------ */

static void *be_worker(void *argument)
{
    struct fw_crew_member *member = argument;
    struct furrow_work *work = member->crew->work;

    if (binds(work))
        bind_to_lease(work, member->worker);
    (void)furrow_work_run(work, member->worker);
    atomic_store(&member->left, 1);
    if (work->stream != NULL)
        fw_bell_ring(&work->stream->caller);
    return NULL;
}

/* Bytes for the stack of a task: what the main thread has, as in workers of
 * fork. Reserved, not used. */
static size_t stack_size(void)
{
    const size_t unlimited = (size_t)1 << 30, least = (size_t)1 << 20;
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > unlimited)
        return unlimited;
    return limit.rlim_cur < least ? least : (size_t)limit.rlim_cur;
}

/* All signals are blocked until the job's own mask is installed: they are for
 * the program's threads. */
static int start_thread(struct fw_crew_member *member)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);

    if (error != 0)
        return error;
    (void)pthread_attr_setstacksize(&attr, stack_size());
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&member->thread, &attr, be_worker, member);
    if (error != 0)
        error = pthread_create(&member->thread, NULL, be_worker, member);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return error;
}

static void too_few(struct furrow_work *work, int there)
{
    furrow_work_note(work, "only %d of %d workers on a rank: the system allows no more threads "
                     "(ulimit -u, pids.max, memory)", there, work->workers);
}

furrow_status fw_crew_start(struct fw_crew_beside *crew, struct furrow_work *work, int first)
{
    const int wanted = work->workers - first;
    int error = 0;

    *crew = (struct fw_crew_beside){ .work = work };
    if (wanted <= 0)
        return FURROW_OK;
    crew->member = fw_malloc((size_t)wanted * sizeof *crew->member);
    while (crew->member != NULL && crew->count < wanted && error == 0) {
        struct fw_crew_member *member = &crew->member[crew->count];

        memset(member, 0, sizeof *member);
        member->crew = crew;
        member->worker = first + crew->count;
        error = start_thread(member);
        crew->count += error == 0;
    }
    if (crew->count == 0 && first == 0)
        return furrow_work_fail(work, FURROW_ESYS, "mpi: no thread for a worker (%s); raise ulimit -u or the cgroup's "
                                "pids.max", error != 0 ? strerror(error) : "no memory");
    if (crew->count < wanted)
        too_few(work, first + crew->count);
    return FURROW_OK;
}

bool fw_crew_left(const struct fw_crew_beside *crew)
{
    for (int i = 0; i < crew->count; i++)
        if (atomic_load(&crew->member[i].left) == 0)
            return false;
    return true;
}

void fw_crew_join(struct fw_crew_beside *crew)
{
    for (int i = 0; i < crew->count; i++)
        (void)pthread_join(crew->member[i].thread, NULL);
    fw_free(crew->member);
    *crew = (struct fw_crew_beside){ .work = crew->work };
}

furrow_status fw_crew_run(struct furrow_work *work)
{
    const bool bound = binds(work) && work->workers > 1;
    struct fw_crew_beside crew;
    cpu_set_t before;
    furrow_status status = fw_crew_start(&crew, work, 1);

    if (bound && sched_getaffinity(0, sizeof before, &before) == 0)
        bind_to_lease(work, 0);
    if (status == FURROW_OK)
        (void)furrow_work_run(work, 0);
    if (bound)
        (void)sched_setaffinity(0, sizeof before, &before);
    fw_crew_join(&crew);
    return status;
}
