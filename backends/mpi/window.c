#include "window.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct fw_window empty = { NULL, 0, -1 };

static bool map(struct fw_window *window, int fd, size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    *window = empty;
    if (base == MAP_FAILED)
        return false;
    window->base = base;
    window->size = size;
    return true;
}

bool fw_window_make(struct fw_window *window, size_t size)
{
    const int fd = memfd_create("furrow-node", MFD_CLOEXEC);

    *window = empty;
    if (fd < 0)
        return false;
    if (ftruncate(fd, (off_t)size) != 0 || !map(window, fd, size)) {
        (void)close(fd);
        return false;
    }
    window->fd = fd;
    return true;
}

struct fw_window_address fw_window_address(const struct fw_window *window)
{
    return (struct fw_window_address){ .pid = getpid(), .fd = window->fd, .there = window->base != NULL,
                                       .size = window->size };
}

bool fw_window_open(struct fw_window *window, const struct fw_window_address *address)
{
    char path[64];
    bool opened;
    int fd;

    *window = empty;
    if (!address->there)
        return false;
    (void)snprintf(path, sizeof path, "/proc/%lld/fd/%d", (long long)address->pid, (int)address->fd);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    opened = map(window, fd, (size_t)address->size);
    (void)close(fd);
    return opened;
}

void fw_window_close(struct fw_window *window)
{
    if (window->base != NULL)
        (void)munmap(window->base, window->size);
    if (window->fd >= 0)
        (void)close(window->fd);
    *window = empty;
}
