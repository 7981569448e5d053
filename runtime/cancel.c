#include "cancel.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "child.h"
#include "drain.h"
#include "memory.h"
#include "work.h"

enum { BLOCK = 64 };

struct block {
    _Atomic(furrow_work *) work[BLOCK];
    _Atomic(struct block *) next; /* set once, never freed: as many as ever ran at a time */
};

static struct block first;
static atomic_int walkers; /* walks under way */

static bool try_block(struct block *block, furrow_work *work)
{
    for (int i = 0; i < BLOCK; i++) {
        furrow_work *empty = NULL;

        if (atomic_load(&block->work[i]) == NULL &&
            atomic_compare_exchange_strong(&block->work[i], &empty, work)) {
            if (work->cancel_slot != &block->work[i]) /* workers read what stands beside it */
                work->cancel_slot = &block->work[i];
            return true;
        }
    }
    return false;
}

static struct block *next_block(struct block *block)
{
    struct block *next = atomic_load(&block->next), *made;

    if (next != NULL)
        return next;
    made = fw_malloc(sizeof *made);
    if (made == NULL)
        return NULL;
    memset(made, 0, sizeof *made);
    if (atomic_compare_exchange_strong(&block->next, &next, made))
        return made;
    fw_free(made);
    return next;
}

/* The jobs are those of the process that forked, which may share their memory. */
void fw_cancel_in_child(void)
{
    atomic_store(&walkers, 0);
    for (struct block *b = &first; b != NULL; b = atomic_load(&b->next))
        for (int i = 0; i < BLOCK; i++)
            atomic_store(&b->work[i], NULL);
}

void fw_cancel_of_process(furrow_work *work)
{
    atomic_store(work->cancel_slot, work); /* at the same address as where the job was entered */
}

FW_HOT bool fw_cancel_enter(furrow_work *work)
{
    struct block *block = &first;

    if (work->outermost)
        fw_drain_watch();
    while (block != NULL && !try_block(block, work))
        block = next_block(block);
    if (block != NULL && fw_drain_came()) /* looked at after the handler can see the job */
        fw_work_drain(work, fw_drain_words());
    return block != NULL;
}

FW_HOT void fw_cancel_leave(furrow_work *work)
{
    atomic_store(work->cancel_slot, NULL);
    /* A walker that read the pointer before may still use it; one that starts
     * now does not find it. A handler on this thread returns before we go on. */
    while (atomic_load(&walkers) > 0)
        (void)sched_yield();
}

static void walk(void (*visit)(furrow_work *work))
{
    atomic_fetch_add(&walkers, 1);
    for (struct block *b = &first; b != NULL; b = atomic_load(&b->next))
        for (int i = 0; i < BLOCK; i++) {
            furrow_work *work = atomic_load(&b->work[i]);

            if (work != NULL)
                visit(work);
        }
    atomic_fetch_sub(&walkers, 1);
}

static void drain(furrow_work *work)
{
    fw_work_drain(work, fw_drain_words());
}

void fw_cancel_drain(void)
{
    walk(drain);
}

void furrow_cancel(void)
{
    walk(fw_work_cancel);
}
