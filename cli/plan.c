/* furrow plan: the tree that nested jobs would get. */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/registry.h"
#include "cli/levels.h"
#include "cli/machine.h"

static const char usage[] =
    "furrow plan [--backend B] [--jobs N] [--inner N] [--tasks T] [--isolate] [--depth D] "
    "[--topology FILE.xml] [--json]";

static int no_task(furrow_task *task)
{
    (void)task;
    return 0;
}

/* -- The command line ---------------------------------------------------- */

struct options {
    struct cli_ask ask;
    const char *topology;
    bool json;
};

static int no_number(const char *option, const char *value, const char *use)
{
    return cli_fail(CLI_USAGE, "plan: %s %.40s has no meaning; use %s", option, value, use);
}

static int read_number(const char *option, const char *value, long long min, long long max,
                       const char *use, long long *out)
{
    char *end;

    errno = 0;
    *out = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || *out < min || *out > max)
        return no_number(option, value, use);
    return CLI_OK;
}

/* An option that takes a value. CLI_USAGE after a line of error. */
static int take_value(const char *option, const char *value, struct options *out)
{
    furrow_config *config = &out->ask.config;
    long long number = 0;
    int status;

    if (strcmp(option, "--backend") == 0) {
        config->backend = value;
        return CLI_OK;
    }
    if (strcmp(option, "--topology") == 0) {
        out->topology = value;
        return CLI_OK;
    }
    if (strcmp(option, "--jobs") == 0) {
        status = read_number(option, value, INT_MIN, INT_MAX,
                             "a number of workers, or -1 for all CPUs", &number);
        config->jobs = (int)number;
        return status == CLI_OK && number == 0
                   ? no_number(option, value, "a number of workers, or -1 for all CPUs")
                   : status;
    }
    if (strcmp(option, "--inner") == 0) {
        status = read_number(option, value, 1, INT_MAX, "a positive number of threads", &number);
        config->inner_threads = (int)number;
        return status;
    }
    if (strcmp(option, "--depth") == 0) {
        status = read_number(option, value, 1, CLI_LEVELS_MOST, "1 to 16 levels", &number);
        out->ask.depth = (int)number;
        return status;
    }
    status = read_number(option, value, 0, LLONG_MAX, "a number of tasks", &number);
    out->ask.job.count = (size_t)number;
    return status;
}

static bool takes_value(const char *option)
{
    static const char *const names[] = { "--backend", "--jobs",  "--inner",
                                         "--tasks",   "--depth", "--topology" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(option, names[i]) == 0)
            return true;
    return false;
}

static int read_options(int argc, char **argv, struct options *out)
{
    const furrow_config unset = FURROW_CONFIG_DEFAULT;
    int status = CLI_OK;

    *out = (struct options){ .ask = { .job = { .run = no_task, .count = SIZE_MAX },
                                      .config = unset } };
    for (int a = 1; a < argc && status == CLI_OK; a++) {
        if (strcmp(argv[a], "--json") == 0)
            out->json = true;
        else if (strcmp(argv[a], "--isolate") == 0)
            out->ask.job.isolate = true;
        else if (!takes_value(argv[a]))
            status = cli_fail(CLI_USAGE, "plan: no argument \"%s\"; usage: %s", argv[a], usage);
        else if (a + 1 == argc)
            status = cli_fail(CLI_USAGE, "plan: %s needs a value; usage: %s", argv[a], usage);
        else
            status = take_value(argv[a], argv[a + 1], out), a++;
    }
    return status;
}

/* -- Text ---------------------------------------------------------------- */

enum { WORKERS_SHOWN = 16 };

static void print_share(const struct cli_machine *machine, const struct cli_level *level,
                        int worker)
{
    const int *at, cpus = cli_level_share(level, worker, &at);
    char *cpuset = cli_machine_cpuset(machine, at, cpus);

    printf("          worker %-5d %4d CPU%s  %s\n", worker, cpus, cpus == 1 ? " " : "s",
           cpuset != NULL ? cpuset : "");
    free(cpuset);
}

static void print_level(const struct cli_machine *machine, const struct cli_levels *levels,
                        int number)
{
    const struct cli_level *level = &levels->level[number];
    const int workers = level->plan.workers,
              shown = workers <= WORKERS_SHOWN ? workers : WORKERS_SHOWN - 1;

    printf("\nLevel %-3d %s, %d worker%s", level->plan.level, level->plan.backend->name, workers,
           cli_plural(workers));
    if (level->plan.inner_threads > 0)
        printf(" of tasks with %d inner thread%s", level->plan.inner_threads,
               cli_plural(level->plan.inner_threads));
    if (number > 0)
        printf(", inside worker 0");
    printf("\n          because: %s\n", level->plan.reason);
    for (int w = 0; w < shown; w++)
        print_share(machine, level, w);
    if (shown < workers)
        printf("          and %d more\n", workers - shown);
}

static void print_text(const struct cli_machine *machine, const struct cli_levels *levels)
{
    printf("Machine   ");
    cli_machine_text(machine, 10);
    cli_cpus_text(machine);
    for (int i = 0; i < levels->n; i++)
        print_level(machine, levels, i);
}

/* -- JSON ---------------------------------------------------------------- */

static void json_worker(struct fw_json *json, const struct cli_machine *machine,
                        const struct cli_level *level, int worker)
{
    const int *at, cpus = cli_level_share(level, worker, &at);
    char *cpuset = cli_machine_cpuset(machine, at, cpus);

    fw_json_object(json, NULL);
    fw_json_int(json, "cpus", cpus);
    fw_json_string(json, "cpuset", cpuset);
    fw_json_end(json);
    free(cpuset);
}

static void print_json(const struct cli_machine *machine, const struct cli_levels *levels)
{
    struct fw_json json;

    fw_json_init(&json, stdout);
    fw_json_object(&json, NULL);
    fw_json_string(&json, "version", FURROW_VERSION_TEXT);
    cli_machine_json(machine, &json);
    fw_json_int(&json, "cpu_count", machine->cpus->count);
    fw_json_array(&json, "levels");
    for (int i = 0; i < levels->n; i++) {
        const struct cli_level *level = &levels->level[i];

        fw_json_object(&json, NULL);
        fw_json_int(&json, "level", level->plan.level);
        fw_json_string(&json, "backend", level->plan.backend->name);
        fw_json_string(&json, "reason", level->plan.reason);
        fw_json_int(&json, "cpus", level->count);
        fw_json_int(&json, "inner_threads", level->plan.inner_threads);
        fw_json_array(&json, "workers");
        for (int w = 0; w < level->plan.workers; w++)
            json_worker(&json, machine, level, w);
        fw_json_end(&json);
        fw_json_end(&json);
    }
    fw_json_end(&json);
    fw_json_end(&json);
}

/* -- All ----------------------------------------------------------------- */

/* A backend that nobody has is a word without meaning; one that may not run
 * here is an answer that could not be given. */
static int exit_status(furrow_status status, const struct options *options)
{
    const char *backend = options->ask.config.backend != NULL ? options->ask.config.backend
                                                              : fw_env()->config.backend;
    const bool unknown = backend != NULL && fw_registry_find(backend) == NULL;

    return status == FURROW_EINVAL || (status == FURROW_EBACKEND && unknown) ? CLI_USAGE
                                                                             : CLI_FAILED;
}

int cli_plan(int argc, char **argv)
{
    static struct cli_levels levels;
    struct cli_machine machine;
    struct options options;
    furrow_status planned;
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return printf("usage: %s\n", usage), CLI_OK;
    if ((status = read_options(argc, argv, &options)) != CLI_OK ||
        (status = cli_check_environment()) != CLI_OK ||
        (status = cli_machine_open(options.topology, &machine)) != CLI_OK)
        return status;
    planned = cli_levels_make(&machine, &options.ask, &levels);
    if (planned != FURROW_OK)
        status = cli_fail(exit_status(planned, &options), "%s", furrow_message());
    else if (options.json)
        print_json(&machine, &levels);
    else
        print_text(&machine, &levels);
    cli_levels_free(&levels);
    cli_machine_close(&machine);
    return status;
}
