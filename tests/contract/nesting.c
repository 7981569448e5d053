/* Jobs inside tasks: what each level is given, and that it stays within it.
 *
 * What is expected is computed here from the rules of docs/nesting.md, apart
 * from the runtime's own plan. */
#include <stdio.h>
#include <stdlib.h>

#include "promises.h"

/* -- The rules ------------------------------------------------------------ */

/* Where a job is started. */
struct where {
    int level; /* of the job */
    int cpus;  /* of the caller's lease */
};

struct expected {
    const char *backend;
    int workers;
    bool transparent; /* its tasks see level and lease of the caller */
    bool replaced;
};

static bool same(const char *name, const char *other)
{
    return name != NULL && strcmp(name, other) == 0;
}

static bool nests(const char *name)
{
    return same(name, "openmp") || same(name, "posix");
}

static int thread_levels(void)
{
    const char *levels = getenv("FURROW_THREAD_LEVELS");

    return levels != NULL ? atoi(levels) : 1;
}

/* The backend that runs a job that names this one (NULL: none) there. */
static const char *runs(const struct where *from, const char *name)
{
    bool deep = from->level > thread_levels();

    if (same(name, "sequential") || (from->level == 0 && name != NULL))
        return name;
    if (!deep && nests(name))
        return name;
    return deep || (from->level > 0 && from->cpus == 1) ? "sequential" : "openmp";
}

static struct expected expect(const struct where *from, const char *name, int jobs, int count)
{
    struct expected e = { .backend = runs(from, name), .workers = jobs };

    if (from->level > 0 && e.workers > from->cpus)
        e.workers = from->cpus;
    if (e.workers > count)
        e.workers = count;
    e.replaced = name != NULL && e.backend != name && !same(name, e.backend);
    if (e.workers == 1 && !same(name, e.backend))
        e.backend = "sequential";
    if (same(e.backend, "sequential")) {
        e.workers = 1;
        e.transparent = same(name, "sequential") ||
                        (from->level > 0 && from->level <= thread_levels() && from->cpus == 1);
    }
    return e;
}

/* CPUs of one of the workers that share a lease. */
static int share(int cpus, int workers, int worker)
{
    return workers > cpus ? 1 : cpus / workers + (worker < cpus % workers);
}

/* -- Three deep ----------------------------------------------------------- */

enum { DEPTHS = 3, COUNT = 4 };

struct nest {
    const char *backend[DEPTHS]; /* asked for; NULL: none */
    int jobs[DEPTHS];
    atomic_uint *innermost; /* tasks that ran there */
};

/* A job of the nest, as its tasks see it. */
struct step {
    const struct nest *nest;
    int depth;
    struct where from;
    struct expected expected;
};

static void start(const struct nest *nest, int depth, struct where from);

static int number_worker(int worker, const void *shared, void **state)
{
    (void)shared;
    *state = (void *)(intptr_t)worker;
    return 0;
}

static int look_around(furrow_task *task)
{
    const struct step *step = task->shared;
    const struct expected *e = &step->expected;
    int worker = (int)(intptr_t)task->state;
    struct where here = step->from;

    if (!e->transparent)
        here = (struct where){ here.level + 1, share(here.cpus, e->workers, worker) };
    CHECK_EQ(furrow_level(), here.level);
    CHECK_EQ(furrow_cpu_count(0), here.cpus);
    CHECK_EQ(task->cpus, here.cpus);
    CHECK(furrow_cpu_count(FURROW_PHYSICAL) >= 1);
    CHECK(furrow_cpu_count(FURROW_PHYSICAL) <= here.cpus);
    CHECK_TEXT(furrow_backend_name(), e->backend);
    if (step->depth + 1 < DEPTHS)
        start(step->nest, step->depth + 1, here);
    else
        atomic_fetch_add(step->nest->innermost, 1);
    CHECK_EQ(furrow_level(), here.level);
    CHECK_EQ(furrow_cpu_count(0), here.cpus);
    CHECK_TEXT(furrow_backend_name(), e->backend);
    return 0;
}

static void check_report(const furrow_report *report, const struct step *step)
{
    const struct expected *e = &step->expected;
    const char *asked = step->nest->backend[step->depth];
    int cpus = step->from.cpus;
    char not_asked[64];

    CHECK_TEXT(report->backend, e->backend);
    CHECK_EQ(report->workers, e->workers);
    CHECK_EQ(report->level, step->from.level);
    CHECK_EQ(report->cpus_min, share(cpus, e->workers, e->workers - 1));
    CHECK_EQ(report->cpus_max, share(cpus, e->workers, 0));
    CHECK_EQ(report->done, COUNT);
    CHECK_SAYS(report->reason, e->backend);
    if (e->replaced) {
        snprintf(not_asked, sizeof not_asked, "not %s as asked", asked);
        CHECK_SAYS(report->reason, not_asked);
    }
}

static void start(const struct nest *nest, int depth, struct where from)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    struct step step = { nest, depth, from,
                         expect(&from, nest->backend[depth], nest->jobs[depth], COUNT) };
    furrow_job job = {
        .run = look_around, .count = COUNT, .shared = &step, .worker_begin = number_worker
    };
    furrow_report report;

    config.backend = nest->backend[depth];
    config.jobs = nest->jobs[depth];
    if (CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK))
        check_report(&report, &step);
}

static const char *const backends[] = {
    NULL,     "sequential", "openmp", "posix",
#if !CONTRACT_THREAD_SANITIZER
    "forked",
#endif
};
enum { BACKENDS = sizeof backends / sizeof *backends };

/* Outer jobs of the row, with its workers or with one, around every pair. */
void nested_pairs(const struct row *row)
{
    struct where outside = { 0, furrow_cpu_count(0) };
    atomic_uint *innermost = board(sizeof *innermost);
    unsigned jobs = 0;

    CHECK(getenv("HWLOC_SYNTHETIC") == NULL || outside.cpus == 8);
    CHECK_EQ(furrow_level(), 0);
    CHECK_TEXT(furrow_backend_name(), "none");
    for (int inner = 0; inner < BACKENDS; inner++) {
        for (int last = 0; last < BACKENDS; last++) {
            struct nest nest = { { row->backend, backends[inner], backends[last] },
                                 { row->workers, 3, 2 },
                                 innermost };

            start(&nest, 0, outside);
            nest.jobs[0] = 1;
            start(&nest, 0, outside);
            jobs += 2;
        }
    }
    CHECK_EQ(look(innermost), jobs * COUNT * COUNT * COUNT);
    CHECK_EQ(furrow_level(), 0);
    CHECK_EQ(furrow_cpu_count(0), outside.cpus);
    CHECK_TEXT(furrow_backend_name(), "none");
}

void nested_pairs_on_eight(const struct row *row)
{
    static const char *const variables[] = { EIGHT_CPUS, "FURROW_LOG=quiet", NULL };

    check_apart(row, "nested_pairs", variables, NULL);
}

void nested_two_thread_levels(const struct row *row)
{
    static const char *const variables[] = { EIGHT_CPUS, "FURROW_LOG=quiet",
                                             "FURROW_THREAD_LEVELS=2", NULL };

    check_apart(row, "nested_pairs", variables, NULL);
}

/* -- Within the lease ----------------------------------------------------- */

enum { OUTER = 16 };

/* Tasks of the innermost jobs below one outer task. */
struct load {
    atomic_uint lease, started, now, most;
};

static int weigh(furrow_task *task)
{
    struct load *load = (struct load *)task->shared;
    unsigned lease = look(&load->lease), most = look(&load->most);
    unsigned at_once = atomic_fetch_add(&load->now, 1) + 1;

    while (at_once > most && !atomic_compare_exchange_weak(&load->most, &most, at_once))
        ;
    /* The first ones meet: every CPU of the lease is used. Then time for one
     * too many. */
    if (atomic_fetch_add(&load->started, 1) < lease)
        CHECK(wait_until(&load->started, lease));
    wait_up_to(0.002, &load->now, lease + 1);
    atomic_fetch_sub(&load->now, 1);
    return 0;
}

/* Asks for far more than there is, `deeper` levels down. */
static void ask_for_eight(const struct load *load, furrow_task_fn run, const char *backend)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = run, .count = 3 * look(&load->lease), .shared = load };

    config.backend = backend;
    config.jobs = 8;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

static int ask_again(furrow_task *task)
{
    struct load *load = (struct load *)task->shared;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = weigh, .count = 2, .shared = load };

    config.backend = "openmp";
    config.jobs = 8;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    return 0;
}

static int load_lease(furrow_task *task)
{
    static const char *const inner[] = { NULL, "openmp", "posix" };
    struct load *load = (struct load *)task->shared + task->index;

    atomic_store(&load->lease, (unsigned)furrow_cpu_count(0));
    for (int i = 0; i < 3; i++) {
        atomic_store(&load->started, 0);
        ask_for_eight(load, i == 2 ? weigh : ask_again, inner[i]);
        CHECK_EQ(look(&load->most), look(&load->lease));
    }
    return 0;
}

void within_leases(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = load_lease, .count = OUTER };
    struct load *loads;
    unsigned cpus = (unsigned)furrow_cpu_count(0), workers = (unsigned)row->workers;

    if (row->place == IN_CALLER) {
        skip("jobs inside its tasks are jobs of level 0");
        return;
    }
    loads = board(OUTER * sizeof *loads);
    job.shared = loads;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    for (int i = 0; i < OUTER; i++) {
        CHECK_EQ(look(&loads[i].now), 0);
        CHECK(look(&loads[i].lease) <= (cpus > workers ? (cpus + workers - 1) / workers : 1));
    }
}

void within_leases_of_eight(const struct row *row)
{
    static const char *const variables[] = { EIGHT_CPUS, NULL };

    if (row->place == IN_CALLER)
        skip("jobs inside its tasks are jobs of level 0");
    else
        check_apart(row, "within_leases", variables, NULL);
}

/* -- Levels --------------------------------------------------------------- */

struct level {
    int level, cpus;
    const char *backend;
};

static int see_level(furrow_task *task)
{
    const struct level *want = task->shared;

    CHECK_EQ(furrow_level(), want->level);
    CHECK_EQ(furrow_cpu_count(0), want->cpus);
    CHECK_TEXT(furrow_backend_name(), want->backend);
    return 0;
}

static int start_row(furrow_task *task)
{
    const struct row *row = task->shared;
    int cpus = furrow_cpu_count(0);
    struct level level = { 1, share(cpus, row->workers, 0), row->backend };
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = see_level, .count = 20, .shared = &level, .shared_size = sizeof level
    };
    furrow_report report;

    CHECK_EQ(furrow_level(), 0);
    CHECK_TEXT(furrow_backend_name(), "sequential");
    if (row->place == IN_CALLER)
        level = (struct level){ 0, cpus, "sequential" };
    else if (cpus % row->workers != 0 && cpus > row->workers)
        job.count = 1, config.jobs = 1, level.cpus = cpus;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.level, 0);
    CHECK_EQ(report.workers, config.jobs);
    return 0;
}

void sequential_consumes_no_level(const struct row *row)
{
    furrow_config config = row_config(row_find("sequential"));
    furrow_job job = { .run = start_row, .count = 3, .shared = row };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

void lone_worker_has_a_level(const struct row *row)
{
    bool here = row->place == IN_CALLER;
    struct level level = { here ? 0 : 1, furrow_cpu_count(0), row->backend };
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = see_level, .count = 5, .shared = &level, .shared_size = sizeof level
    };
    furrow_report report;

    config.jobs = 1;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, 1);
    /* The same where it is one for want of tasks. */
    config.jobs = row->workers;
    job.count = 1;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.workers, 1);
}

struct inner_threads {
    int asked, lease;
};

static int see_inner_threads(furrow_task *task)
{
    const struct inner_threads *inner = task->shared;

    CHECK_EQ(task->cpus, inner->asked);
    CHECK_EQ(furrow_cpu_count(0), inner->asked < inner->lease ? inner->asked : inner->lease);
    return 0;
}

void inner_threads_as_asked(const struct row *row)
{
    int cpus = furrow_cpu_count(0);
    struct inner_threads inner = { .lease = cpus };
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = see_inner_threads, .count = 5, .shared = &inner, .shared_size = sizeof inner
    };

    if (row->place == IN_CALLER) {
        skip("its tasks see the CPUs of the caller");
        return;
    }
    config.jobs = 1;
    for (inner.asked = 1; inner.asked <= cpus + 1; inner.asked++) {
        config.inner_threads = inner.asked;
        CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    }
}

/* -- Backends that cannot run there --------------------------------------- */

/* Process backends by their caps, that run what they are given in the caller. */
static int capacity_of_eight(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return 8;
}

static furrow_status run_here(const furrow_crew *crew, furrow_work *work)
{
    (void)crew;
    furrow_work_run(work, 0);
    return FURROW_OK;
}

#define OUTSIDE_TASKS(title)                                                                       \
    {                                                                                              \
        .size = sizeof(furrow_backend), .name = title, .caps = FURROW_CAP_READS_HERE,              \
        .capacity = capacity_of_eight, .run = run_here                                             \
    }

static const furrow_backend outside_tasks[] = { OUTSIDE_TASKS("outside_a"),
                                                OUTSIDE_TASKS("outside_b"),
                                                OUTSIDE_TASKS("outside_c") };

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

/* Asks for three backends that may not run inside a task, the last one for a
 * job of one worker. */
static int ask_in_vain(furrow_task *task)
{
    const struct row *row = task->shared;
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = nothing, .count = 20 };
    furrow_report report;

    for (int i = 0; i < 3; i++) {
        config.backend = outside_tasks[i].name;
        config.jobs = i < 2 ? 3 : 1;
        CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
        if (row->place == IN_CALLER) {
            CHECK_TEXT(report.backend, outside_tasks[i].name);
            continue;
        }
        CHECK_TEXT(report.backend, i < 2 ? "openmp" : "sequential");
        CHECK_EQ(report.workers, config.jobs);
        CHECK_SAYS(report.reason, outside_tasks[i].name);
        CHECK_SAYS(report.reason, "as asked: cannot run inside a task");
    }
    /* And what it is told where it allows no other. */
    config.strict = true;
    if (row->place != IN_CALLER) {
        CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_EBACKEND);
        CHECK_SAYS(report.message, "outside_c");
        CHECK_SAYS(report.message, "cannot run inside a task");
        CHECK_SAYS(report.message, "strict");
        CHECK_EQ(report.done, 0);
    }
    return 0;
}

void demotions(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = ask_in_vain, .count = 5, .shared = row };

    for (int i = 0; i < 3; i++)
        CHECK_STATUS(furrow_backend_register(&outside_tasks[i]), FURROW_OK);
    config.jobs = 1; /* one worker, so one process of its own where it is one */
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

/* Lines of the log, and those that have a word. */
static int lines(const char *text, const char *word, int *with)
{
    int n = 0;

    *with = 0;
    for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
        const char *found = strstr(text, word);

        CHECK(strncmp(text, "furrow: ", 8) == 0);
        *with += found != NULL && found < text + strcspn(text, "\n");
        n++;
        if (strchr(text, '\n') == NULL)
            break;
    }
    return n;
}

void demotions_told(const struct row *row)
{
    static const char *const variables[] = { EIGHT_CPUS, NULL };
    int want = row->place == IN_CALLER ? 0 : 1, a, b;
    char said[SAID];

    check_apart(row, "demotions", variables, said);
    CHECK_EQ(lines(said, "outside_a", &a), 2 * want);
    CHECK_EQ(lines(said, "outside_b", &b), 2 * want);
    CHECK_EQ(a, want);
    CHECK_EQ(b, want);
}

/* -- Configs -------------------------------------------------------------- */

static int see_scopes(furrow_task *task)
{
    const struct row *row = task->shared;
    bool outer = row->place == IN_CALLER; /* sequential: the caller's scope goes on */
    furrow_config config;

    CHECK_STATUS(furrow_config_get(&config), FURROW_OK);
    CHECK_EQ(config.retries, outer ? 7 : 0);
    CHECK_EQ(config.batch, outer ? 3 : 0);
    CHECK_EQ(config.jobs, outer ? 2 : -1);
    CHECK(outer || config.backend == NULL);
    /* What was pushed outside is not to be popped here. */
    CHECK_STATUS(furrow_config_pop(), FURROW_EINVAL);
    config.retries = 9;
    CHECK_STATUS(furrow_config_push(&config), FURROW_OK);
    config.retries = 10;
    CHECK_STATUS(furrow_config_push(&config), FURROW_OK);
    CHECK_STATUS(furrow_config_get(&config), FURROW_OK);
    CHECK_EQ(config.retries, 10);
    if (task->index % 2 == 0)
        CHECK_STATUS(furrow_config_pop(), FURROW_OK);
    return 0;
}

static int see_callers_scope(const furrow_result *result, void *user)
{
    furrow_config config;

    (void)result, (void)user;
    CHECK_STATUS(furrow_config_get(&config), FURROW_OK);
    CHECK_EQ(config.retries, 7);
    CHECK_STATUS(furrow_config_pop(), FURROW_EINVAL);
    config.retries = 8;
    CHECK_STATUS(furrow_config_push(&config), FURROW_OK);
    return 0;
}

void scopes(const struct row *row)
{
    furrow_config config = row_config(row), pushed = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = see_scopes, .count = 40, .shared = row };
    char name[] = "sequential";

    CHECK_STATUS(furrow_config_pop(), FURROW_EINVAL);
    pushed.backend = name;
    pushed.jobs = 2;
    pushed.retries = 7;
    pushed.batch = 3;
    CHECK_STATUS(furrow_config_push(&pushed), FURROW_OK);
    memset(name, 'x', sizeof name - 1); /* it was copied */
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    job.on_result = see_callers_scope;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_STATUS(furrow_config_get(&pushed), FURROW_OK);
    CHECK_EQ(pushed.retries, 7);
    CHECK_TEXT(pushed.backend, "sequential");
    CHECK_STATUS(furrow_config_pop(), FURROW_OK);
    CHECK_STATUS(furrow_config_pop(), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "furrow_config_pop");
}

static int see_pushed(furrow_task *task)
{
    const struct row *row = task->shared;

    CHECK_TEXT(furrow_backend_name(), row->backend);
    return task->attempt == 0;
}

void pushed_config_runs(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = see_pushed, .count = 30, .shared = row };
    furrow_report report;

    config.retries = 1;
    CHECK_STATUS(furrow_config_push(&config), FURROW_OK);
    CHECK_STATUS(furrow_map(&job, NULL, &report), FURROW_OK);
    CHECK_TEXT(report.backend, row->backend);
    CHECK_EQ(report.workers, row->workers);
    CHECK_EQ(report.retried, 30);
    CHECK_STATUS(furrow_config_pop(), FURROW_OK);
    config.jobs = 0;
    CHECK_STATUS(furrow_config_push(&config), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), "jobs");
    CHECK_STATUS(furrow_config_push(NULL), FURROW_EINVAL);
    CHECK_STATUS(furrow_config_pop(), FURROW_EINVAL);
}

/* -- Failures ------------------------------------------------------------- */

static int fail_innermost(furrow_task *task)
{
    return task->index == 3 ? furrow_task_fail(task, 11, "singular matrix %zu", task->index) : 0;
}

/* Passes the failure of a job of its own on. */
static int pass_on(furrow_task *task, furrow_task_fn run)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = run, .count = 5 };
    furrow_report report;

    config.jobs = 2;
    if (task->index != 1)
        return 0;
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_TEXT(furrow_message(), report.message);
    CHECK_SAYS(report.message, "singular matrix 3");
    return 20 + furrow_level();
}

static int pass_on_middle(furrow_task *task)
{
    return pass_on(task, fail_innermost);
}

static int pass_on_outer(furrow_task *task)
{
    return pass_on(task, pass_on_middle);
}

void nested_failure_keeps_words(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = pass_on_outer, .count = 8 };
    furrow_report report;

    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_ETASK);
    CHECK_EQ(report.failed, 1);
    CHECK_EQ(report.failure[0].index, 1);
    CHECK_EQ(report.code, row->place == IN_CALLER ? 20 : 21);
    CHECK_SAYS(report.failure[0].message, "singular matrix 3");
    CHECK_SAYS(report.message, "singular matrix 3");
    CHECK_TEXT(furrow_message(), report.message);
}
