/* All memory of the library comes from here, so that a test can make the n-th
 * request fail and count what is still held. */
#ifndef FW_MEMORY_H
#define FW_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum { FW_CACHE_LINE = 64 };

/* A thread's own pointer, read in every call: without a call of the linker's. A
 * few bytes only, since a library that is loaded later has little room so near. */
#define FW_NEAR_TLS _Thread_local __attribute__((tls_model("initial-exec")))

/* On the way of a small job: such functions lie together, so that after a pause
 * fewer pages and lines have to come from memory. */
#define FW_HOT __attribute__((hot))

/* As malloc and free; size 0 gives memory that may be freed. */
void *fw_malloc(size_t size);
void fw_free(void *p);

/* A zeroed block that starts on a cache line. `shared`: a mapping that children
 * forked later share. Pages that nobody touches cost address space alone. NULL:
 * not to be had. Freed by fw_block_free() with the same arguments. */
void *fw_block_alloc(size_t size, bool shared);
void fw_block_free(void *block, size_t size, bool shared);

/* Memory for one process that is written once from end to end: in huge pages
 * where there are some, and no part of children. NULL: not to be had. Freed by
 * fw_bulk_free(). */
void *fw_bulk_alloc(size_t size);
void fw_bulk_free(void *bulk, size_t size);

/* memcpy() to pages that a fork before made read-only, or that nobody touched:
 * the kernel is asked for all of them at once, not page by page. */
void fw_bulk_copy(void *to, const void *from, size_t size);

/* Test seam: asked before every request; true refuses it. NULL: none. */
extern bool (*fw_memory_refuse)(size_t size);

/* Requests not yet given back, in this process. */
long fw_memory_held(void);

/* A block is kept beyond its job, for the thread's life (+1), or no more (-1):
 * what is kept is not counted as held. */
void fw_memory_keep(int blocks);

/* Carves one block into parts: with base NULL it only adds up what they need. */
struct fw_carver {
    char *base;
    size_t used;
    bool overflow; /* the sum does not fit a size_t */
};

/* `count` elements of `size` bytes at a multiple of `align` (a power of two);
 * NULL while adding up, and for no elements. */
void *fw_carve(struct fw_carver *carver, size_t count, size_t size, size_t align);

#endif
