/* The `furrow` command: looks at this machine as the library sees it. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/config.h"

static const struct {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "info", "[--topology FILE.xml] [--alone] [--json]", "the CPUs and why so many, backends, and what a job would get",
      cli_info },
    { "plan", "[OPTION...] [--topology FILE.xml] [--json]", "what jobs, and jobs inside their tasks, would get",
      cli_plan },
    { "sbatch", "[OPTION...] -- PROGRAM [ARGUMENT...]", "a batch script for Slurm, checked by the nesting rules", cli_sbatch },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

int cli_fail(int status, const char *format, ...)
{
    char text[2 * FURROW_MESSAGE];
    va_list args;

    va_start(args, format);
    fw_text_format(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "furrow: %s\n", text);
    return status;
}

static bool leaves_mpi_out;

bool cli_leaves_mpi_out(void)
{
    return leaves_mpi_out;
}

int cli_check_environment(void)
{
    const char *asked = getenv("FURROW_BACKEND");
    const struct fw_env *env;

    leaves_mpi_out = asked != NULL && strcmp(asked, "mpi") == 0;
    if (leaves_mpi_out)
        (void)unsetenv("FURROW_BACKEND");
    env = fw_env();
    if (env->status != FURROW_OK)
        return cli_fail(CLI_USAGE, "%s", env->message);
    return CLI_OK;
}

static void print_help(void)
{
    puts("usage: furrow [--version | --help] COMMAND [ARGUMENT...]\n\nCommands:");
    for (int c = 0; c < COMMANDS; c++)
        printf("  %s %s\n      %s\n", commands[c].name, commands[c].arguments, commands[c].summary);
    puts("\nExit status: 0; 1 where something failed; 2 where the command line or a FURROW_\n"
         "variable has no meaning.");
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        return cli_fail(CLI_USAGE, "no command given; furrow --help lists them");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help();
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("furrow " FURROW_VERSION_TEXT);
        return CLI_OK;
    }
    for (int c = 0; c < COMMANDS; c++)
        if (strcmp(argv[1], commands[c].name) == 0)
            return commands[c].run(argc - 1, argv + 1);
    return cli_fail(CLI_USAGE, "no %s \"%s\"; furrow --help lists what there is",
                    argv[1][0] == '-' ? "option" : "command", argv[1]);
}

int main(int argc, char **argv)
{
    int status, error;

    /* A reader that went away is an error of output like a full disk. */
    signal(SIGPIPE, SIG_IGN);
    status = dispatch(argc, argv);

    errno = 0;
    error = fflush(stdout) != 0 || ferror(stdout);
    if (error && status == CLI_OK)
        status = cli_fail(CLI_FAILED, "cannot write to standard output: %s",
                          errno != 0 ? strerror(errno) : "an earlier write failed");
    return status;
}
