/* scale: what the mpi backend's protocol makes of more nodes than one has.
 * docs/scaling.md explains its figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct options {
    struct machine machine;
    struct tasks tasks;
    double seconds; /* of a worker's tasks together, where no count is given */
    size_t out_size;
    bool claims, sweep;
};

static int usage(void)
{
    fprintf(stderr, "usage: scale --costs FILE [--set COST=NS]... [--sweep] [--claims] [--nodes N] "
                    "[--ranks N] [--cores N]\n"
                    "             [--task SECONDS] [--seconds S] [--count N] [--tasks "
                    "constant|lognormal|straggler]\n"
                    "             [--factor X] [--out BYTES] [--seed N]\n");
    return 2;
}

static bool set_cost(struct costs *costs, char *text)
{
    char *value = strchr(text, '='), *end;

    if (value == NULL)
        return false;
    *value++ = '\0';
    return costs_set(costs, text, strtod(value, &end)) && end > value && *end == '\0';
}

static const char *const kinds[] = { "constant", "lognormal", "straggler" };

enum { KINDS = sizeof kinds / sizeof *kinds };

static bool set_kind(struct tasks *tasks, const char *word)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i], word) == 0) {
            tasks->kind = (enum tasks_kind)i;
            return true;
        }
    return false;
}

static bool set_number(struct options *o, const char *name, const char *text)
{
    char *end;
    const double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= 0) || value > 1e15)
        return false;
    if (strcmp(name, "--nodes") == 0 && value >= 1 && value <= 1e6)
        o->machine.nodes = (int)value;
    else if (strcmp(name, "--ranks") == 0 && value >= 1 && value <= 1e5)
        o->machine.ranks = (int)value;
    else if (strcmp(name, "--cores") == 0 && value <= 1e5)
        o->machine.cores = (int)value;
    else if (strcmp(name, "--task") == 0 && value > 0)
        o->tasks.mean = value * 1e9;
    else if (strcmp(name, "--seconds") == 0 && value > 0)
        o->seconds = value;
    else if (strcmp(name, "--count") == 0 && value >= 1)
        o->tasks.count = (size_t)value;
    else if (strcmp(name, "--factor") == 0 && value >= 1)
        o->tasks.factor = value;
    else if (strcmp(name, "--out") == 0)
        o->out_size = (size_t)value;
    else if (strcmp(name, "--seed") == 0)
        o->tasks.seed = (uint64_t)value;
    else
        return false;
    return true;
}

/* At least eight tasks a worker. */
static size_t count_of(const struct options *o)
{
    const double each = o->seconds * 1e9 / o->tasks.mean;

    return (size_t)((each > 8 ? each : 8) * o->machine.ranks * o->machine.nodes);
}

/* Prints one row; false: tasks got lost, which is an error of the model. */
static bool run_one(struct options o)
{
    struct outcome out;

    if (o.tasks.count == 0)
        o.tasks.count = count_of(&o);
    out =
        o.claims ? model_node(&o.machine, &o.tasks) : model_nodes(&o.machine, &o.tasks, o.out_size);
    printf("%d\t%d\t%g\t%zu\t%.6g\t%.4f\t%.4f\t%llu\t%llu\t%s\n", o.machine.nodes, o.machine.ranks,
           o.tasks.mean * 1e-9, o.tasks.count, out.makespan * 1e-9, out.efficiency, out.root_load,
           (unsigned long long)out.letters, (unsigned long long)out.recalled, kinds[o.tasks.kind]);
    fflush(stdout);
    if (out.ran != o.tasks.count)
        fprintf(stderr, "scale: %zu tasks ran of %zu\n", out.ran, o.tasks.count);
    return out.ran == o.tasks.count;
}

/* All lengths and numbers of nodes with one kind of tasks. */
static bool sweep_kind(struct options o)
{
    static const double lengths[] = { 10e-6, 100e-6, 1e-3, 10e-3, 100e-3, 1.0, 10.0 };
    static const int nodes[] = { 1, 3, 10, 30, 100, 300, 1000, 3000, 10000 };
    bool good = true;

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t n = 0; n < sizeof nodes / sizeof *nodes; n++) {
            o.tasks.mean = lengths[l] * 1e9;
            o.machine.nodes = nodes[n];
            good &= run_one(o);
        }
    return good;
}

static bool sweep(struct options o)
{
    bool good = true;

    for (int kind = 0; kind < KINDS; kind++) {
        o.tasks.kind = (enum tasks_kind)kind;
        good &= sweep_kind(o);
    }
    return good;
}

/* Returns the words used, 0: it means nothing. */
static int read_option(struct options *o, char **argv, const char **costs)
{
    if (strcmp(argv[0], "--sweep") == 0 || strcmp(argv[0], "--claims") == 0) {
        *(argv[0][2] == 's' ? &o->sweep : &o->claims) = true;
        return 1;
    }
    if (argv[1] == NULL)
        return 0;
    if (strcmp(argv[0], "--costs") == 0)
        *costs = argv[1];
    else if (strcmp(argv[0], "--tasks") == 0
                 ? !set_kind(&o->tasks, argv[1])
                 : strcmp(argv[0], "--set") != 0 && !set_number(o, argv[0], argv[1]))
        return 0;
    return 2;
}

int main(int argc, char **argv)
{
    struct options o = { .machine = { .nodes = 1, .ranks = 128 },
                         .tasks = { .mean = 1e6, .factor = 100, .seed = 1 },
                         .seconds = 2 };
    const char *costs = NULL;
    char why[200];

    for (int i = 1, used; i < argc; i += used)
        if ((used = read_option(&o, argv + i, &costs)) == 0)
            return usage();
    if (costs == NULL)
        return usage();
    if (!costs_read(costs, &o.machine.costs, why)) {
        fprintf(stderr, "scale: %s\n", why);
        return 1;
    }
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--set") == 0 && !set_cost(&o.machine.costs, argv[i + 1]))
            return usage();
    if (o.claims && (o.machine.nodes > 1 || o.sweep)) {
        fprintf(stderr, "scale: --claims is for one node\n");
        return 2;
    }
    printf("# seed %llu\n# "
           "nodes\tranks\ttask_s\ttasks\tmakespan_s\tefficiency\troot_"
           "load\tletters\trecalled\tlengths\n",
           (unsigned long long)o.tasks.seed);
    return (o.sweep ? sweep(o) : run_one(o)) ? 0 : 1;
}
