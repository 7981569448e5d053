/* futex(2): the only way to sleep on a word of memory that also works across
 * processes and in a signal handler. */
#include "bell.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint32_t fw_bell_listen(struct fw_bell *bell)
{
    atomic_fetch_add(&bell->listeners, 1);
    return atomic_load(&bell->rings);
}

void fw_bell_ignore(struct fw_bell *bell)
{
    atomic_fetch_sub(&bell->listeners, 1);
}

void fw_bell_sleep(struct fw_bell *bell, uint32_t ticket, uint64_t ns)
{
    struct timespec limit = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

    (void)syscall(SYS_futex, &bell->rings, FUTEX_WAIT, ticket, ns > 0 ? &limit : NULL, NULL, 0);
    atomic_fetch_sub(&bell->listeners, 1);
}

void fw_bell_ring(struct fw_bell *bell)
{
    int saved = errno;

    if (atomic_load(&bell->listeners) == 0)
        return;
    atomic_fetch_add(&bell->rings, 1);
    (void)syscall(SYS_futex, &bell->rings, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}
