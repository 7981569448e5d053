/* A bell: sleep until somebody has changed something, without a lost wake-up.
 *
 *   sleeper: ticket = fw_bell_listen(); looks again for work; none: _sleep()
 *   ringer:  makes work visible, then fw_bell_ring()
 *
 * If the ringer's change comes before the sleeper's second look, the look sees
 * it. Otherwise the listen came before the change, so the ring sees a listener
 * and moves the number that the sleeper compares in the kernel. (Both sides are
 * sequentially consistent.) Lives anywhere, also in memory shared by processes. */
#ifndef FW_BELL_H
#define FW_BELL_H

#include <stdatomic.h>
#include <stdint.h>

struct fw_bell {
    _Atomic uint32_t rings;     /* what a sleeper compares; moved only when heard */
    _Atomic uint32_t listeners; /* who may sleep; a dead one only costs a call */
};

uint32_t fw_bell_listen(struct fw_bell *bell);
/* Instead of sleeping: the second look found something. */
void fw_bell_ignore(struct fw_bell *bell);
/* Until rung after the ticket was drawn, or `ns` nanoseconds have passed (0: no
 * limit), or for no reason. */
void fw_bell_sleep(struct fw_bell *bell, uint32_t ticket, uint64_t ns);
/* Wakes all. Safe in a signal handler; no system call where nobody listens. */
void fw_bell_ring(struct fw_bell *bell);

/* A short pause in a spinning loop. */
static inline void fw_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

#endif
