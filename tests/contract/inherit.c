/* What a task has from the thread that started the job, and what that thread
 * and the workers have afterwards. */
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "promises.h"

/* Flush-to-zero and denormals-are-zero. */
enum { FLUSH = 0x8040 };

static unsigned flush_get(void)
{
#if defined(__SSE__)
    return _mm_getcsr() & FLUSH;
#else
    return 0;
#endif
}

static void flush_set(unsigned bits)
{
#if defined(__SSE__)
    _mm_setcsr((_mm_getcsr() & ~(unsigned)FLUSH) | bits);
#else
    (void)bits;
#endif
}

/* The state of a thread. */
struct state {
    int rounding, exceptions;
    unsigned flush;
    bool blocked;       /* SIGUSR2 */
    double third, tiny; /* what arithmetic makes of it */
};

/* An address of this process, so no part of the state that jobs are given. */
static locale_t locale_in_use = LC_GLOBAL_LOCALE;

static struct state state_now(void)
{
    volatile double one = 1, three = 3, smallest = 2.2250738585072014e-308;
    sigset_t mask;
    struct state state = { .rounding = fegetround(),
                           .exceptions = fegetexcept(),
                           .flush = flush_get() };

    state.third = one / three;
    state.tiny = smallest / three;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    state.blocked = sigismember(&mask, SIGUSR2) == 1;
    return state;
}

static void check_state_with(const struct state *want, locale_t locale)
{
    struct state state = state_now();

    CHECK_EQ(state.rounding, want->rounding);
    CHECK_EQ(state.exceptions, want->exceptions);
    CHECK_EQ(state.flush, want->flush);
    CHECK(uselocale((locale_t)0) == locale);
    CHECK_EQ(state.blocked, want->blocked);
    CHECK(memcmp(&state.third, &want->third, sizeof state.third) == 0);
    CHECK(memcmp(&state.tiny, &want->tiny, sizeof state.tiny) == 0);
}

static void check_state(const struct state *want)
{
    check_state_with(want, locale_in_use);
}

static int see_state(furrow_task *task)
{
    check_state(task->shared);
    return 0;
}

static int begin_with_state(int worker, const void *shared, void **state)
{
    (void)worker, (void)state;
    check_state(shared);
    return 0;
}

static int take_with_state(const furrow_result *result, void *user)
{
    (void)result;
    check_state(user);
    return 0;
}

/* Jobs of three kinds whose tasks have the state of this thread. */
static void jobs_have_state(const struct row *row)
{
    struct state state = state_now();
    furrow_config config = row_config(row);
    furrow_job job = { .run = see_state,
                       .count = 60,
                       .shared = &state,
                       .shared_size = sizeof state,
                       .worker_begin = begin_with_state,
                       .worker_end = begin_with_state };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    check_state(&state);
    job.on_result = take_with_state;
    job.user = &state;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    check_state(&state);
}

/* Runs a promise with one part of this thread's state changed. */
static void with_rounding(const struct row *row)
{
    static const int modes[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };

    for (int i = 0; i < 3; i++) {
        fesetround(modes[i]);
        CHECK_EQ(state_now().rounding, modes[i]);
        jobs_have_state(row);
    }
    fesetround(FE_TONEAREST);
}

void rounding_in_tasks(const struct row *row)
{
    with_rounding(row);
    jobs_have_state(row); /* and none of it in the next job */
}

static void with_flush(const struct row *row)
{
    unsigned before = flush_get();

    flush_set(FLUSH);
    CHECK(state_now().tiny == 0);
    jobs_have_state(row);
    flush_set(before);
}

void flush_to_zero_in_tasks(const struct row *row)
{
#if defined(__SSE__)
    with_flush(row);
    jobs_have_state(row);
#else
    (void)with_flush, (void)row;
    skip("this processor has no such mode in MXCSR");
#endif
}

static void with_exceptions(const struct row *row)
{
    feclearexcept(FE_ALL_EXCEPT);
    if (feenableexcept(FE_DIVBYZERO | FE_INVALID) == -1) {
        skip("this processor cannot trap");
        return;
    }
    jobs_have_state(row);
    fedisableexcept(FE_ALL_EXCEPT);
}

void exceptions_in_tasks(const struct row *row)
{
    with_exceptions(row);
    jobs_have_state(row);
}

static void with_locale(const struct row *row)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0), before;

    if (!CHECK(locale != (locale_t)0))
        return;
    before = uselocale(locale);
    locale_in_use = locale;
    jobs_have_state(row);
    locale_in_use = before;
    uselocale(before);
    freelocale(locale);
}

void locale_in_tasks(const struct row *row)
{
    with_locale(row);
    jobs_have_state(row);
}

static void with_mask(const struct row *row)
{
    sigset_t usr2, before;

    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, &before);
    jobs_have_state(row);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void signal_mask_in_tasks(const struct row *row)
{
    with_mask(row);
    jobs_have_state(row);
}

/* -- Nested --------------------------------------------------------------- */

static int start_inner(furrow_task *task)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = see_state, .count = 20, .shared = task->shared };

    config.backend = "posix";
    config.jobs = 2;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    check_state(task->shared);
    return 0;
}

static void nested_state(const struct row *row)
{
    struct state state = state_now();
    furrow_config config = row_config(row);
    furrow_job job = {
        .run = start_inner, .count = 10, .shared = &state, .shared_size = sizeof state
    };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
}

void state_two_deep(const struct row *row)
{
    fesetround(FE_DOWNWARD);
    nested_state(row);
    fesetround(FE_TONEAREST);
    nested_state(row);
}

/* -- Afterwards ----------------------------------------------------------- */

static int spoil(furrow_task *task)
{
    fesetround(task->index % 2 ? FE_UPWARD : FE_TOWARDZERO);
    return 0;
}

static void spoil_all(const struct row *row)
{
    furrow_config config = row_config(row);
    furrow_job job = { .run = spoil, .count = 50 };

    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    fesetround(FE_TONEAREST); /* where the caller was a worker it is its own doing */
}

/* Enough of a thread's state for one number. */
static int state_number(void)
{
    struct state state = state_now();

    return state.rounding * 512 + state.exceptions * 8 + (state.flush != 0) * 4 +
           (uselocale((locale_t)0) == LC_GLOBAL_LOCALE) * 2 + state.blocked;
}

void workers_have_their_own_back(const struct row *row)
{
    contract_fn *const changes[] = {
        spoil_all, with_rounding, with_flush, with_exceptions, with_locale, with_mask,
    };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        openmp_threads_as_before(state_number, changes[i], row);
}

/* A thread with a state of its own that lends itself as a worker. */
struct lent {
    furrow_work *work;
    int worker;
};

static void *lend(void *argument)
{
    struct lent *lent = argument;
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    struct state own;
    sigset_t usr2;

    fesetround(FE_UPWARD);
    flush_set(FLUSH);
    uselocale(locale);
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);
    own = state_now();
    furrow_work_run(lent->work, lent->worker);
    check_state_with(&own, locale);
    uselocale(LC_GLOBAL_LOCALE);
    freelocale(locale);
    return NULL;
}

static furrow_status lend_threads(const furrow_crew *crew, furrow_work *work)
{
    pthread_t thread;
    struct lent lent = { work, 0 };

    (void)crew;
    if (pthread_create(&thread, NULL, lend, &lent) != 0)
        return furrow_work_fail(work, FURROW_ESYS, "no thread");
    furrow_work_serve(work);
    pthread_join(thread, NULL);
    return FURROW_OK;
}

static int one(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return 1;
}

static const furrow_backend lending = { .size = sizeof(furrow_backend),
                                        .name = "lending",
                                        .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE,
                                        .capacity = one,
                                        .run = lend_threads };

void lent_threads_as_before(const struct row *row)
{
    const struct row lent = { "lending", "lending", 1, THREADS };

    (void)row;
    if (row_at(0) != row) {
        skip("a backend of its own, checked once");
        return;
    }
    CHECK_STATUS(furrow_backend_register(&lending), FURROW_OK);
    jobs_have_state(&lent);
    with_rounding(&lent);
}

/* -- The caller ----------------------------------------------------------- */

static int fail_late(furrow_task *task)
{
    return task->index == 90;
}

void caller_as_before(const struct row *row)
{
    cpu_set_t before, after;
    sigset_t mask_before, mask_after;
    furrow_config config = row_config(row);
    furrow_job job = { .run = fail_late, .count = 80 };

    pthread_getaffinity_np(pthread_self(), sizeof before, &before);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    job.count = 100;
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_ETASK);
    pthread_getaffinity_np(pthread_self(), sizeof after, &after);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    CHECK(CPU_EQUAL(&before, &after));
    for (int number = 1; number < 65; number++)
        CHECK_EQ(sigismember(&mask_after, number), sigismember(&mask_before, number));
}
