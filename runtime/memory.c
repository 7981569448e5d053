/* Allocation behind one seam. Blocks of at least a few pages are mappings:
 * zeroed by the kernel as they are touched, and given back whole. */
#include "memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool (*fw_memory_refuse)(size_t size);

static atomic_long held;

/* Smaller private blocks come from the heap, where no system call is needed. */
enum { MAP_FROM = 64 * 1024 };

static bool refused(size_t size)
{
    return fw_memory_refuse != NULL && fw_memory_refuse(size);
}

static void *counted(void *p)
{
    if (p != NULL)
        atomic_fetch_add_explicit(&held, 1, memory_order_relaxed);
    return p;
}

static void uncount(void)
{
    atomic_fetch_sub_explicit(&held, 1, memory_order_relaxed);
}

long fw_memory_held(void)
{
    return atomic_load(&held);
}

void fw_memory_keep(int blocks)
{
    atomic_fetch_sub_explicit(&held, blocks, memory_order_relaxed);
}

void *fw_malloc(size_t size)
{
    return refused(size) ? NULL : counted(malloc(size > 0 ? size : 1));
}

void fw_free(void *p)
{
    if (p == NULL)
        return;
    uncount();
    free(p);
}

static void *heap_block(size_t size)
{
    void *p = aligned_alloc(FW_CACHE_LINE, (size + FW_CACHE_LINE - 1) / FW_CACHE_LINE * FW_CACHE_LINE);

    return p != NULL ? memset(p, 0, size) : NULL;
}

static void *mapped_block(size_t size, int flags)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    return p != MAP_FAILED ? p : NULL;
}

static bool on_heap(size_t size, bool shared)
{
    return !shared && size < MAP_FROM;
}

void *fw_block_alloc(size_t size, bool shared)
{
    if (refused(size) || size == 0 || size > SIZE_MAX / 2)
        return NULL;
    if (on_heap(size, shared))
        return counted(heap_block(size));
    return counted(mapped_block(size, shared ? MAP_SHARED : MAP_PRIVATE));
}

void fw_block_free(void *block, size_t size, bool shared)
{
    if (block == NULL)
        return;
    uncount();
    if (on_heap(size, shared))
        free(block);
    else
        (void)munmap(block, size);
}

void *fw_bulk_alloc(size_t size)
{
    void *p;

    if (refused(size) || size == 0 || size > SIZE_MAX / 2)
        return NULL;
    p = mapped_block(size, MAP_PRIVATE | MAP_NORESERVE);
    if (p != NULL) {
        (void)madvise(p, size, MADV_HUGEPAGE);
        (void)madvise(p, size, MADV_DONTFORK);
    }
    return counted(p);
}

void fw_bulk_free(void *bulk, size_t size)
{
    if (bulk == NULL)
        return;
    uncount();
    (void)munmap(bulk, size);
}

/* Bytes from which asking pays, and the advice where the C library is older. */
enum { BULK = 64 * 1024, POPULATE_WRITE = 23 };

void fw_bulk_copy(void *to, const void *from, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    const uintptr_t begin = ((uintptr_t)to + page) & ~page, end = ((uintptr_t)to + size) & ~page;

    if (size >= BULK) /* an older kernel refuses it: then page by page */
        (void)madvise((void *)begin, end - begin, POPULATE_WRITE);
    memcpy(to, from, size);
}

void *fw_carve(struct fw_carver *carver, size_t count, size_t size, size_t align)
{
    size_t start, bytes;

    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(carver->used, align - 1, &start) ||
        __builtin_add_overflow(start & ~(align - 1), bytes, &carver->used)) {
        carver->overflow = true;
        carver->used = 0;
        return NULL;
    }
    start &= ~(align - 1);
    return carver->base != NULL && bytes > 0 ? carver->base + start : NULL;
}
