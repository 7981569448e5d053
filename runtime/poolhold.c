#include "poolhold.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "pools.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* -- Guarded by `lock`. */
static struct fw_pool_hold *first;
static struct {
    bool limited;
    int before; /* what brings back the setting before the first hold */
} was[FW_POOLS_MOST];

static _Thread_local struct fw_pool_hold *mine; /* the calling thread's newest hold */

/* -- One pool ----------------------------------------------------------- */

/* lock held. The smallest number that a hold in force gives; INT_MAX: none. */
static int smallest(const struct fw_pool *pool)
{
    int least = INT_MAX;

    for (const struct fw_pool_hold *h = first; h != NULL; h = h->next) {
        const int threads = fw_pooluser_threads(fw_pooluser(), pool->variable, h->asked, h->share);

        if (!h->covered && threads < least)
            least = threads;
    }
    return least;
}

/* lock held. A pool that has the number already is left alone: after a fork
 * OpenBLAS makes its threads anew when it is set, whatever the number. */
static void limit_pool(int number, int threads)
{
    const struct fw_pool *pool = fw_pools_at(number);
    const int now = pool->get(pool);

    if (!was[number].limited) {
        was[number].limited = true;
        was[number].before = now;
    }
    if (now == threads)
        return;
    (void)pool->set(pool, threads);
    fw_pools_check(pool->name, pool->path, pool->variable, threads, pool->get(pool));
}

/* lock held */
static void free_pool(int number)
{
    const struct fw_pool *pool = fw_pools_at(number);

    if (was[number].limited && pool->get(pool) != was[number].before)
        (void)pool->set(pool, was[number].before);
    was[number].limited = false;
}

/* lock held */
static void apply(void)
{
    for (int i = 0; i < fw_pools_count(); i++) {
        const int threads =
            fw_pools_at(i)->scope == FW_POOL_PROCESS ? smallest(fw_pools_at(i)) : INT_MAX;

        if (threads < INT_MAX)
            limit_pool(i, threads);
        else
            free_pool(i);
    }
}

/* -- Holding ------------------------------------------------------------ */

/* lock held */
static void link_in(struct fw_pool_hold *hold)
{
    hold->prev = NULL;
    hold->next = first;
    if (first != NULL)
        first->prev = hold;
    first = hold;
}

/* lock held */
static void link_out(struct fw_pool_hold *hold)
{
    if (hold->prev != NULL)
        hold->prev->next = hold->next;
    else
        first = hold->next;
    if (hold->next != NULL)
        hold->next->prev = hold->prev;
}

static bool any_shared(void)
{
    for (int i = 0; i < fw_pools_count(); i++)
        if (fw_pools_at(i)->scope == FW_POOL_PROCESS)
            return true;
    return false;
}

void fw_pools_hold(struct fw_pool_hold *hold, int asked, int share, bool crowd)
{
    *hold = (struct fw_pool_hold){
        .held = any_shared(), .asked = asked, .share = share, .crowd = crowd
    };
    if (!hold->held)
        return;
    hold->outer = mine;
    mine = hold;
    (void)pthread_mutex_lock(&lock);
    if (hold->outer != NULL && !hold->outer->crowd)
        hold->outer->covered = true;
    link_in(hold);
    apply();
    (void)pthread_mutex_unlock(&lock);
}

void fw_pools_release(struct fw_pool_hold *hold)
{
    if (!hold->held)
        return;
    hold->held = false;
    mine = hold->outer;
    (void)pthread_mutex_lock(&lock);
    if (hold->outer != NULL)
        hold->outer->covered = false;
    link_out(hold);
    apply();
    (void)pthread_mutex_unlock(&lock);
}

void fw_pools_after_fork(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    first = NULL;
    for (struct fw_pool_hold *h = mine; h != NULL; h = h->outer) {
        h->crowd = false; /* its other threads are not here */
        h->covered = h != mine;
        link_in(h);
    }
    if (first == NULL)
        memset(was, 0, sizeof was);
}
