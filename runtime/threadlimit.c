/* OpenMP through its library routines alone: no construct in this file. */
#include "threadlimit.h"

#include <limits.h>

#include "memory.h"

/* -- A thread's settings ------------------------------------------------ */

FW_HOT static void limit_openmp(int number, int threads, struct fw_thread_limit *own)
{
    const struct fw_openmp *omp = fw_openmp_at(number);

    own->openmp[number].threads = omp->max_threads();
    own->openmp[number].levels = omp->max_levels();
    own->openmp[number].limit = threads;
    omp->set_threads(threads);
    omp->set_levels(omp->active_level() + (threads > 1 ? 1 : 0));
}

static void check_openmp(int number, int threads)
{
    const struct fw_openmp *omp = fw_openmp_at(number);

    fw_pools_check(omp->name, omp->path, FW_VAR_OMP, threads, omp->max_threads());
}

static void limit_pool(int number, int threads, struct fw_thread_limit *own)
{
    const struct fw_pool *pool = fw_pools_at(number);

    if (own->npools == FW_OWN_POOLS_MOST) {
        fw_log_once("own pools full",
                    "%s (%s) is one thread library more than furrow limits at a time; "
                    "limit it in worker_begin",
                    pool->name, pool->path);
        return;
    }
    own->pool[own->npools].number = number;
    own->pool[own->npools++].before = pool->set(pool, threads);
    fw_pools_check(pool->name, pool->path, pool->variable, threads, pool->get(pool));
}

void fw_thread_limit_set(int asked, int share, struct fw_thread_limit *own)
{
    const struct fw_pooluser *user = fw_pooluser();
    const int regions = fw_pooluser_threads(user, FW_VAR_OMP, asked, share);

    own->nopenmp = fw_openmp_count();
    own->npools = 0;
    own->pools = fw_pools_count();
    for (int i = 0; i < own->nopenmp; i++) {
        limit_openmp(i, regions, own);
        check_openmp(i, regions);
    }
    for (int i = 0; i < own->pools; i++)
        if (fw_pools_at(i)->scope == FW_POOL_THREAD)
            limit_pool(i, fw_pooluser_threads(user, fw_pools_at(i)->variable, asked, share), own);
}

FW_HOT void fw_thread_limit_set_again(int asked, int share, struct fw_thread_limit *own)
{
    if (own->nopenmp != fw_openmp_count() || own->pools != fw_pools_count() || own->npools > 0) {
        fw_thread_limit_set(asked, share, own);
        return;
    }
    for (int i = 0; i < own->nopenmp; i++)
        limit_openmp(i, own->openmp[i].limit, own);
}

FW_HOT void fw_thread_limit_restore(const struct fw_thread_limit *own)
{
    for (int i = own->npools - 1; i >= 0; i--) {
        const struct fw_pool *pool = fw_pools_at(own->pool[i].number);

        (void)pool->set(pool, own->pool[i].before);
    }
    for (int i = own->nopenmp - 1; i >= 0; i--) {
        const struct fw_openmp *omp = fw_openmp_at(i);

        omp->set_levels(own->openmp[i].levels);
        omp->set_threads(own->openmp[i].threads);
    }
}

bool fw_thread_limit_exceeds(int cpus)
{
    for (int i = 0; i < fw_openmp_count(); i++)
        if (fw_openmp_at(i)->max_threads() > cpus)
            return true;
    for (int i = 0; i < fw_pools_count(); i++)
        if (fw_pools_at(i)->scope != FW_POOL_FOLLOWS && fw_pools_at(i)->get(fw_pools_at(i)) > cpus)
            return true;
    return false;
}

/* -- Where a thread is -------------------------------------------------- */

FW_HOT void fw_openmp_here(struct fw_openmp_place *out)
{
    const int n = fw_openmp_count();

    for (int i = 0; i < FW_OPENMP_MOST; i++)
        out->level[i] = i < n ? fw_openmp_at(i)->level() : 0;
}

FW_HOT int fw_openmp_team(const struct fw_openmp_place *outer)
{
    long long threads = 1;

    for (int i = 0; i < fw_openmp_count(); i++) {
        const struct fw_openmp *omp = fw_openmp_at(i);

        for (int l = omp->level(); l > outer->level[i] && threads < INT_MAX; l--)
            threads *= omp->team_size(l);
    }
    return threads < INT_MAX ? (int)threads : INT_MAX;
}

/* -- Pushed limits ------------------------------------------------------ */

struct fw_limit_scope {
    struct fw_limit_scope *outer;
    struct fw_thread_limit own;
    struct fw_pool_hold hold;
};

furrow_status fw_limit_push(struct fw_limit_scope **top, int threads)
{
    struct fw_limit_scope *scope = fw_malloc(sizeof *scope);

    if (scope == NULL)
        return fw_fail(FURROW_ENOMEM, "no memory to push a thread limit: %zu bytes refused",
                       sizeof *scope);
    fw_pools_refresh();
    fw_thread_limit_set(threads, threads, &scope->own);
    fw_pools_hold(&scope->hold, threads, threads, false);
    scope->outer = *top;
    *top = scope;
    return FURROW_OK;
}

void fw_limit_pop(struct fw_limit_scope **top)
{
    struct fw_limit_scope *scope = *top;

    *top = scope->outer;
    fw_pools_release(&scope->hold);
    fw_thread_limit_restore(&scope->own);
    fw_free(scope);
}
