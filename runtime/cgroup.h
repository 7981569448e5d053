/* What the control groups of the process allow: the CPU quota, and the cpuset
 * for its name's sake (hwloc and the affinity tell the set itself).
 *
 * Versions 1, 2 and both at once (hybrid) are read: the process's own group and
 * every ancestor that is mounted, since the smallest of all holds. */
#ifndef FW_CGROUP_H
#define FW_CGROUP_H

#include "site.h"

enum { FW_CGROUP_PATH = 256 };

struct fw_cgroup {
    int quota;                     /* the smallest in whole CPUs, rounded up, >= 1; 0: none */
    double quota_cpus;             /* as it stands there: 1.5 */
    char quota_path[FW_CGROUP_PATH]; /* file, without the root */
    bool quota_is_own;             /* of a group that holds one rank alone (a Slurm task's) */
    char cpuset[FW_CGROUP_PATH];   /* "0-3,8", "" where none is set */
    char cpuset_path[FW_CGROUP_PATH];
    char group[FW_CGROUP_PATH];    /* the process's own group: evidence of a batch system; "" unknown */
    char warning[FURROW_MESSAGE];  /* a value that makes no sense and is no limit; "" */
};

/* Fills `out` whole; what can't be read is no limit. */
void fw_cgroup_read(const struct fw_site *site, struct fw_cgroup *out);

/* The file in which the process's own group counts what the kernel killed for
 * want of memory: memory.events, or version 1's memory.oom_control. False: none. */
bool fw_cgroup_oom_file(const struct fw_site *site, char path[3 * FW_CGROUP_PATH]);

/* -- Pure parts, fuzzed ------------------------------------------------- */

/* CPUs of a quota of `us` microseconds each `period_us`: 0: none (us < 0);
 * -1: makes no sense. */
double fw_cgroup_quota(long long us, long long period_us);

/* The text of cpu.max, "max 100000" or "150000 100000": as fw_cgroup_quota(). */
double fw_cgroup_quota_v2(const char *text);

/* Processes that the kernel killed, of the text of such a file; -1: it does not
 * say. */
long long fw_cgroup_oom_kills(const char *text);

/* Of /proc/self/cgroup the path of the group of a v1 controller, or of version 2
 * where `controller` is NULL. False: not there, or longer than `size`. */
bool fw_cgroup_own(const char *text, const char *controller, char *out, size_t size);

/* Of /proc/self/mountinfo where the hierarchy of a v1 controller (NULL: version
 * 2) is mounted, and which of its groups is the mount's root. Of several mounts
 * the first that has `group` below it, else the first. False: none. */
bool fw_cgroup_mount(const char *text, const char *controller, const char *group,
                     char mount[FW_CGROUP_PATH], char root[FW_CGROUP_PATH]);

#endif
