/* The floating-point control of the calling thread: rounding, exception masks,
 * flush-to-zero. Registers where they are known, since fegetenv() and
 * fesetenv() take 70 ns each; <fenv.h> elsewhere. Sticky exception flags are no
 * control: they are the thread's own and stay. */
#ifndef FW_FLOATING_H
#define FW_FLOATING_H

#include <stdint.h>

#if defined(__x86_64__)

struct fw_floating {
    uint32_t mxcsr; /* SSE: rounding, masks, flush-to-zero, denormals-are-zero */
    uint16_t x87;   /* control word of long double */
};

enum { FW_MXCSR_FLAGS = 0x3F }; /* Intel SDM vol. 1, 10.2.3: the sticky flags */

static inline struct fw_floating fw_floating_get(void)
{
    struct fw_floating f;

    __asm__ volatile("stmxcsr %0" : "=m"(f.mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(f.x87));
    return f;
}

static inline void fw_floating_set(const struct fw_floating *to)
{
    const struct fw_floating now = fw_floating_get();
    const uint32_t mxcsr = (to->mxcsr & ~(uint32_t)FW_MXCSR_FLAGS) | (now.mxcsr & FW_MXCSR_FLAGS);

    if (mxcsr != now.mxcsr)
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    if (to->x87 != now.x87) /* an old flag must not trap under a new mask */
        __asm__ volatile("fnclex; fldcw %0" : : "m"(to->x87));
}

#elif defined(__aarch64__)

struct fw_floating {
    uint64_t fpcr;
};

static inline struct fw_floating fw_floating_get(void)
{
    struct fw_floating f;

    __asm__ volatile("mrs %0, fpcr" : "=r"(f.fpcr));
    return f;
}

static inline void fw_floating_set(const struct fw_floating *to)
{
    if (to->fpcr != fw_floating_get().fpcr)
        __asm__ volatile("msr fpcr, %0" : : "r"(to->fpcr));
}

#else

#include <fenv.h>

struct fw_floating {
    fenv_t environment;
};

static inline struct fw_floating fw_floating_get(void)
{
    struct fw_floating f;

    (void)fegetenv(&f.environment);
    return f;
}

static inline void fw_floating_set(const struct fw_floating *to)
{
    (void)fesetenv(&to->environment);
}

#endif

#endif
