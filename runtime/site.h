/* Where the process is: its environment, its host and the system's files, as an
 * input like any other, so that recorded clusters and made trees are tests.
 * Plain readers of numbers and files for the parts that look there. */
#ifndef FW_SITE_H
#define FW_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct fw_site {
    fw_env_get *get;   /* look-up of environment variables */
    void *data;        /* its second argument */
    const char *host;  /* this host's name, with or without domain */
    const char *root;  /* put before every path of a file; "" for the real ones */
};

/* A variable's value; NULL: unset or empty. */
const char *fw_site_get(const struct fw_site *site, const char *name);

/* A variable that is a whole decimal number, 0 ... 999999999. False: unset, or
 * no such number (then *nonsense, which may be NULL, is set to true). */
bool fw_site_number(const struct fw_site *site, const char *name, int *out, bool *nonsense);

/* Digits at *at, at most 9; moves *at behind them. -1: none, or more. */
int fw_read_number(const char **at);

/* Whether two names are of one host: compared up to the first dot, case aside. */
bool fw_same_host(const char *a, size_t length_a, const char *b);

/* A file as text, with a NUL behind it, at most `most` bytes of it; NULL: it
 * can't be read. Owned by the caller, free(). */
char *fw_site_file(const struct fw_site *site, const char *path, size_t most);

#endif
