/* The limit: threads that exist already, one equal share of the indices each,
 * one call per task and nothing else. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

enum { MOST = 64, SPINS = 20000 };

/* What one run is about: set by the caller before `generation` grows. */
struct order {
    const struct bench_loop *loop;
    size_t count;
    double *out; /* fill it by bench_range() instead of running the loop */
    int workers;
};

static struct {
    struct order order;
    int threads;                         /* that exist, beside the caller */
    _Alignas(64) atomic_uint generation; /* grows once per run; by the caller */
    _Alignas(64) atomic_int working;     /* threads that have not finished */
    _Alignas(64) atomic_int sleeping;    /* threads that wait on `wake` */
    pthread_mutex_t lock;                /* around waiting and waking */
    pthread_cond_t wake;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

/* The i-th look at something that another thread is to change. That thread may
 * need this CPU: now and then it gets it. */
static void relax(int i)
{
    if (i % 2000 == 1999)
        (void)sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

static void work(const struct order *order, int worker)
{
    const size_t begin = order->count * (size_t)worker / (size_t)order->workers;
    const size_t end = order->count * ((size_t)worker + 1) / (size_t)order->workers;
    const struct bench_loop *loop = order->loop;
    bench_task *call;

    if (order->out != NULL)
        bench_range(begin, end, order->out);
    if (loop == NULL)
        return;
    call = loop->call;
    for (size_t i = begin; i < end; i++)
        call(i, loop);
}

/* Sequentially consistent throughout: the caller raises `generation` and then
 * looks at `sleeping`, a thread raises `sleeping` and then looks at
 * `generation`, so that one of them sees the other. */
static unsigned wait_for_order(unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&pool.generation) != seen)
            return seen + 1;
        relax(i);
    }
    (void)pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleeping, 1);
    while (atomic_load(&pool.generation) == seen)
        (void)pthread_cond_wait(&pool.wake, &pool.lock);
    atomic_fetch_sub(&pool.sleeping, 1);
    (void)pthread_mutex_unlock(&pool.lock);
    return seen + 1;
}

static void *thread_main(void *arg)
{
    const int worker = (int)(intptr_t)arg;
    unsigned seen = 0;

    for (;;) {
        seen = wait_for_order(seen);
        if (worker < pool.order.workers)
            work(&pool.order, worker);
        atomic_fetch_sub(&pool.working, 1);
    }
    return NULL;
}

/* All threads that this process needs; they end with it. */
static void make_threads(int workers)
{
    if (pool.threads >= workers - 1)
        return;
    if (workers > MOST || pool.threads > 0) {
        fprintf(stderr, "pthread: %d workers after %d: not possible\n", workers, pool.threads + 1);
        exit(1);
    }
    for (; pool.threads < workers - 1; pool.threads++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, thread_main, (void *)(intptr_t)(pool.threads + 1)) != 0) {
            fprintf(stderr, "pthread: no thread %d\n", pool.threads + 1);
            exit(1);
        }
        (void)pthread_detach(thread);
    }
}

static void run_order(struct order order)
{
    make_threads(order.workers);
    pool.order = order;
    atomic_store(&pool.working, pool.threads);
    atomic_fetch_add(&pool.generation, 1);
    if (atomic_load(&pool.sleeping) > 0) {
        (void)pthread_mutex_lock(&pool.lock);
        (void)pthread_cond_broadcast(&pool.wake);
        (void)pthread_mutex_unlock(&pool.lock);
    }
    work(&pool.order, 0);
    for (int i = 0; atomic_load(&pool.working) > 0; i = (i + 1) % SPINS)
        relax(i);
}

static void run_static(const struct bench_loop *loop, int workers)
{
    run_order((struct order){ .loop = loop, .count = loop->count, .workers = workers });
}

static void range_inlined(size_t count, double *out, int workers)
{
    run_order((struct order){ .count = count, .out = out, .workers = workers });
}

static void region(int workers)
{
    run_order((struct order){ .count = 0, .workers = workers });
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = {
        { .name = "static", .run = run_static, .region = region },
        { .name = "inlined", .range = range_inlined },
    };

    return bench_main(argc, argv, variants, sizeof variants / sizeof variants[0]);
}
