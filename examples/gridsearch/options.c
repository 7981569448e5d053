#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "grid.h"

static void print_help(void)
{
    printf(
        "usage: gridsearch [--data DIR] [--backend NAME] [--jobs N] [--gammas N]\n\n"
        "Cross-validated grid search of kernel ridge regression on handwritten digits:\n"
        "sequentially, then on each other backend that is there.\n\n"
        "  --data DIR      folder of the digits; else %s\n"
        "  --backend NAME  this backend alone beside the sequential run\n"
        "  --jobs N        workers; -1: one per CPU, -2: one less, ...; else FURROW_JOBS, or -1\n"
        "  --gammas N      the first N of the %d values of gamma\n"
        "  --help          this\n\n"
        "Exit status: 0 when the errors agree with scikit-learn's and every run has the\n"
        "same bits; 1 when not, or when something failed; 2 when the command line or a\n"
        "FURROW_ variable has no meaning.\n",
        GRIDSEARCH_DATA, GRID_GAMMAS);
}

/* A whole number from least to most, and not 0. */
static enum options_next read_number(const char *option, long least, long most, int *out)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(optarg, &end, 10);
    if (end == optarg || *end != '\0' || errno != 0 || value < least || value > most ||
        value == 0) {
        fprintf(stderr, "gridsearch: --%s is \"%s\"; use a whole number from %ld to %ld but 0\n",
                option, optarg, least, most);
        return OPTIONS_WRONG;
    }
    *out = (int)value;
    return OPTIONS_RUN;
}

static enum options_next take_option(int option, struct options *out)
{
    switch (option) {
    case 'd':
        out->data = optarg;
        return OPTIONS_RUN;
    case 'b':
        out->backend = optarg;
        return OPTIONS_RUN;
    case 'j':
        return read_number("jobs", -INT_MAX, INT_MAX, &out->jobs);
    case 'g':
        return read_number("gammas", 1, GRID_GAMMAS, &out->gammas);
    case 'h':
        print_help();
        return OPTIONS_HELP;
    default:
        return OPTIONS_WRONG; /* getopt_long() said why */
    }
}

enum options_next options_read(int argc, char **argv, struct options *out)
{
    static const struct option known[] = {
        { "data", required_argument, NULL, 'd' }, { "backend", required_argument, NULL, 'b' },
        { "jobs", required_argument, NULL, 'j' }, { "gammas", required_argument, NULL, 'g' },
        { "help", no_argument, NULL, 'h' },       { NULL, 0, NULL, 0 },
    };
    int option;

    *out = (struct options){ .data = GRIDSEARCH_DATA, .jobs = -1, .gammas = GRID_GAMMAS };
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        enum options_next next = take_option(option, out);

        if (next != OPTIONS_RUN)
            return next;
    }
    if (optind == argc)
        return OPTIONS_RUN;
    fprintf(stderr, "gridsearch: \"%s\" is no option; gridsearch --help lists them\n",
            argv[optind]);
    return OPTIONS_WRONG;
}
