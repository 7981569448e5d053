#include "cgroup.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

enum { FILE_MOST = 1 << 20 }; /* bytes read of a file in /proc */

/* -- Numbers ------------------------------------------------------------- */

double fw_cgroup_quota(long long us, long long period_us)
{
    if (us < 0)
        return 0;
    if (us == 0 || period_us <= 0)
        return -1;
    return (double)us / (double)period_us;
}

/* A whole number, alone but for blanks around it, up to `end`. */
static bool read_whole(const char *text, long long *out, const char **end)
{
    char *behind;

    errno = 0;
    *out = strtoll(text, &behind, 10);
    *end = behind;
    return behind != text && errno == 0;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\n")] == '\0';
}

double fw_cgroup_quota_v2(const char *text)
{
    const bool max = strncmp(text, "max", 3) == 0;
    const char *at = text + 3;
    long long us = -1, period = 100000; /* the kernel's default */

    if (!max && (!read_whole(text, &us, &at) || us < 0))
        return -1;
    if (!is_blank(at) && (!read_whole(at, &period, &at) || !is_blank(at)))
        return -1;
    return fw_cgroup_quota(us, period);
}

/* -- /proc/self/cgroup --------------------------------------------------- */

/* Whether a list "cpu,cpuacct" of `length` bytes has the word. */
static bool has_word(const char *list, size_t length, const char *word)
{
    const size_t wanted = strlen(word);

    for (size_t at = 0, n; at <= length; at += n + 1) {
        const char *comma = at < length ? memchr(list + at, ',', length - at) : NULL;

        n = comma != NULL ? (size_t)(comma - list) - at : length - at;
        if (n == wanted && memcmp(list + at, word, n) == 0)
            return true;
    }
    return false;
}

static bool copy(char *out, size_t size, const char *text, size_t length)
{
    if (length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

bool fw_cgroup_own(const char *text, const char *controller, char *out, size_t size)
{
    while (*text != '\0') {
        const size_t line = strcspn(text, "\n");
        const char *first = memchr(text, ':', line);
        const char *second =
            first != NULL ? memchr(first + 1, ':', line - (size_t)(first + 1 - text)) : NULL;

        if (second != NULL) {
            const size_t length = (size_t)(second - first - 1);

            if (controller != NULL ? has_word(first + 1, length, controller)
                                   : length == 0 && text[0] == '0' && first == text + 1)
                return copy(out, size, second + 1, line - (size_t)(second + 1 - text));
        }
        text += line + (text[line] == '\n');
    }
    return false;
}

/* -- /proc/self/mountinfo ------------------------------------------------ */

/* A field with the kernel's escapes (\040 for a blank) undone. */
static bool unescape(char *out, size_t size, const char *text, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];

        if (c == '\\' && i + 3 < length && text[i + 1] >= '0' && text[i + 1] <= '3' &&
            text[i + 2] >= '0' && text[i + 2] <= '7' && text[i + 3] >= '0' && text[i + 3] <= '7') {
            c = (char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        }
        if (n + 1 >= size)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* One mount: "36 35 98:0 /root /mount options [tags] - type source options". */
struct mount_line {
    const char *field[12];
    size_t length[12];
    int n, dash; /* fields; which one is "-" */
};

static bool split_mount(const char *line, size_t length, struct mount_line *out)
{
    size_t at = 0;

    *out = (struct mount_line){ .dash = -1 };
    while (at < length && out->n < 12) {
        const char *blank = memchr(line + at, ' ', length - at);
        const size_t n = blank != NULL ? (size_t)(blank - line) - at : length - at;

        if (n == 1 && line[at] == '-' && out->dash < 0)
            out->dash = out->n;
        out->field[out->n] = line + at;
        out->length[out->n++] = n;
        at += n + 1;
    }
    return out->dash >= 6 && out->dash + 3 < out->n;
}

static bool is_mount_of(const struct mount_line *m, const char *controller)
{
    const char *type = controller != NULL ? "cgroup" : "cgroup2";

    return m->length[m->dash + 1] == strlen(type) &&
           memcmp(m->field[m->dash + 1], type, strlen(type)) == 0 &&
           (controller == NULL ||
            has_word(m->field[m->dash + 3], m->length[m->dash + 3], controller));
}

/* The part of `group` below `root`, "" or starting with '/'; NULL: not below. */
static const char *below(const char *group, const char *root)
{
    size_t length = strlen(root);

    if (length > 0 && root[length - 1] == '/')
        length--;
    if (strncmp(group, root, length) != 0 || (group[length] != '\0' && group[length] != '/'))
        return NULL;
    return strcmp(group + length, "/") == 0 ? "" : group + length;
}

bool fw_cgroup_mount(const char *text, const char *controller, const char *group,
                     char mount[FW_CGROUP_PATH], char root[FW_CGROUP_PATH])
{
    bool found = false;

    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        char at[FW_CGROUP_PATH], from[FW_CGROUP_PATH];
        struct mount_line m;

        if (split_mount(text, length, &m) && is_mount_of(&m, controller) &&
            unescape(from, sizeof from, m.field[3], m.length[3]) &&
            unescape(at, sizeof at, m.field[4], m.length[4])) {
            const bool holds = below(group, from) != NULL;

            if (!found || holds) {
                memcpy(mount, at, sizeof at);
                memcpy(root, from, sizeof from);
            }
            if (holds)
                return true;
            found = true;
        }
        text += length + (text[length] == '\n');
    }
    return found;
}

/* -- Groups -------------------------------------------------------------- */

/* A hierarchy as the process sees it. */
struct hierarchy {
    const struct fw_site *site;
    char mount[FW_CGROUP_PATH];    /* where it is mounted */
    char path[2 * FW_CGROUP_PATH]; /* of a group, from its own one upwards; starts with `mount` */
};

/* False where the process is in no such hierarchy, or it is not mounted. */
static bool find_own(struct hierarchy *h, const struct fw_site *site, const char *cgroups,
                     const char *mounts, const char *controller)
{
    char group[FW_CGROUP_PATH], root[FW_CGROUP_PATH];
    const char *rest;

    h->site = site;
    if (!fw_cgroup_own(cgroups, controller, group, sizeof group) ||
        !fw_cgroup_mount(mounts, controller, group, h->mount, root))
        return false;
    rest = below(group, root);
    if (rest == NULL || strstr(group, "/..") != NULL)
        rest =
            ""; /* outside what this namespace shows: the mount's root is the nearest ancestor there is */
    (void)snprintf(h->path, sizeof h->path, "%s%s", h->mount, rest);
    return true;
}

/* To the parent group; false: this was the topmost one that is mounted. */
static bool go_up(struct hierarchy *h)
{
    char *slash = strrchr(h->path, '/');

    if (slash == NULL || strlen(h->path) <= strlen(h->mount))
        return false;
    *slash = '\0';
    return true;
}

static char *read_in(const struct hierarchy *h, const char *name, char path[3 * FW_CGROUP_PATH])
{
    (void)snprintf(path, 3 * FW_CGROUP_PATH, "%s/%s", h->path, name);
    return fw_site_file(h->site, path, FILE_MOST);
}

static double quota_v1(const struct hierarchy *h, char path[3 * FW_CGROUP_PATH])
{
    char *period = read_in(h, "cpu.cfs_period_us", path),
         *quota = read_in(h, "cpu.cfs_quota_us", path);
    long long us, each;
    const char *end;
    double cpus = 0;

    if (quota != NULL && period != NULL)
        cpus = read_whole(quota, &us, &end) && is_blank(end) && read_whole(period, &each, &end) &&
                       is_blank(end)
                   ? fw_cgroup_quota(us, each)
                   : -1;
    free(period);
    free(quota);
    return cpus;
}

static double quota_v2(const struct hierarchy *h, char path[3 * FW_CGROUP_PATH])
{
    char *max = read_in(h, "cpu.max", path);
    const double cpus = max != NULL ? fw_cgroup_quota_v2(max) : 0;

    free(max);
    return cpus;
}

/* Slurm gives each task a group of its own, ".../task_0". */
static bool is_tasks_own(const char *group)
{
    const char *slash = strrchr(group, '/');

    return slash != NULL && strncmp(slash, "/task_", 6) == 0;
}

static int whole_cpus(double cpus)
{
    return cpus >= 1e9 ? 1000000000 : (int)ceil(cpus);
}

/* The smallest quota of a hierarchy's groups goes into `out`. */
static void read_quotas(struct hierarchy *h, double (*read)(const struct hierarchy *h, char *path),
                        struct fw_cgroup *out)
{
    char path[3 * FW_CGROUP_PATH];

    do {
        const double cpus = read(h, path);

        if (cpus < 0)
            fw_message_append(out->warning, "%s makes no sense as a CPU quota and is ignored",
                              path);
        if (cpus > 0 && (out->quota == 0 || cpus < out->quota_cpus)) {
            out->quota = whole_cpus(cpus);
            out->quota_cpus = cpus;
            out->quota_is_own = is_tasks_own(h->path);
            fw_text_copy(out->quota_path, sizeof out->quota_path, path);
        }
    } while (go_up(h));
}

/* The nearest group that names CPUs. */
static void read_cpuset(struct hierarchy *h, const char *effective, const char *plain,
                        struct fw_cgroup *out)
{
    char path[3 * FW_CGROUP_PATH];

    do {
        char *text = read_in(h, effective, path);

        if (text == NULL)
            text = read_in(h, plain, path);
        if (text != NULL && !is_blank(text)) {
            text[strcspn(text, "\n")] = '\0';
            fw_text_copy(out->cpuset, sizeof out->cpuset, text);
            fw_text_copy(out->cpuset_path, sizeof out->cpuset_path, path);
        }
        free(text);
    } while (out->cpuset[0] == '\0' && go_up(h));
}

static void read_all(const struct fw_site *site, const char *cgroups, const char *mounts,
                     struct fw_cgroup *out)
{
    struct hierarchy h;

    if (find_own(&h, site, cgroups, mounts, "cpu"))
        read_quotas(&h, quota_v1, out);
    if (find_own(&h, site, cgroups, mounts, NULL))
        read_quotas(&h, quota_v2, out);
    if (find_own(&h, site, cgroups, mounts, "cpuset"))
        read_cpuset(&h, "cpuset.effective_cpus", "cpuset.cpus", out);
    if (out->cpuset[0] == '\0' && find_own(&h, site, cgroups, mounts, NULL))
        read_cpuset(&h, "cpuset.cpus.effective", "cpuset.cpus", out);
    if (!fw_cgroup_own(cgroups, "cpuset", out->group, sizeof out->group) ||
        strcmp(out->group, "/") == 0)
        (void)fw_cgroup_own(cgroups, NULL, out->group, sizeof out->group);
}

void fw_cgroup_read(const struct fw_site *site, struct fw_cgroup *out)
{
    char *cgroups = fw_site_file(site, "/proc/self/cgroup", FILE_MOST);
    char *mounts = fw_site_file(site, "/proc/self/mountinfo", FILE_MOST);

    *out = (struct fw_cgroup){ .quota = 0 };
    if (cgroups != NULL && mounts != NULL)
        read_all(site, cgroups, mounts, out);
    free(cgroups);
    free(mounts);
}

/* -- Memory --------------------------------------------------------------- */

long long fw_cgroup_oom_kills(const char *text)
{
    static const char word[] = "oom_kill ";
    long long kills;
    const char *end;

    while (text != NULL) {
        if (strncmp(text, word, sizeof word - 1) == 0)
            return read_whole(text + sizeof word - 1, &kills, &end) && (*end == '\n' || *end == '\0') && kills >= 0
                       ? kills
                       : -1;
        text = strchr(text, '\n');
        if (text != NULL)
            text++;
    }
    return -1;
}

static bool counts_kills(const struct hierarchy *h, const char *name, char path[3 * FW_CGROUP_PATH])
{
    char *text = read_in(h, name, path);
    const bool counts = text != NULL && fw_cgroup_oom_kills(text) >= 0;

    free(text);
    return counts;
}

bool fw_cgroup_oom_file(const struct fw_site *site, char path[3 * FW_CGROUP_PATH])
{
    char *cgroups = fw_site_file(site, "/proc/self/cgroup", FILE_MOST);
    char *mounts = fw_site_file(site, "/proc/self/mountinfo", FILE_MOST);
    struct hierarchy h;
    bool found = false;

    if (cgroups != NULL && mounts != NULL)
        found = (find_own(&h, site, cgroups, mounts, "memory") &&
                 counts_kills(&h, "memory.oom_control", path)) ||
                (find_own(&h, site, cgroups, mounts, NULL) && counts_kills(&h, "memory.events", path));
    free(cgroups);
    free(mounts);
    return found;
}
