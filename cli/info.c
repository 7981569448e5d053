/* furrow info: what the library sees of this machine and would do on it. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "backends/registry.h"
#include "cli/json.h"
#include "runtime/config.h"

struct backend_info {
    const char *name;
    int workers;              /* it could have here and now; 0: none */
    char why[FURROW_MESSAGE]; /* where it has none */
};

struct info {
    int cpus, cores;
    int nbackends;
    struct backend_info backend[FW_REGISTRY_MAX];
    furrow_report plan; /* of a job of many tasks without needs */
};

static void list_backends(const furrow_config *config, struct info *info)
{
    const furrow_backend *list[FW_REGISTRY_MAX];
    int chosen;

    info->nbackends = fw_registry_list(list, &chosen);
    for (int b = 0; b < info->nbackends; b++) {
        struct backend_info *entry = &info->backend[b];

        entry->name = list[b]->name;
        entry->workers = list[b]->capacity(config, entry->why);
        if (entry->workers > 0)
            entry->why[0] = '\0';
    }
}

/* The reader of the environment knows syntax; which backends there are is the
 * registry's. */
static int check_backend_variable(const struct info *info)
{
    const char *asked = fw_env()->config.backend;
    char names[FURROW_MESSAGE] = "";

    if (asked == NULL || fw_registry_find(asked) != NULL)
        return CLI_OK;
    for (int b = 0; b < info->nbackends; b++) {
        size_t used = strlen(names);

        snprintf(names + used, sizeof names - used, "%s%s", b > 0 ? ", " : "",
                 info->backend[b].name);
    }
    return cli_fail(CLI_USAGE, "FURROW_BACKEND=%s: there is no such backend; there are %s", asked,
                    names);
}

static int collect(struct info *info)
{
    furrow_config config;
    furrow_status rc = furrow_config_get(&config);
    int status;

    if (rc != FURROW_OK)
        return cli_fail(rc == FURROW_EINVAL ? CLI_USAGE : CLI_FAILED, "%s", furrow_message());
    info->cpus = furrow_cpu_count(0);
    info->cores = furrow_cpu_count(FURROW_PHYSICAL);
    list_backends(&config, info);
    if ((status = check_backend_variable(info)) != CLI_OK)
        return status;
    rc = furrow_plan(NULL, NULL, &info->plan);
    if (rc != FURROW_OK)
        return cli_fail(rc == FURROW_EINVAL ? CLI_USAGE : CLI_FAILED, "%s", furrow_message());
    return CLI_OK;
}

static const char *plural(int number)
{
    return number == 1 ? "" : "s";
}

static void print_text(const struct info *info)
{
    const furrow_report *plan = &info->plan;

    printf("furrow %s\n\n", FURROW_VERSION_TEXT);
    printf("CPUs      %d on %d core%s\n\n", info->cpus, info->cores, plural(info->cores));
    for (int b = 0; b < info->nbackends; b++) {
        const struct backend_info *entry = &info->backend[b];

        printf("%-10s%-12s", b == 0 ? "Backends" : "", entry->name);
        if (entry->workers > 0)
            printf("available (%d worker%s)\n", entry->workers, plural(entry->workers));
        else
            printf("not available: %s\n", entry->why);
    }
    printf("\nDefault   %s, %d worker%s with ", plan->backend, plan->workers,
           plural(plan->workers));
    if (plan->cpus_min == plan->cpus_max)
        printf("%d CPU%s each\n", plan->cpus_max, plural(plan->cpus_max));
    else
        printf("%d to %d CPUs each\n", plan->cpus_min, plan->cpus_max);
    if (plan->reason[0] != '\0')
        printf("          because: %s\n", plan->reason);
}

static void print_json(const struct info *info)
{
    const furrow_report *plan = &info->plan;
    struct fw_json json;

    fw_json_init(&json, stdout);
    fw_json_object(&json, NULL);
    fw_json_string(&json, "version", FURROW_VERSION_TEXT);
    fw_json_int(&json, "cpu_count", info->cpus);
    fw_json_int(&json, "physical_cores", info->cores);
    fw_json_array(&json, "backends");
    for (int b = 0; b < info->nbackends; b++) {
        const struct backend_info *entry = &info->backend[b];

        fw_json_object(&json, NULL);
        fw_json_string(&json, "name", entry->name);
        fw_json_bool(&json, "available", entry->workers > 0);
        fw_json_int(&json, "workers", entry->workers);
        fw_json_string(&json, "why", entry->why);
        fw_json_end(&json);
    }
    fw_json_end(&json);
    fw_json_object(&json, "default");
    fw_json_string(&json, "backend", plan->backend);
    fw_json_int(&json, "workers", plan->workers);
    fw_json_int(&json, "cpus_min", plan->cpus_min);
    fw_json_int(&json, "cpus_max", plan->cpus_max);
    fw_json_string(&json, "reason", plan->reason);
    fw_json_end(&json);
    fw_json_end(&json);
}

int cli_info(int argc, char **argv)
{
    static struct info info;
    bool as_json = false;
    int status;

    for (int a = 1; a < argc; a++) {
        if (strcmp(argv[a], "--json") == 0)
            as_json = true;
        else if (strcmp(argv[a], "--help") == 0)
            return puts("usage: furrow info [--json]"), CLI_OK;
        else
            return cli_fail(CLI_USAGE, "info: no argument \"%s\"; usage: furrow info [--json]",
                            argv[a]);
    }
    if ((status = cli_check_environment()) != CLI_OK || (status = collect(&info)) != CLI_OK)
        return status;
    if (as_json)
        print_json(&info);
    else
        print_text(&info);
    return CLI_OK;
}
