/* The files of control groups. Input: /proc/self/cgroup, an empty line,
 * /proc/self/mountinfo, an empty line, cpu.max. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts `text` at its first empty line; what follows it, or "". */
static char *cut(char *text)
{
    char *empty = strstr(text, "\n\n");

    if (empty == NULL)
        return text + strlen(text);
    empty[1] = '\0';
    return empty + 2;
}

static void check_controller(const char *cgroups, const char *mounts, const char *controller)
{
    char group[FW_CGROUP_PATH] = "/", mount[FW_CGROUP_PATH], root[FW_CGROUP_PATH];

    (void)fw_cgroup_own(cgroups, controller, group, sizeof group);
    if (strlen(group) >= sizeof group)
        abort();
    if (fw_cgroup_mount(mounts, controller, group, mount, root) &&
        (memchr(mount, '\0', sizeof mount) == NULL || memchr(root, '\0', sizeof root) == NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *cgroups = malloc(size + 1), *mounts, *max;
    double cpus;

    if (cgroups == NULL)
        return 0;
    memcpy(cgroups, data, size);
    cgroups[size] = '\0';
    mounts = cut(cgroups);
    max = cut(mounts);
    check_controller(cgroups, mounts, "cpu");
    check_controller(cgroups, mounts, "cpuset");
    check_controller(cgroups, mounts, NULL);
    cpus = fw_cgroup_quota_v2(max);
    if (!(cpus >= -1))
        abort();
    if (fw_cgroup_oom_kills(max) < -1)
        abort();
    free(cgroups);
    return 0;
}
