/* The environment: furrow's own variables, launchers' and batch systems'. Input:
 * lines NAME=value, an empty line, and the text of the file of hosts that
 * PBS_NODEFILE and PE_HOSTFILE name where they are set. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/allocation.h"
#include "runtime/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    char *variables;   /* lines, each ending with NUL; an empty one ends */
    char path[32];     /* of the file of hosts */
};

static const char *get(const char *name, void *data)
{
    const struct input *in = data;
    const size_t length = strlen(name);

    for (const char *line = in->variables; *line != '\0'; line += strlen(line) + 1)
        if (strncmp(line, name, length) == 0 && line[length] == '=')
            return strcmp(name, "PBS_NODEFILE") == 0 || strcmp(name, "PE_HOSTFILE") == 0 ? in->path : line + length + 1;
    return NULL;
}

static void check_env(struct input *in)
{
    struct fw_env env;

    fw_env_parse(get, in, &env);
    if ((env.status != FURROW_OK) != (env.message[0] != '\0'))
        abort();
    if (env.max_cpus < 0 || env.thread_levels < 0 || env.config.jobs == 0 || env.config.inner_threads < 0 ||
        !(env.config.timeout >= 0) || env.config.retries < 0)
        abort();
}

static void check_site(struct input *in)
{
    const struct fw_site site = { get, in, "n1.cluster", "" };
    struct fw_launcher launcher;
    struct fw_grant grant;

    fw_launcher_find(&site, "/slurm/job_1/step_0", &launcher);
    fw_grant_find(&site, &launcher, "/slurm/job_1/step_0", &grant);
    if (launcher.local_size < 1 || launcher.local_rank >= launcher.local_size || launcher.local_rank < -1)
        abort();
    if (grant.system != NULL && (grant.applied ? grant.cpus < 1 : grant.detail[0] == '\0'))
        abort();
    if (memchr(grant.detail, '\0', sizeof grant.detail) == NULL)
        abort();
}

/* The lines of the first part become the variables; the rest is returned. */
static const char *split(char *text, size_t size)
{
    char *empty = strstr(text, "\n\n");
    const char *rest = empty != NULL ? empty + 2 : text + size;

    if (empty != NULL)
        empty[1] = '\0';
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n')
            *c = '\0';
    return rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .variables = calloc(1, size + 2) };
    const int file = memfd_create("hosts", MFD_CLOEXEC);

    if (in.variables != NULL && file >= 0) {
        const char *hosts;

        memcpy(in.variables, data, size);
        hosts = split(in.variables, size);
        (void)snprintf(in.path, sizeof in.path, "/proc/self/fd/%d", file);
        if (write(file, hosts, strlen(hosts)) >= 0 && lseek(file, 0, SEEK_SET) == 0) {
            check_env(&in);
            check_site(&in);
        }
    }
    if (file >= 0)
        (void)close(file);
    free(in.variables);
    return 0;
}
