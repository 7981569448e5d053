/* Memory that the ranks of a node share: a memory file that one of them makes
 * and the others open through /proc. It has no name in any file system, so that
 * nothing is left however the ranks end, and no limit but that of memory (an
 * MPI window is a file in /dev/shm, which containers make small). Ranks that
 * cannot open it, in a PID namespace of their own, are nodes of their own. */
#ifndef FW_MPI_WINDOW_H
#define FW_MPI_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fw_window {
    char *base; /* mapped; NULL: none */
    size_t size;
    int fd;     /* owned by who made it; -1 elsewhere */
};

/* How to open it from another process: plain bytes. */
struct fw_window_address {
    int64_t pid;
    int32_t fd;
    int32_t there; /* 0: it could not be made */
    uint64_t size;
};

/* Zeroed. False: no memory or no descriptor; `window` is empty then. */
bool fw_window_make(struct fw_window *window, size_t size);
struct fw_window_address fw_window_address(const struct fw_window *window);

/* In another process of the node, while its maker keeps it. */
bool fw_window_open(struct fw_window *window, const struct fw_window_address *address);

/* Harmless on an empty one, which it becomes. */
void fw_window_close(struct fw_window *window);

#endif
