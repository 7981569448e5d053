/* The tree of nested jobs: what a job would get, and what jobs started inside
 * the tasks of its first worker would, level by level, until all inside is
 * sequential. Nothing runs. */
#ifndef FW_CLI_LEVELS_H
#define FW_CLI_LEVELS_H

#include "cli/machine.h"
#include "runtime/plan.h"

enum { CLI_LEVELS_MOST = 16 };

struct cli_level {
    struct fw_plan plan;
    const int *at;  /* places in machine->cpus that the job leases */
    int count;
    int *first;     /* owned: fw_lease_deal() */
};

struct cli_levels {
    int n;
    struct cli_level level[CLI_LEVELS_MOST];
    int *at;        /* owned: all places */
};

/* The outermost job: its needs and config; jobs inside have none, and the
 * default config. depth: levels wanted; 0: until all is sequential. */
struct cli_ask {
    furrow_job job;
    furrow_config config;
    int depth;
};

/* FURROW_EINVAL, FURROW_EBACKEND, FURROW_ENOMEM with a message. */
FW_MUST_CHECK furrow_status cli_levels_make(const struct cli_machine *machine, const struct cli_ask *ask,
                                            struct cli_levels *out);
void cli_levels_free(struct cli_levels *levels);

/* CPUs of a worker of a level, and where in the level's `at` they start. */
int cli_level_share(const struct cli_level *level, int worker, const int **at);

#endif
