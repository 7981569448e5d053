#include "crew.h"

#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "wait.h"

struct fw_crew_member {
    struct fw_crew_beside *crew;
    int worker;
    pthread_t thread;
    _Atomic uint32_t left;
};

/* -- Forked workers ------------------------------------------------------ */

/* MPI prints where a process crashed; in a worker whose task crashes, which the
 * report tells, its handlers are out of place. */
static const int loud[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
enum { LOUD = sizeof loud / sizeof loud[0] };

static _Atomic uint32_t forking; /* jobs that fork workers now */
static bool is_mpis[LOUD];       /* set before the first of them */

static void quieten(void)
{
    for (int i = 0; i < LOUD && atomic_load(&forking) > 0; i++)
        if (is_mpis[i])
            (void)signal(loud[i], SIG_DFL);
}

/* Whether a signal's handler lies in a library of MPI. */
static bool handled_by_mpi(int number)
{
    struct sigaction action;
    const char *name;
    Dl_info info;

    if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
        return false;
    if (dladdr((const void *)(uintptr_t)action.sa_sigaction, &info) == 0 || info.dli_fname == NULL)
        return false;
    name = strrchr(info.dli_fname, '/');
    name = name != NULL ? name + 1 : info.dli_fname;
    return strncmp(name, "libopen-", 8) == 0 || strncmp(name, "libmpi", 6) == 0 || strncmp(name, "libmpich", 8) == 0;
}

static void register_quieten(void)
{
    (void)pthread_atfork(NULL, NULL, quieten);
}

static void expect_crashes(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    for (int i = 0; i < LOUD; i++)
        is_mpis[i] = handled_by_mpi(loud[i]);
    (void)pthread_once(&once, register_quieten);
}

const furrow_backend *fw_crew_forker(void)
{
    const unsigned caps = FURROW_CAP_READS_HERE | FURROW_CAP_ISOLATES | FURROW_CAP_KILLS;
    const furrow_backend *list[FW_REGISTRY_MAX];
    int chosen;

    (void)fw_registry_list(list, &chosen);
    for (int i = 0; i < chosen; i++)
        if ((list[i]->caps & caps) == caps)
            return list[i];
    return NULL;
}

static void *fork_workers(void *argument)
{
    struct fw_crew_member *member = argument;
    struct furrow_work *work = member->crew->work;
    const furrow_backend *backend = fw_crew_forker();
    const furrow_crew crew = { .level = work->level, .workers = work->workers, .lease = work->lease };

    expect_crashes();
    atomic_fetch_add(&forking, 1);
    if (backend != NULL)
        (void)backend->run(&crew, work);
    else
        (void)furrow_work_fail(work, FURROW_EBACKEND, "mpi: no backend here forks workers, as isolate and time limits need");
    atomic_fetch_sub(&forking, 1);
    atomic_store(&member->left, 1);
    if (work->stream != NULL)
        fw_bell_ring(&work->stream->caller);
    return NULL;
}

void fw_crew_urge(struct fw_crew_beside *crew)
{
    if (!crew->forks || crew->urged || !furrow_work_urgent(crew->work))
        return;
    crew->urged = true;
    crew->work->backend->wake(crew->work);
}

/* -- Threads ------------------------------------------------------------ */

static void *be_worker(void *argument)
{
    struct fw_crew_member *member = argument;
    struct furrow_work *work = member->crew->work;

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
static int start_thread(struct fw_crew_member *member, void *(*be)(void *argument))
{
    pthread_attr_t attr;
    sigset_t all, before;
    int error = pthread_attr_init(&attr);

    if (error != 0)
        return error;
    (void)pthread_attr_setstacksize(&attr, stack_size());
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&member->thread, &attr, be, member);
    if (error != 0)
        error = pthread_create(&member->thread, NULL, be, member);
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
    const bool forks = work->request.share->forks;
    const int wanted = forks ? 1 : work->workers - first;
    int error = 0;

    *crew = (struct fw_crew_beside){ .work = work, .forks = forks };
    if (wanted <= 0)
        return FURROW_OK;
    crew->member = fw_malloc((size_t)wanted * sizeof *crew->member);
    while (crew->member != NULL && crew->count < wanted && error == 0) {
        struct fw_crew_member *member = &crew->member[crew->count];

        memset(member, 0, sizeof *member);
        member->crew = crew;
        member->worker = first + crew->count;
        error = start_thread(member, forks ? fork_workers : be_worker);
        crew->count += error == 0;
    }
    if (crew->count == 0 && (first == 0 || forks) && error == 0)
        return furrow_work_fail(work, FURROW_ENOMEM, "mpi: no memory for a table of %d workers", wanted);
    if (crew->count == 0 && (first == 0 || forks))
        return furrow_work_fail(work, FURROW_ESYS, "mpi: no thread for a worker (%s); raise ulimit -u or the cgroup's "
                                "pids.max", strerror(error));
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

/* Forked workers look after themselves, but for the end at once. */
static furrow_status run_forked(struct furrow_work *work)
{
    struct fw_pause pause = { 0, 0 };
    struct fw_crew_beside crew;
    furrow_status status = fw_crew_start(&crew, work, 0);

    while (!fw_crew_left(&crew)) {
        fw_crew_urge(&crew);
        fw_pause(&pause);
    }
    fw_crew_join(&crew);
    return status;
}

static furrow_status run_threads(struct furrow_work *work)
{
    struct fw_crew_beside crew;
    furrow_status status = fw_crew_start(&crew, work, 1);

    if (status == FURROW_OK)
        (void)furrow_work_run(work, 0);
    fw_crew_join(&crew);
    return status;
}

furrow_status fw_crew_run(struct furrow_work *work)
{
    return work->request.share->forks ? run_forked(work) : run_threads(work);
}
