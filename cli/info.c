/* furrow info: what the library sees of a machine, and would do on it. */
#include "cli/cli.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/registry.h"
#include "cli/json.h"
#include "cli/levels.h"
#include "cli/machine.h"
#include "cli/ranks.h"
#include "cli/threadpools.h"
#include "runtime/config.h"

static const char usage[] = "furrow info [--topology FILE.xml] [--alone] [--json]";

struct backend_info {
    const char *name;
    int workers;              /* it could have here and now; 0: none */
    char why[FURROW_MESSAGE]; /* where it has none */
};

struct info {
    struct cli_machine machine;
    int nbackends;
    struct backend_info backend[FW_REGISTRY_MAX];
    struct cli_ranks ranks;   /* of the mpirun; none: this process alone */
    struct cli_levels levels; /* of a job of many tasks without needs: the outermost one */
};

/* -- Collecting ---------------------------------------------------------- */

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

static int no_task(furrow_task *task)
{
    (void)task;
    return 0;
}

static int collect(struct info *info)
{
    const furrow_config unset = FURROW_CONFIG_DEFAULT;
    const struct cli_ask ask = { { .run = no_task, .count = SIZE_MAX }, unset, 1 };
    furrow_config config;
    furrow_status rc = furrow_config_get(&config);
    int status;

    if (rc == FURROW_OK) {
        list_backends(&config, info);
        if ((status = check_backend_variable(info)) != CLI_OK)
            return status;
        rc = cli_levels_make(&info->machine, &ask, &info->levels);
    }
    return rc == FURROW_OK
               ? CLI_OK
               : cli_fail(rc == FURROW_EINVAL ? CLI_USAGE : CLI_FAILED, "%s", furrow_message());
}

/* -- Text ---------------------------------------------------------------- */

static void print_limits(const struct fw_limits *limits)
{
    for (int i = 0; i < limits->n; i++) {
        const struct fw_limit *l = &limits->limit[i];

        printf("%-10s%-16s", i == 0 ? "Limits" : "", l->name);
        if (l->applied)
            printf("%5d  %s%s\n", l->cpus, l->detail,
                   i == limits->winner ? "  <- the smallest" : "");
        else
            printf("%5s  %s\n", "-", l->detail);
    }
}

static void print_cpus(const struct cli_machine *machine)
{
    cli_cpus_text(machine);
    print_limits(&machine->cpus->limits);
}

/* What is around this process; of another machine nothing is known. */
static void print_around(const struct cli_machine *machine)
{
    const struct fw_launcher *launcher = fw_cpus_launcher();
    const struct fw_grant *grant = fw_cpus_grant();

    if (!machine->here)
        return;
    if (launcher->name != NULL && launcher->local_rank >= 0)
        printf("Launcher  %s: rank %d of %d on this node\n", launcher->name, launcher->local_rank,
               launcher->local_size);
    else if (launcher->name != NULL)
        printf("Launcher  %s: %d rank%s on this node\n", launcher->name, launcher->local_size,
               cli_plural(launcher->local_size));
    else
        puts("Launcher  none found");
    printf("Batch     %s\n", grant->system != NULL ? grant->system : "no batch system found");
    printf("Started   as %s\n", fw_launch_words(fw_launch_of(launcher, grant)));
    if (isfinite(furrow_allocation_seconds_left()))
        printf("Time      %.0f s until the allocation ends\n", furrow_allocation_seconds_left());
}

static void print_backends(const struct info *info)
{
    enum { COUNTABLE = 1 << 20 }; /* more workers than any machine has CPUs */

    for (int b = 0; b < info->nbackends; b++) {
        const struct backend_info *entry = &info->backend[b];

        printf("%-10s%-12s", b == 0 ? "Backends" : "", entry->name);
        if (entry->workers >= COUNTABLE)
            puts("available");
        else if (entry->workers > 0)
            printf("available (%d worker%s at most)\n", entry->workers, cli_plural(entry->workers));
        else
            printf("not available: %s\n", entry->why);
    }
    if (cli_leaves_mpi_out())
        printf("%-10s%-12s%s\n", "", "mpi", "of programs that link furrow_mpi; FURROW_BACKEND asks for it, not looked at here");
}

static void print_default(const struct cli_level *level)
{
    const struct fw_plan *plan = &level->plan;
    int first, most = fw_plan_share(level->count, plan->workers, 0, &first);
    int least = fw_plan_share(level->count, plan->workers, plan->workers - 1, &first);

    printf("Default   %s, %d worker%s with ", plan->backend->name, plan->workers,
           cli_plural(plan->workers));
    if (least == most)
        printf("%d CPU%s each\n", most, cli_plural(most));
    else
        printf("%d to %d CPUs each\n", least, most);
    printf("          because: %s\n", plan->reason);
}

static void print_text(const struct info *info)
{
    const struct fw_limits *limits = &info->machine.cpus->limits;

    printf("furrow %s\n\nMachine   ", FURROW_VERSION_TEXT);
    cli_machine_text(&info->machine, 10);
    print_cpus(&info->machine);
    print_around(&info->machine);
    if (info->machine.here)
        cli_threadpools_text();
    putchar('\n');
    print_backends(info);
    print_default(&info->levels.level[0]);
    cli_ranks_text(&info->ranks);
    for (int i = 0; i < limits->nwarnings; i++)
        printf("%s%-10s%s\n", i == 0 ? "\n" : "", i == 0 ? "Warning" : "", limits->warning[i]);
}

/* -- JSON ---------------------------------------------------------------- */

static void json_limits(struct fw_json *json, const struct fw_limits *limits)
{
    fw_json_array(json, "limits");
    for (int i = 0; i < limits->n; i++) {
        const struct fw_limit *l = &limits->limit[i];

        fw_json_object(json, NULL);
        fw_json_string(json, "source", l->name);
        if (l->applied)
            fw_json_int(json, "cpus", l->cpus);
        else
            fw_json_string(json, "cpus", NULL);
        fw_json_string(json, "detail", l->detail);
        fw_json_bool(json, "applied", l->applied);
        fw_json_end(json);
    }
    fw_json_end(json);
    fw_json_string(json, "winner", limits->limit[limits->winner].name);
}

static void json_around(struct fw_json *json, const struct cli_machine *machine)
{
    const struct fw_launcher *launcher = fw_cpus_launcher();
    const double left = furrow_allocation_seconds_left();

    fw_json_string(json, "batch_system", machine->here ? fw_cpus_grant()->system : NULL);
    fw_json_string(json, "launcher", machine->here ? launcher->name : NULL);
    fw_json_int(json, "local_ranks", machine->here ? launcher->local_size : 1);
    fw_json_string(json, "launch", machine->here ? fw_launch_name(fw_launch_of(launcher, fw_cpus_grant())) : NULL);
    if (machine->here && isfinite(left))
        fw_json_int(json, "seconds_left", (int)fmin(left, INT_MAX));
    else
        fw_json_string(json, "seconds_left", NULL);
}

static void json_backends(struct fw_json *json, const struct info *info)
{
    fw_json_array(json, "backends");
    for (int b = 0; b < info->nbackends; b++) {
        const struct backend_info *entry = &info->backend[b];

        fw_json_object(json, NULL);
        fw_json_string(json, "name", entry->name);
        fw_json_bool(json, "available", entry->workers > 0);
        fw_json_int(json, "workers", entry->workers);
        fw_json_string(json, "why", entry->why);
        fw_json_end(json);
    }
    fw_json_end(json);
}

static void json_default(struct fw_json *json, const struct cli_level *level)
{
    const struct fw_plan *plan = &level->plan;
    int first;

    fw_json_object(json, "default");
    fw_json_string(json, "backend", plan->backend->name);
    fw_json_int(json, "workers", plan->workers);
    fw_json_int(json, "cpus_min",
                fw_plan_share(level->count, plan->workers, plan->workers - 1, &first));
    fw_json_int(json, "cpus_max", fw_plan_share(level->count, plan->workers, 0, &first));
    fw_json_string(json, "reason", plan->reason);
    fw_json_end(json);
}

static void print_json(const struct info *info)
{
    const struct fw_cpus *cpus = info->machine.cpus;
    const struct cli_level *level = &info->levels.level[0];
    char *cpuset = cli_machine_cpuset(&info->machine, level->at, level->count);
    struct fw_json json;

    fw_json_init(&json, stdout);
    fw_json_object(&json, NULL);
    fw_json_string(&json, "version", FURROW_VERSION_TEXT);
    fw_json_int(&json, "cpu_count", cpus->count);
    fw_json_int(&json, "physical_cores", cpus->cores);
    fw_json_string(&json, "cpuset", cpuset);
    json_limits(&json, &cpus->limits);
    cli_machine_json(&info->machine, &json);
    json_around(&json, &info->machine);
    json_backends(&json, info);
    cli_threadpools_json(&json);
    json_default(&json, level);
    cli_ranks_json(&info->ranks, &json);
    fw_json_array(&json, "warnings");
    for (int i = 0; i < cpus->limits.nwarnings; i++)
        fw_json_string(&json, NULL, cpus->limits.warning[i]);
    fw_json_end(&json);
    fw_json_end(&json);
    free(cpuset);
}

/* -- All ----------------------------------------------------------------- */

int cli_info(int argc, char **argv)
{
    static struct info info;
    const char *topology = NULL, *ranks = NULL;
    bool as_json = false, alone = false;
    int status;

    for (int a = 1; a < argc; a++) {
        if (strcmp(argv[a], "--json") == 0)
            as_json = true;
        else if (strcmp(argv[a], "--alone") == 0)
            alone = true;
        else if (strcmp(argv[a], "--ranks") == 0 && a + 1 < argc)
            ranks = argv[++a]; /* of furrow-ranks */
        else if (strcmp(argv[a], "--help") == 0)
            return printf("usage: %s\n", usage), CLI_OK;
        else if (strcmp(argv[a], "--topology") == 0 && a + 1 < argc)
            topology = argv[++a];
        else
            return cli_fail(CLI_USAGE, "info: no argument \"%s\"; usage: %s", argv[a], usage);
    }
    if ((status = cli_check_environment()) != CLI_OK)
        return status;
    fw_log_set(FW_LOG_QUIET); /* what there is to warn of is printed */
    if (topology == NULL && ranks == NULL && !alone)
        cli_ranks_ask(as_json);
    if (ranks != NULL && (status = cli_ranks_read(ranks, &info.ranks)) != CLI_OK)
        return status;
    if ((status = cli_machine_open(topology, &info.machine)) != CLI_OK)
        return status;
    status = collect(&info);
    if (status == CLI_OK && as_json)
        print_json(&info);
    else if (status == CLI_OK)
        print_text(&info);
    cli_levels_free(&info.levels);
    cli_machine_close(&info.machine);
    cli_ranks_free(&info.ranks);
    return status;
}
