/* Control groups: trees that were made, of every kind that is mounted. */
#include "site.h"

#include "runtime/cgroup.h"

/* Where version 1 is mounted, one hierarchy a controller; where version 2 is;
 * and both at once, as systemd calls it hybrid. */
#define V1 "30 1 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" \
           "31 1 0:31 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n"
#define V2 "29 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define HYBRID V1 "32 1 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

struct row {
    const char *claim;
    struct place place;
    int quota; /* 0: none */
    const char *quota_path, *cpuset, *warns;
};

static const struct row rows[] = {
    { "no files at all are no limit", { .file = { { NULL, NULL } } }, 0, "", "", NULL },
    { "v1: half a CPU is one",
      { .file = { { "/proc/self/cgroup", "4:cpuset:/\n3:cpu,cpuacct:/a\n" }, { "/proc/self/mountinfo", V1 },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" } } },
      1, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "", NULL },
    { "v1: one and a half are two, of an ancestor",
      { .file = { { "/proc/self/cgroup", "3:cpu,cpuacct:/a/b/c\n" }, { "/proc/self/mountinfo", V1 },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/b/c/cpu.cfs_quota_us", "-1\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/b/c/cpu.cfs_period_us", "100000\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" } } },
      2, "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "", NULL },
    { "v1: -1 is no limit",
      { .file = { { "/proc/self/cgroup", "3:cpu,cpuacct:/a\n" }, { "/proc/self/mountinfo", V1 },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" } } },
      0, "", "", NULL },
    { "v1: 0 makes no sense",
      { .file = { { "/proc/self/cgroup", "3:cpu,cpuacct:/a\n" }, { "/proc/self/mountinfo", V1 },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "0\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" } } },
      0, "", "", "cpu.cfs_quota_us makes no sense" },
    { "v1: a period of 0 makes no sense",
      { .file = { { "/proc/self/cgroup", "3:cpu,cpuacct:/a\n" }, { "/proc/self/mountinfo", V1 },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "1000\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "0\n" } } },
      0, "", "", "makes no sense" },
    { "v2: max is no limit, the ancestor's is",
      { .file = { { "/proc/self/cgroup", "0::/a/b\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n" },
                  { "/sys/fs/cgroup/a/cpu.max", "250000 100000\n" } } },
      3, "/sys/fs/cgroup/a/cpu.max", "", NULL },
    { "v2: nested quotas, the smallest",
      { .file = { { "/proc/self/cgroup", "0::/a/b\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n" },
                  { "/sys/fs/cgroup/a/cpu.max", "400000 100000\n" },
                  { "/sys/fs/cgroup/cpu.max", "600000 100000\n" } } },
      4, "/sys/fs/cgroup/a/cpu.max", "", NULL },
    { "v2: a container sees its group as the root",
      { .file = { { "/proc/self/cgroup", "0::/\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/cpu.max", "200000 100000\n" } } },
      2, "/sys/fs/cgroup/cpu.max", "", NULL },
    { "v2: a number alone has the default period",
      { .file = { { "/proc/self/cgroup", "0::/a\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/a/cpu.max", "100001" } } },
      2, "/sys/fs/cgroup/a/cpu.max", "", NULL },
    { "v2: words make no sense",
      { .file = { { "/proc/self/cgroup", "0::/a\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/a/cpu.max", "a lot\n" } } },
      0, "", "", "/sys/fs/cgroup/a/cpu.max makes no sense" },
    { "v2: the group outside this namespace is not looked for",
      { .file = { { "/proc/self/cgroup", "0::/../other\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/cpu.max", "100000 100000\n" },
                  { "/sys/fs/other/cpu.max", "900000 100000\n" } } },
      1, "/sys/fs/cgroup/cpu.max", "", NULL },
    { "v1: a mount that shows one group alone",
      { .file = { { "/proc/self/cgroup", "3:cpu,cpuacct:/docker/abc/x\n" },
                  { "/proc/self/mountinfo",
                    "30 1 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "300000\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n" } } },
      3, "/sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "", NULL },
    { "hybrid: v1 has the quota, v2 is asked too",
      { .file = { { "/proc/self/cgroup", "4:cpuset:/s\n3:cpu,cpuacct:/a\n0::/u\n" }, { "/proc/self/mountinfo", HYBRID },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "400000\n" },
                  { "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n" },
                  { "/sys/fs/cgroup/unified/u/cpu.max", "300000 100000\n" },
                  { "/sys/fs/cgroup/cpuset/s/cpuset.cpus", "0-3,8\n" } } },
      3, "/sys/fs/cgroup/unified/u/cpu.max", "0-3,8", NULL },
    { "v1: the effective cpuset goes first",
      { .file = { { "/proc/self/cgroup", "4:cpuset:/s\n" }, { "/proc/self/mountinfo", V1 },
                  { "/sys/fs/cgroup/cpuset/s/cpuset.cpus", "0-7\n" },
                  { "/sys/fs/cgroup/cpuset/s/cpuset.effective_cpus", "0-5\n" } } },
      0, "", "0-5", NULL },
    { "v2: an empty cpuset is the parent's",
      { .file = { { "/proc/self/cgroup", "0::/a/b\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/a/b/cpuset.cpus", "\n" },
                  { "/sys/fs/cgroup/a/cpuset.cpus.effective", "2-3\n" } } },
      0, "", "2-3", NULL },
    { "a mount point with a blank",
      { .file = { { "/proc/self/cgroup", "0::/a\n" },
                  { "/proc/self/mountinfo", "29 1 0:26 / /sys/my\\040cgroup rw - cgroup2 cgroup2 rw\n" },
                  { "/sys/my cgroup/a/cpu.max", "100000 100000\n" } } },
      1, "/sys/my cgroup/a/cpu.max", "", NULL },
    { "of two mounts the one that has the group",
      { .file = { { "/proc/self/cgroup", "0::/a/b\n" },
                  { "/proc/self/mountinfo", "28 1 0:26 /other /mnt/other rw - cgroup2 cgroup2 rw\n" V2 },
                  { "/sys/fs/cgroup/a/b/cpu.max", "700000 100000\n" },
                  { "/mnt/other/cpu.max", "100000 100000\n" } } },
      7, "/sys/fs/cgroup/a/b/cpu.max", "", NULL },
    { "a quota of years is a large number",
      { .file = { { "/proc/self/cgroup", "0::/a\n" }, { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/a/cpu.max", "9000000000000000000 1\n" } } },
      1000000000, "/sys/fs/cgroup/a/cpu.max", "", NULL },
};

Test(cgroup, trees_give_the_right_quota_and_cpuset)
{
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct row *row = &rows[r];
        struct fw_cgroup got;
        char root[64];
        struct fw_site site = place_open(&row->place, root);

        fw_cgroup_read(&site, &got);
        cr_expect_eq(got.quota, row->quota, "%s: %d", row->claim, got.quota);
        cr_expect_str_eq(got.quota_path, row->quota_path, "%s: %s", row->claim, got.quota_path);
        cr_expect_str_eq(got.cpuset, row->cpuset, "%s: %s", row->claim, got.cpuset);
        if (row->warns != NULL)
            cr_expect_not_null(strstr(got.warning, row->warns), "%s: %s", row->claim, got.warning);
        else
            cr_expect_str_eq(got.warning, "", "%s: %s", row->claim, got.warning);
        place_close(root);
    }
}

Test(cgroup, of_a_task_of_slurm_is_its_own)
{
    static const struct place place = {
        .file = { { "/proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_1\n" },
                  { "/proc/self/mountinfo", V2 },
                  { "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_0/user/task_1/cpu.max", "200000 100000\n" } }
    };
    struct fw_cgroup got;
    char root[64];
    struct fw_site site = place_open(&place, root);

    fw_cgroup_read(&site, &got);
    cr_expect(got.quota == 2 && got.quota_is_own);
    cr_expect_str_eq(got.group, "/system.slice/slurmstepd.scope/job_7/step_0/user/task_1");
    place_close(root);
}
