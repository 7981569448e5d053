#include "cli/machine.h"

#include <stdlib.h>

#include "cli/cli.h"
#include "runtime/lease.h"

static int fail(furrow_status status)
{
    return cli_fail(status == FURROW_EINVAL ? CLI_USAGE : CLI_FAILED, "%s", furrow_message());
}

/* Of what limits CPUs here only furrow's own variables hold for another machine. */
static furrow_status read_other(const char *file, struct cli_machine *out)
{
    const struct fw_env *env = fw_env();
    struct fw_cpu_inputs in = { .unit = env->unit, .max_cpus = env->max_cpus };
    furrow_status status = fw_topology_create(FW_MACHINE_XML, file, "--topology", &out->read);

    if (status != FURROW_OK)
        return status;
    out->read->simulated = true; /* also where HWLOC_THISSYSTEM claims otherwise */
    in.topology = out->read;
    status = fw_cpus_create(&in, &out->made);
    out->topology = out->read;
    out->cpus = out->made;
    return status;
}

int cli_machine_open(const char *file, struct cli_machine *out)
{
    furrow_status status;

    *out = (struct cli_machine){ .here = file == NULL };
    if (file != NULL) {
        status = read_other(file, out);
    } else {
        out->cpus = fw_cpus();
        status = fw_topology(&out->topology);
    }
    if (status == FURROW_OK)
        return CLI_OK;
    cli_machine_close(out);
    return fail(status);
}

void cli_machine_close(struct cli_machine *machine)
{
    fw_cpus_destroy(machine->made);
    fw_topology_destroy(machine->read);
    machine->made = NULL;
    machine->read = NULL;
}

const char *cli_plural(int number)
{
    return number == 1 ? "" : "s";
}

void cli_machine_text(const struct cli_machine *machine, int indent)
{
    const struct fw_topology *t = machine->topology;

    printf("%s%s: %d package%s, %d NUMA node%s, %d core%s, %d PU%s\n", t->name,
           t->simulated ? " (simulated)" : "", t->packages, cli_plural(t->packages), t->nodes,
           cli_plural(t->nodes), t->cores, cli_plural(t->cores), t->allowed,
           cli_plural(t->allowed));
    if (t->allowed < t->npus)
        printf("%*sthe machine has %d PUs, %d are allowed\n", indent, "", t->npus, t->allowed);
    if (t->offline > 0)
        printf("%*s%d PU%s offline\n", indent, "", t->offline, t->offline == 1 ? " is" : "s are");
    if (t->memory_nodes > 0)
        printf("%*s%d NUMA node%s without PUs\n", indent, "", t->memory_nodes,
               cli_plural(t->memory_nodes));
    for (int k = 0; t->nkinds > 1 && k < t->nkinds; k++)
        printf("%*s%s: %d core%s, %d PU%s\n", indent, "", t->kind[k].name, t->kind[k].cores,
               cli_plural(t->kind[k].cores), t->kind[k].pus, cli_plural(t->kind[k].pus));
}

void cli_cpus_text(const struct cli_machine *machine)
{
    const struct fw_cpus *cpus = machine->cpus;
    const struct fw_limit *winner = &cpus->limits.limit[cpus->limits.winner];

    printf("CPUs      %d on %d core%s, ", cpus->count, cpus->cores, cli_plural(cpus->cores));
    if (winner->source == FW_LIMIT_MACHINE)
        puts("all that the machine has");
    else
        printf("limited by: %s\n", winner->name);
}

void cli_machine_json(const struct cli_machine *machine, struct fw_json *json)
{
    const struct fw_topology *t = machine->topology;

    fw_json_object(json, "machine");
    fw_json_string(json, "name", t->name);
    fw_json_int(json, "packages", t->packages);
    fw_json_int(json, "numa_nodes", t->nodes);
    fw_json_int(json, "memory_only_nodes", t->memory_nodes);
    fw_json_int(json, "cores", t->cores);
    fw_json_int(json, "pus", t->allowed);
    fw_json_int(json, "online_pus", t->npus);
    fw_json_int(json, "offline_pus", t->offline);
    fw_json_array(json, "core_kinds");
    for (int k = 0; k < t->nkinds; k++) {
        fw_json_object(json, NULL);
        fw_json_string(json, "name", t->kind[k].name);
        fw_json_int(json, "efficiency", t->kind[k].efficiency);
        fw_json_int(json, "cores", t->kind[k].cores);
        fw_json_int(json, "pus", t->kind[k].pus);
        fw_json_end(json);
    }
    fw_json_end(json);
    fw_json_end(json);
    fw_json_bool(json, "simulated", t->simulated);
}

char *cli_machine_cpuset(const struct cli_machine *machine, const int *at, int count)
{
    const size_t size = fw_lease_text(machine->cpus, at, count, NULL, 0) + 1;
    char *text = malloc(size);

    if (text != NULL)
        (void)fw_lease_text(machine->cpus, at, count, text, size);
    return text;
}
