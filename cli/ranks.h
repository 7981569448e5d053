/* The ranks of an mpirun, as furrow info shows them. The command knows no MPI:
 * in a rank it hands over to furrow-ranks, beside it, which asks all ranks and
 * starts the command anew on rank 0, with what they said in an open file. */
#ifndef FW_CLI_RANKS_H
#define FW_CLI_RANKS_H

#include "cli/json.h"

/* One rank, in a file of one line for each, in rank order: the fields with tabs
 * between them. */
struct cli_rank {
    char host[64];
    char binding[512]; /* OS indices of the CPUs that it was started with, "0-3,8" */
    char share[512];   /* of those that are its own */
    int cpus;          /* how many */
    int workers, inner_threads; /* of a job on mpi that names neither */
};

struct cli_ranks {
    struct cli_rank *rank; /* owned; NULL: none */
    int n;
};

/* In a rank of a launcher that furrow-ranks knows: becomes that program, which
 * does not return. Returns where this is none, or furrow was built without MPI. */
void cli_ranks_ask(bool as_json);

/* What furrow-ranks left in the open file of this number. A status of cli.h. */
int cli_ranks_read(const char *number, struct cli_ranks *out);
void cli_ranks_free(struct cli_ranks *ranks);

/* One line each. */
void cli_ranks_text(const struct cli_ranks *ranks);
/* As member "ranks", an array. */
void cli_ranks_json(const struct cli_ranks *ranks, struct fw_json *json);

#endif
