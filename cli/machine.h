/* The machine that a subcommand is asked about: this process's, or one read from
 * the file of --topology. */
#ifndef FW_CLI_MACHINE_H
#define FW_CLI_MACHINE_H

#include "cli/json.h"
#include "runtime/cpus.h"

struct cli_machine {
    const struct fw_topology *topology;
    const struct fw_cpus *cpus;
    bool here;                    /* this process's: what is around it counts */
    struct fw_topology *read;     /* owned; NULL where it is this process's */
    struct fw_cpus *made;         /* owned; the same */
};

/* `file`: of --topology, or NULL. A status of cli.h, after one line of error. */
int cli_machine_open(const char *file, struct cli_machine *out);
void cli_machine_close(struct cli_machine *machine);

/* "name: 2 packages, 4 NUMA nodes, 32 cores, 64 PUs" with what else it has, one
 * or more lines, each after the first indented by `indent` blanks. */
void cli_machine_text(const struct cli_machine *machine, int indent);

/* One line: how many CPUs, and by which limit. */
void cli_cpus_text(const struct cli_machine *machine);

/* The machine as member "machine"; then "simulated". */
void cli_machine_json(const struct cli_machine *machine, struct fw_json *json);

/* "" or "s". */
const char *cli_plural(int number);

/* OS indices of places of its CPUs, as text that the caller frees; NULL: no memory. */
char *cli_machine_cpuset(const struct cli_machine *machine, const int *at, int count);

#endif
