/* The `furrow` command: what its parts share.
 *
 * main.c has the table of subcommands and owns standard output: a subcommand
 * prints with stdio and need not look at errors, which main() finds at the
 * end. Unlike a program of the library, the command links the internals. */
#ifndef FW_CLI_H
#define FW_CLI_H

#include <stdbool.h>

#include "runtime/message.h"

/* Exit statuses. */
enum {
    CLI_OK = 0,
    CLI_FAILED = 1, /* it could not be done, or not be printed */
    CLI_USAGE = 2   /* the command line or a FURROW_ variable has no meaning */
};

/* One line to standard error, starting with "furrow: "; returns `status`. */
int cli_fail(int status, const char *format, ...) FURROW_PRINTF(2, 3);

/* FURROW_ variables: CLI_OK, or CLI_USAGE after naming the one without
 * meaning, its value and what is allowed. */
int cli_check_environment(void);

/* FURROW_BACKEND asks for mpi, which is a backend of programs that link
 * furrow_mpi: this command looks at what there is without it. */
bool cli_leaves_mpi_out(void);

/* Subcommands: argv[0] is the subcommand's name. Return an exit status. */
int cli_info(int argc, char **argv);
int cli_plan(int argc, char **argv);
int cli_sbatch(int argc, char **argv);

#endif
