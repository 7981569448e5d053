/* Two OpenMP runtimes in one process: each is limited inside tasks, and each is
 * asked whether a job is started in one of its parallel regions. Regions are
 * opened by GOMP_parallel(), which both have. Exits with 77 where one of the
 * two is not to be had. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <furrow/furrow.h>

#include "../common/check.h"
#include "count.h"

enum { CPUS = 4, RUNTIMES = 2 };

static struct runtime {
    const char *file;
    void (*parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags);
    int (*max_threads)(void);
    int (*max_levels)(void);
    void (*set_threads)(int threads);
    int (*team)(void), (*member)(void);
} runtimes[RUNTIMES] = { { .file = "libgomp.so.1" }, { .file = "libomp.so.5" } };

static void load(struct runtime *runtime)
{
    void *handle = dlopen(runtime->file, RTLD_NOW | RTLD_LOCAL);

    if (handle == NULL) {
        fprintf(stderr, "skipped: %s\n", dlerror());
        exit(SKIP);
    }
    *(void **)&runtime->parallel = dlsym(handle, "GOMP_parallel");
    *(void **)&runtime->max_threads = dlsym(handle, "omp_get_max_threads");
    *(void **)&runtime->max_levels = dlsym(handle, "omp_get_max_active_levels");
    *(void **)&runtime->set_threads = dlsym(handle, "omp_set_num_threads");
    *(void **)&runtime->team = dlsym(handle, "omp_get_num_threads");
    *(void **)&runtime->member = dlsym(handle, "omp_get_thread_num");
}

/* -- Regions inside tasks ------------------------------------------------- */

static atomic_int most_threads; /* of the process, while tasks run */
static atomic_int allowed;      /* so many may be there */

/* What the members of a region in a task saw. */
struct region {
    const struct runtime *runtime;
    atomic_int members, largest, inner;
};

static void in_inner_region(void *data)
{
    struct region *region = data;

    note_most(&region->inner, region->runtime->team());
}

static void in_region(void *data)
{
    struct region *region = data;

    atomic_fetch_add(&region->members, 1);
    note_most(&region->largest, region->runtime->team());
    note_most(&most_threads, count_settled(atomic_load(&allowed)));
    region->runtime->parallel(in_inner_region, region, 0, 0);
}

static void check_regions(const furrow_task *task)
{
    for (int r = 0; r < RUNTIMES; r++) {
        struct region region = { .runtime = &runtimes[r] };

        runtimes[r].parallel(in_region, &region, 0, 0);
        CHECK(atomic_load(&region.members) == task->cpus,
              "%s: a region of %d in a task with %d CPUs", runtimes[r].file,
              atomic_load(&region.members), task->cpus);
        CHECK_EQ(atomic_load(&region.largest), task->cpus);
        CHECK(atomic_load(&region.inner) == 1, "%s: %d threads in a region's region",
              runtimes[r].file, atomic_load(&region.inner));
    }
}

static int open_regions(furrow_task *task)
{
    check_regions(task);
    return task->index % 2 == 1 ? 3 : 0;
}

static int open_regions_below(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = open_regions, .count = 6 };

    check_regions(task);
    config.keep_going = true;
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_ETASK);
    check_regions(task);
    return 0;
}

struct settings {
    int threads[RUNTIMES], levels[RUNTIMES];
};

static struct settings settings_now(void)
{
    struct settings now;

    for (int r = 0; r < RUNTIMES; r++) {
        now.threads[r] = runtimes[r].max_threads();
        now.levels[r] = runtimes[r].max_levels();
    }
    return now;
}

static void check_as_before(const struct settings *before)
{
    const struct settings now = settings_now();

    for (int r = 0; r < RUNTIMES; r++) {
        CHECK_EQ(now.threads[r], before->threads[r]);
        CHECK_EQ(now.levels[r], before->levels[r]);
    }
}

/* Each runtime keeps the threads of its last region, so what one leaves idle
 * stands beside what the other one has at work: at most twice the CPUs. */
static void tasks_stay_within(furrow_task_fn run, const char *backend, int jobs, int inner,
                              furrow_status expected)
{
    const struct settings before = settings_now();
    const int idle = count_threads() - 1, busy = inner > 0 ? jobs * inner : CPUS;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = run, .count = 4 };

    config.backend = backend;
    config.jobs = jobs;
    config.inner_threads = inner;
    config.keep_going = true;
    atomic_store(&most_threads, 0);
    atomic_store(&allowed, idle + RUNTIMES * busy - (RUNTIMES - 1) * jobs);
    CHECK_EQ(furrow_map(&job, &config, NULL), expected);
    CHECK(atomic_load(&most_threads) <= atomic_load(&allowed),
          "%d threads with %d at work and %d idle before (%s, jobs %d, inner threads %d)",
          atomic_load(&most_threads), busy, idle, backend, jobs, inner);
    check_as_before(&before);
}

/* -- Jobs inside regions -------------------------------------------------- */

static atomic_int members_seen;

/* Outside all tasks, in the regions of `threads` members that are around. */
static void plan_in(int threads)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_report report;
    const int share = CPUS / threads > 1 ? CPUS / threads : 1;

    atomic_fetch_add(&members_seen, 1);
    config.backend = "openmp";
    config.jobs = CPUS;
    CHECK_EQ(furrow_plan(NULL, &config, &report), FURROW_OK);
    CHECK(report.workers == share, "%d workers for a member of %d: %s", report.workers, threads,
          report.reason);
}

static void plan_in_two(void *data)
{
    (void)data;
    plan_in(2);
}

/* Member 0 is the thread that opened the region, and knows of both. The others
 * are threads of the inner runtime, to which the outer region cannot be seen. */
static void plan_in_both(void *inner)
{
    plan_in(((struct runtime *)inner)->member() == 0 ? 4 : 2);
}

static void open_other(void *other)
{
    ((struct runtime *)other)->parallel(plan_in_both, other, 2, 0);
}

static void regions_of_each_are_seen(void)
{
    for (int r = 0; r < RUNTIMES; r++) {
        atomic_store(&members_seen, 0);
        runtimes[r].parallel(plan_in_two, NULL, 2, 0);
        CHECK_EQ(atomic_load(&members_seen), 2);
        runtimes[r].parallel(open_other, &runtimes[1 - r], 2, 0); /* one inside the other */
        CHECK_EQ(atomic_load(&members_seen), 2 + 4);
    }
    plan_in(1);
}

/* A job that members of a region start at the same time. */
static void map_in_region(void *data)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = open_regions, .count = 4 };

    (void)data;
    config.backend = "openmp";
    config.jobs = 2;
    config.keep_going = true;
    CHECK_EQ(furrow_map(&job, &config, NULL), FURROW_ETASK);
}

int main(void)
{
    setenv("HWLOC_SYNTHETIC", "pu:4", 1);
    for (int r = 0; r < RUNTIMES; r++)
        load(&runtimes[r]);
    CHECK_EQ(furrow_cpu_count(0), CPUS);
    for (int r = 0; r < RUNTIMES; r++)
        runtimes[r].set_threads(3 + r);
    for (int jobs = 1; jobs <= CPUS; jobs *= 2) {
        tasks_stay_within(open_regions, "openmp", jobs, 0, FURROW_ETASK);
        tasks_stay_within(open_regions_below, "openmp", jobs, 0, FURROW_OK);
    }
    tasks_stay_within(open_regions, "openmp", 2, 3, FURROW_ETASK);
    tasks_stay_within(open_regions, "sequential", 1, 2, FURROW_ETASK);
    tasks_stay_within(open_regions, "sequential", 1, 1, FURROW_ETASK);
    regions_of_each_are_seen();
    for (int r = 0; r < RUNTIMES; r++)
        runtimes[r].parallel(map_in_region, NULL, 2, 0);
    return check_end();
}
