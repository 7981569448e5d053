/* The command line. */
#ifndef GRIDSEARCH_OPTIONS_H
#define GRIDSEARCH_OPTIONS_H

enum options_next { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG };

struct options {
    const char *data;    /* folder of the digits and of scikit-learn's values */
    const char *backend; /* the only one beside sequential; NULL: all */
    int jobs;            /* as in furrow_config */
    int gammas;          /* rows of the grid, from the first */
};

/* What to do next: run; end, as the help was printed; or end, as one sentence
 * on standard error says what is wrong. */
enum options_next options_read(int argc, char **argv, struct options *out);

#endif
