/* Libraries found among the loaded ones, limited and brought back as their kind
 * asks for: by stand-ins (fake.c). Arguments: the folder they are in; and "user",
 * where the environment has numbers of threads that stay. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <furrow/furrow.h>

#include "../common/check.h"
#include "runtime/pools.h"

static const char *folder;

/* One stand-in and what is expected of it. */
static struct library {
    const char *file, *name, *layer, *scope;
    const char *getter, *setter;
    int fresh;   /* threads before anything is set, as listed */
    bool shared; /* one number for all threads */
    bool obeys;
    void *handle;
    void (*get)(void);
    int (*sets)(void);
} libraries[] = {
    { "libopenblas_plain.so", "OpenBLAS", "pthreads", "process", "openblas_get_num_threads",
      "openblas_set_num_threads", 5, true, true, NULL, NULL, NULL },
    { "libscipy_openblas64_.so", "OpenBLAS", "pthreads", "process",
      "scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_", 5, true, true, NULL,
      NULL, NULL },
    { "libopenblas_64.so", "OpenBLAS", "pthreads", "process", "openblas_get_num_threads_64",
      "openblas_set_num_threads_64", 5, true, true, NULL, NULL, NULL },
    { "libopenblas_omp.so", "OpenBLAS", "OpenMP", "OpenMP", "openblas_get_num_threads",
      "openblas_set_num_threads", 5, false, false, NULL, NULL, NULL },
    { "libopenblas_serial.so", "OpenBLAS", "none", "none", "openblas_get_num_threads",
      "openblas_set_num_threads", 5, false, false, NULL, NULL, NULL },
    { "libflexiblas.so", "FlexiBLAS", "", "process", "flexiblas_get_num_threads",
      "flexiblas_set_num_threads", 6, true, true, NULL, NULL, NULL },
    { "libblis_old.so", "BLIS", "", "process", "bli_thread_get_num_threads",
      "bli_thread_set_num_threads", 1, true, true, NULL, NULL, NULL },
    { "libblis_new.so", "BLIS", "", "thread", "bli_thread_get_num_threads",
      "bli_thread_set_num_threads", 1, false, true, NULL, NULL, NULL },
    { "libmkl_rt.so", "MKL", "", "thread", "MKL_Get_Max_Threads", "MKL_Set_Num_Threads_Local", 7,
      false, true, NULL, NULL, NULL },
};
enum { LIBRARIES = sizeof libraries / sizeof libraries[0] };

static void load(struct library *library)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, library->file);
    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library->handle != NULL, "%s", dlerror());
    if (library->handle == NULL)
        exit(1);
    *(void **)&library->get = dlsym(library->handle, library->getter);
    *(void **)&library->sets = dlsym(library->handle, "fake_sets");
}

static int threads_of(const struct library *library)
{
    if (strcmp(library->name, "BLIS") == 0)
        return (int)((int64_t(*)(void))library->get)();
    return ((int (*)(void))library->get)();
}

/* Its entry in the list; NULL: none. */
static const struct fw_threadpool *listed(const struct library *library, struct fw_threadpool *list,
                                          int n)
{
    for (int i = 0; i < n; i++)
        if (strstr(list[i].path, library->file) != NULL)
            return &list[i];
    return NULL;
}

static void each_is_listed_once(void)
{
    struct fw_threadpool list[64];
    const int n = fw_threadpools_list(list, 64);

    CHECK_EQ(fw_threadpools_list(NULL, 0), n);
    for (int l = 0; l < LIBRARIES; l++) {
        const struct fw_threadpool *entry = listed(&libraries[l], list, n);

        CHECK(entry != NULL, "%s is not listed", libraries[l].file);
        if (entry == NULL)
            continue;
        CHECK(strcmp(entry->name, libraries[l].name) == 0, "%s is %s", libraries[l].file,
              entry->name);
        CHECK(strcmp(entry->scope, libraries[l].scope) == 0, "%s: %s", libraries[l].file,
              entry->scope);
        CHECK(strcmp(entry->layer, libraries[l].layer) == 0, "%s: %s", libraries[l].file,
              entry->layer);
        CHECK_EQ(entry->threads, libraries[l].fresh);
        CHECK(listed(&libraries[l], list + (entry - list) + 1, n - (int)(entry - list) - 1) == NULL,
              "%s is listed twice", libraries[l].file);
    }
}

/* -- In a job ------------------------------------------------------------ */

struct expected {
    int threads;     /* in each task; 0: the share of its worker */
    int shared;      /* of pools that all threads share */
    atomic_int left; /* tasks that still have to meet: all workers run one at the same time */
};

static void meet(atomic_int *left)
{
    atomic_fetch_sub(left, 1);
    while (atomic_load(left) > 0)
        usleep(100);
}

static int look(furrow_task *task)
{
    struct expected *expected = (struct expected *)task->shared;

    const int own = expected->threads > 0 ? expected->threads : task->cpus;

    meet(&expected->left);
    for (int l = 0; l < LIBRARIES; l++)
        if (libraries[l].obeys)
            CHECK(threads_of(&libraries[l]) == (libraries[l].shared ? expected->shared : own),
                  "%s has %d threads in task %zu", libraries[l].file, threads_of(&libraries[l]),
                  task->index);
        else
            CHECK_EQ(threads_of(&libraries[l]), libraries[l].fresh);
    return (int)task->index;
}

static void note(int threads[LIBRARIES], int sets[LIBRARIES])
{
    for (int l = 0; l < LIBRARIES; l++) {
        threads[l] = threads_of(&libraries[l]);
        sets[l] = libraries[l].sets();
    }
}

/* A job of which all tasks but the first fail. */
static void job_limits(const char *backend, int jobs, int inner, int threads, int shared)
{
    struct expected expected = { threads, shared, jobs };
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = look, .count = (size_t)jobs, .shared = &expected };
    int before[LIBRARIES], after[LIBRARIES], sets_before[LIBRARIES], sets_after[LIBRARIES];

    config.backend = backend;
    config.jobs = jobs;
    config.inner_threads = inner;
    config.keep_going = true;
    note(before, sets_before);
    CHECK_EQ(furrow_map(&job, &config, NULL), jobs > 1 ? FURROW_ETASK : FURROW_OK);
    note(after, sets_after);
    for (int l = 0; l < LIBRARIES; l++) {
        CHECK_EQ(after[l], before[l]);
        if (libraries[l].shared) /* once for the job, and once back */
            CHECK(sets_after[l] - sets_before[l] <= 2, "%s was set %d times", libraries[l].file,
                  sets_after[l] - sets_before[l]);
        if (!libraries[l].obeys)
            CHECK_EQ(sets_after[l], sets_before[l]);
    }
}

/* -- Nested -------------------------------------------------------------- */

/* A job of two workers inside a task that has two CPUs. */
static int start_inner(furrow_task *task)
{
    struct expected expected = { 1, 1, 2 };
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = look, .count = 2, .shared = &expected };

    config.jobs = 2;
    config.keep_going = true;
    CHECK_EQ(task->cpus, 2);
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_ETASK);
    return 0;
}

static void nested_jobs_limit_further(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = start_inner, .count = 2 };
    int before[LIBRARIES], after[LIBRARIES], sets[LIBRARIES];

    config.jobs = 2;
    note(before, sets);
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    note(after, sets);
    for (int l = 0; l < LIBRARIES; l++)
        CHECK_EQ(after[l], before[l]);
}

/* -- Pushed limits ------------------------------------------------------- */

static void all_have(int threads)
{
    for (int l = 0; l < LIBRARIES; l++)
        if (libraries[l].obeys)
            CHECK(threads_of(&libraries[l]) == threads, "%s has %d, not %d", libraries[l].file,
                  threads_of(&libraries[l]), threads);
}

static void *push_and_wait(void *data)
{
    atomic_int *step = data;

    CHECK_EQ(furrow_thread_limit_push(2), FURROW_OK);
    atomic_store(step, 1);
    while (atomic_load(step) == 1)
        usleep(100);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    return NULL;
}

static void pushes_nest(void)
{
    int before[LIBRARIES], after[LIBRARIES], sets[LIBRARIES];

    note(before, sets);
    CHECK_EQ(furrow_thread_limit_push(0), FURROW_EINVAL);
    CHECK(strstr(furrow_message(), "is 0") != NULL, "%s", furrow_message());
    CHECK_EQ(furrow_thread_limit_push(-1), FURROW_EINVAL);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_EINVAL);
    CHECK_EQ(furrow_thread_limit_push(3), FURROW_OK);
    all_have(3);
    CHECK_EQ(furrow_thread_limit_push(1), FURROW_OK);
    all_have(1);
    CHECK_EQ(furrow_thread_limit_push(4), FURROW_OK); /* the newest counts */
    all_have(4);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    all_have(1);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    all_have(3);
    job_limits("openmp", 4, 0, 1, 1); /* a job inside has its own */
    all_have(3);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_EINVAL);
    note(after, sets);
    for (int l = 0; l < LIBRARIES; l++)
        CHECK_EQ(after[l], before[l]);
}

/* What is shared has the smallest number of all threads, the rest the own. */
static void the_smallest_push_of_several_threads_holds(void)
{
    int before[LIBRARIES], after[LIBRARIES], sets[LIBRARIES];
    atomic_int step = 0;
    pthread_t other;

    note(before, sets);
    CHECK_EQ(furrow_thread_limit_push(4), FURROW_OK);
    CHECK_EQ(pthread_create(&other, NULL, push_and_wait, &step), 0);
    while (atomic_load(&step) == 0)
        usleep(100);
    for (int l = 0; l < LIBRARIES; l++)
        if (libraries[l].obeys)
            CHECK_EQ(threads_of(&libraries[l]), libraries[l].shared ? 2 : 4);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    for (int l = 0; l < LIBRARIES; l++)
        if (libraries[l].obeys)
            CHECK_EQ(threads_of(&libraries[l]), libraries[l].shared ? 2 : before[l]);
    atomic_store(&step, 2);
    pthread_join(other, NULL);
    note(after, sets);
    for (int l = 0; l < LIBRARIES; l++)
        CHECK_EQ(after[l], before[l]);
}

static int push_and_leave(furrow_task *task)
{
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_EINVAL); /* not the caller's */
    if (task->index == 0) {
        all_have(2);
        CHECK_EQ(furrow_thread_limit_push(1), FURROW_OK);
        CHECK_EQ(furrow_thread_limit_push(3), FURROW_OK);
    }
    all_have(task->index == 0 ? 3 : 2);
    return 0;
}

static void what_a_task_leaves_pushed_is_popped(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = push_and_leave, .count = 3 };
    int before[LIBRARIES], after[LIBRARIES], sets[LIBRARIES];

    config.backend = "sequential";
    config.inner_threads = 2;
    note(before, sets);
    CHECK_EQ(furrow_thread_limit_push(4), FURROW_OK);
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
    all_have(4);
    CHECK_EQ(furrow_thread_limit_pop(), FURROW_OK);
    note(after, sets);
    for (int l = 0; l < LIBRARIES; l++)
        CHECK_EQ(after[l], before[l]);
}

/* -- One that does not obey ---------------------------------------------- */

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

/* What the library writes to standard error while `call` runs, cut at `size`. */
static void errors_of(void (*call)(void), char *out, size_t size)
{
    const int own = dup(STDERR_FILENO);
    int ends[2];
    ssize_t n;

    if (pipe(ends) != 0)
        abort();
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    call();
    dup2(own, STDERR_FILENO);
    close(own);
    n = read(ends[0], out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    close(ends[0]);
}

static void run_three_jobs(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = nothing, .count = 2 };

    config.jobs = 2;
    for (int i = 0; i < 3; i++)
        (void)furrow_map(&job, &config, NULL);
}

static void one_that_does_not_obey_is_told_once(void)
{
    static struct library stubborn = { "libopenblas_stubborn.so",
                                       "OpenBLAS",
                                       "pthreads",
                                       "process",
                                       "openblas_get_num_threads",
                                       "openblas_set_num_threads",
                                       5,
                                       true,
                                       false,
                                       NULL,
                                       NULL,
                                       NULL };
    char said[4096], *line;

    load(&stubborn);
    errors_of(run_three_jobs, said, sizeof said);
    line = strstr(said, "libopenblas_stubborn.so");
    CHECK(line != NULL && strstr(line, "OPENBLAS_NUM_THREADS=2") != NULL, "the log is \"%s\"",
          said);
    CHECK(line != NULL && strstr(line + 1, "libopenblas_stubborn.so") == NULL, "the log is \"%s\"",
          said);
    CHECK_EQ(threads_of(&stubborn), 5);
}

/* -- What the user set ---------------------------------------------------- */

static int look_at_users(furrow_task *task)
{
    const bool asked = *(const bool *)task->shared;

    CHECK_EQ(task->cpus, asked ? 2 : 4);
    for (int l = 0; l < LIBRARIES; l++) {
        const int set = strcmp(libraries[l].name, "MKL") == 0 ? 3 : 1;

        if (libraries[l].obeys)
            CHECK(threads_of(&libraries[l]) == (asked ? 2 : set), "%s has %d threads",
                  libraries[l].file, threads_of(&libraries[l]));
    }
    return 0;
}

/* One worker with four CPUs; the user said OMP_NUM_THREADS=1, MKL_NUM_THREADS=3. */
static void users_variables_stay(bool asked)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = look_at_users, .count = 1, .shared = &asked };

    config.backend = "openmp";
    config.jobs = 1;
    config.inner_threads = asked ? 2 : 0;
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_OK);
}

static int with_users_variables(void)
{
    for (int l = 0; l < LIBRARIES; l++)
        load(&libraries[l]);
    users_variables_stay(false);
    users_variables_stay(true);
    return check_end();
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    folder = argv[1];
    setenv("HWLOC_SYNTHETIC", "pu:4", 1);
    if (argc > 2)
        return with_users_variables();
    CHECK_EQ(furrow_cpu_count(0), 4);
    run_three_jobs(); /* a first look at what is loaded: what comes later is found all the same */
    for (int l = 0; l < LIBRARIES; l++)
        load(&libraries[l]);
    each_is_listed_once();
    job_limits("openmp", 2, 0, 2, 2);
    job_limits("openmp", 3, 0, 0, 1); /* leases of 2, 1 and 1 */
    job_limits("openmp", 4, 0, 1, 1);
    job_limits("openmp", 2, 3, 3, 3);
    job_limits("openmp", 1, 0, 4, 4);
    job_limits("sequential", 1, 2, 2, 2);
    nested_jobs_limit_further();
    pushes_nest();
    the_smallest_push_of_several_threads_holds();
    what_a_task_leaves_pushed_is_popped();
    each_is_listed_once();
    one_that_does_not_obey_is_told_once();
    return check_end();
}
