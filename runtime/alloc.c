/* furrow_alloc(): one shared mapping each, and a list of them.
 *
 * The list is changed by one store at a time under a lock, so that a child that
 * was forked in the middle has it whole. */
#include "alloc.h"

#include <pthread.h>
#include <stdint.h>

#include <furrow/furrow.h>

#include "child.h"
#include "memory.h"
#include "message.h"

struct region {
    char *begin; /* owned */
    size_t size;
    struct region *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions; /* newest first; guarded by `lock` */

void fw_alloc_in_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
}

void *furrow_alloc(size_t size)
{
    struct region *region = fw_malloc(sizeof *region);
    const size_t bytes = size > 0 ? size : 1;
    char *begin = region != NULL ? fw_block_alloc(bytes, true) : NULL;

    fw_message_clear();
    if (begin == NULL) {
        fw_free(region);
        (void)fw_fail(
            FURROW_ENOMEM,
            "furrow_alloc: no memory for %zu bytes; ask for less, or give the program more memory",
            size);
        return NULL;
    }
    *region = (struct region){ .begin = begin, .size = bytes };
    fw_child_expect();
    (void)pthread_mutex_lock(&lock);
    region->next = regions;
    regions = region;
    (void)pthread_mutex_unlock(&lock);
    return begin;
}

void furrow_free(void *p)
{
    struct region *region, **at = &regions;

    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    while (*at != NULL && (*at)->begin != (char *)p)
        at = &(*at)->next;
    region = *at;
    if (region != NULL)
        *at = region->next;
    (void)pthread_mutex_unlock(&lock);
    if (region == NULL) {
        (void)fw_fail(
            FURROW_EINVAL,
            "furrow_free: this is no address from furrow_alloc(), or it was freed before; "
            "pass what furrow_alloc() returned");
        return;
    }
    fw_block_free(region->begin, region->size, true);
    fw_free(region);
}

bool fw_alloc_holds(const void *begin, size_t size)
{
    const uintptr_t first = (uintptr_t)begin;
    bool holds = false;

    (void)pthread_mutex_lock(&lock);
    for (const struct region *r = regions; r != NULL && !holds; r = r->next) {
        const uintptr_t base = (uintptr_t)r->begin;

        holds = first >= base && first - base <= r->size && size <= r->size - (first - base);
    }
    (void)pthread_mutex_unlock(&lock);
    return holds;
}
