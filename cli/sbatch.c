/* furrow sbatch: a batch script for Slurm, checked by the nesting rules. */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backends/registry.h"
#include "cli/machine.h"
#include "cli/script.h"
#include "runtime/survey.h"

static const char usage[] =
    "furrow sbatch [--nodes N] [--tasks-per-node N] [--cpus-per-task N] [--time T] [--backend B] [--requeue] "
    "[--launcher srun|mpirun] [--jobs N] [--inner N] [--node-cpus N | --topology FILE.xml] [--exclusive] "
    "[--job-name W] [--partition W] [--account W] -- PROGRAM [ARGUMENT...]";

/* -- The command line ---------------------------------------------------- */

enum kind { NUMBER, WORD, TEXT, SWITCH, LAUNCHER };

/* Where each option goes. */
struct option {
    const char *name;
    enum kind kind;
    void *to;
    int least; /* of a NUMBER */
};

static int take_number(const struct option *option, const char *value)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || number < option->least || number > 1000000 || number == 0)
        return cli_fail(CLI_USAGE, "sbatch: %s %.40s has no meaning; use a number from %d on", option->name, value,
                        option->least);
    *(int *)option->to = (int)number;
    return CLI_OK;
}

static int take_value(const struct option *option, const char *value)
{
    if (option->kind == NUMBER)
        return take_number(option, value);
    if (option->kind == WORD && !script_word(value))
        return cli_fail(CLI_USAGE, "sbatch: %s %.40s can't stand in a #SBATCH line; use letters, digits and ._:+,@%%=-",
                        option->name, value);
    if (option->kind != LAUNCHER)
        *(const char **)option->to = value;
    else if (strcmp(value, "mpirun") == 0 || strcmp(value, "srun") == 0)
        *(bool *)option->to = value[0] == 'm';
    else
        return cli_fail(CLI_USAGE, "sbatch: --launcher %.40s has no meaning; use srun or mpirun", value);
    return CLI_OK;
}

static const struct option *find_option(const struct option *options, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

/* Options up to "--", or to the first word that is none; the rest is the program. */
static int read_options(int argc, char **argv, struct script *s, const char **topology)
{
    const struct option options[] = {
        { "--nodes", NUMBER, &s->nodes, 1 },
        { "--tasks-per-node", NUMBER, &s->tasks_per_node, 1 },
        { "--cpus-per-task", NUMBER, &s->cpus_per_task, 1 },
        { "--node-cpus", NUMBER, &s->node_cpus, 1 },
        { "--jobs", NUMBER, &s->jobs, -1000000 },
        { "--inner", NUMBER, &s->inner, 1 },
        { "--time", WORD, &s->time, 0 },
        { "--backend", WORD, &s->backend, 0 },
        { "--launcher", LAUNCHER, &s->mpirun, 0 },
        { "--job-name", WORD, &s->name, 0 },
        { "--partition", WORD, &s->partition, 0 },
        { "--account", WORD, &s->account, 0 },
        { "--topology", TEXT, topology, 0 },
        { "--requeue", SWITCH, &s->requeue, 0 },
        { "--exclusive", SWITCH, &s->exclusive, 0 },
    };
    int a = 1, status = CLI_OK;

    for (; a < argc && argv[a][0] == '-' && strcmp(argv[a], "--") != 0 && status == CLI_OK; a++) {
        const struct option *option = find_option(options, sizeof options / sizeof options[0], argv[a]);

        if (option == NULL)
            return cli_fail(CLI_USAGE, "sbatch: no argument \"%s\"; usage: %s", argv[a], usage);
        if (option->kind == SWITCH)
            *(bool *)option->to = true;
        else if (a + 1 == argc)
            return cli_fail(CLI_USAGE, "sbatch: %s needs a value; usage: %s", argv[a], usage);
        else
            status = take_value(option, argv[++a]);
    }
    if (status != CLI_OK)
        return status;
    if (a < argc && strcmp(argv[a], "--") == 0)
        a++;
    if (a == argc)
        return cli_fail(CLI_USAGE, "sbatch: no program given; usage: %s", usage);
    s->program = argv + a;
    return CLI_OK;
}

/* -- The plan ------------------------------------------------------------ */

/* What a program that names nothing would get with the CPUs of one task. mpi
 * is not asked for: it is no backend of this command. */
static int plan_task(const struct script *s, struct fw_plan *out)
{
    struct fw_survey *survey = calloc(1, sizeof *survey);
    furrow_config config = FURROW_CONFIG_DEFAULT;

    if (survey == NULL)
        return cli_fail(CLI_FAILED, "sbatch: no memory for the plan");
    if (s->backend != NULL && strcmp(s->backend, "mpi") != 0)
        config.backend = s->backend;
    if (s->jobs != 0)
        config.jobs = s->jobs;
    config.inner_threads = s->inner;
    config.strict = true;
    survey->in = (struct fw_plan_in){ .cpus = s->cpus_per_task, .thread_levels = 1, .count = SIZE_MAX };
    fw_survey_backends(survey, &config);
    fw_plan_make(&survey->in, out);
    free(survey);
    if (out->status != FURROW_OK)
        return cli_fail(CLI_USAGE, "sbatch: %s", out->message);
    return CLI_OK;
}

static int read_node(const char *topology, struct script *s)
{
    struct cli_machine machine;
    int status;

    if (topology == NULL)
        return CLI_OK;
    status = cli_machine_open(topology, &machine);
    if (status == CLI_OK) {
        s->node_cpus = machine.cpus->count;
        cli_machine_close(&machine);
    }
    return status;
}

int cli_sbatch(int argc, char **argv)
{
    struct script s = { .nodes = 1, .tasks_per_node = 1, .cpus_per_task = 1 };
    const char *topology = NULL;
    char why[FURROW_MESSAGE] = "";
    struct fw_plan plan;
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return printf("usage: %s\n", usage), CLI_OK;
    if ((status = read_options(argc, argv, &s, &topology)) != CLI_OK ||
        (status = read_node(topology, &s)) != CLI_OK || (status = plan_task(&s, &plan)) != CLI_OK)
        return status;
    if (!script_check(&s, &plan, why))
        return cli_fail(CLI_USAGE, "sbatch: %s", why);
    script_write(&s, stdout);
    return CLI_OK;
}
