#include "oom.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static char file[3 * FW_CGROUP_PATH]; /* "" : nobody counts */

static void find(void)
{
    const struct fw_site here = { .host = "", .root = "" };

    if (!fw_cgroup_oom_file(&here, file))
        file[0] = '\0';
}

void fw_fork_oom_find(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, find);
}

/* Without allocation; -1: can't be read. */
static long long count(const char *path)
{
    char text[512];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        return -1;
    text[n] = '\0';
    return fw_cgroup_oom_kills(text);
}

void fw_fork_oom_begin(struct fw_fork_oom *oom)
{
    oom->path = file[0] != '\0' ? file : NULL;
    atomic_store(&oom->kills, oom->path != NULL ? count(oom->path) : -1);
}

bool fw_fork_oom_grew(struct fw_fork_oom *oom)
{
    const long long before = atomic_load(&oom->kills);

    if (before < 0 || count(oom->path) <= before)
        return false;
    atomic_store(&oom->kills, before + 1);
    return true;
}
