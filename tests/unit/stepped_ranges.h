/* A copy of runtime/ranges.c of the including program's own, in which an actor of
 * model.h stops before every atomic operation. Included once in a program. */
#ifndef STEPPED_RANGES_H
#define STEPPED_RANGES_H

#include "model.h"

#include <string.h>

/* What ended calls left on the stack goes, so that states differ only in what
 * still matters. */
static __attribute__((noinline)) void wipe(void)
{
    char below[1024];

    memset(below, 0, sizeof below);
    __asm__ volatile("" : : "r"(below) : "memory");
}

static void step_at(const char *func, int line)
{
    wipe();
    model_point_at(func, line);
}
#define point() step_at(__func__, __LINE__)

static bool fine; /* what is only a hint is a step as well */

static inline void hint_at(const char *func, int line)
{
    if (fine)
        step_at(func, line);
}

#define FW_MODEL
#include "runtime/ranges.h"
#define fw_model_point() point()
#undef FW_PEEK
#define FW_PEEK(p) (hint_at(__func__, __LINE__), atomic_load_explicit(p, memory_order_relaxed))
#undef FW_HINT
#define FW_HINT(p, v)                                                                              \
    (hint_at(__func__, __LINE__), atomic_store_explicit(p, v, memory_order_relaxed))
#include "runtime/ranges.c"

#endif
