/* What the environment says of other libraries' thread pools: what the user
 * set, what a task's share makes of it, and what a process worker's environment
 * has to say for libraries that it loads later.
 *
 * The rule, for each variable: an explicit number of inner threads wins; else
 * what the user set stays, up to the share; else the share. A library that
 * falls back to OMP_NUM_THREADS where its own variable is unset does so here
 * too. docs/threadpools.md has the table. */
#ifndef FW_POOLENV_H
#define FW_POOLENV_H

#include "config.h"

/* Variables that hold a number of threads. */
enum fw_poolvar {
    FW_VAR_OMP,
    FW_VAR_OPENBLAS,
    FW_VAR_MKL,
    FW_VAR_BLIS,
    FW_VAR_VECLIB,
    FW_VAR_NUMBA,
    FW_VAR_NUMEXPR,
    FW_POOLVARS
};

const char *fw_poolvar_name(enum fw_poolvar variable);

/* What the user set. */
struct fw_pooluser {
    int threads[FW_POOLVARS]; /* the outermost number; 0: unset, or without meaning */
    bool list;                /* OMP_NUM_THREADS has a number for inner regions too */
    bool nests;               /* OMP_MAX_ACTIVE_LEVELS or OMP_NESTED lets regions nest */
    bool ipc;                 /* ENABLE_IPC is set, to whatever */
};

/* Pure: values in, values out. Always fills `out` whole. */
void fw_pooluser_parse(fw_env_get *get, void *data, struct fw_pooluser *out);

/* This process's, read at the first call. Never NULL. */
const struct fw_pooluser *fw_pooluser(void);

/* Threads that the library of `variable` gets.
 *
 *   asked  an explicit number of inner threads, or 0
 *   share  CPUs of the task, >= 1
 *
 * At least 1. Pure. */
int fw_pooluser_threads(const struct fw_pooluser *user, enum fw_poolvar variable, int asked, int share);

/* One variable to set. */
struct fw_poolsetting {
    const char *name;
    char value[12];
};
enum { FW_POOLSETTINGS = FW_POOLVARS + 2 };

/* What a process worker's environment has to say: the variables above;
 * OMP_MAX_ACTIVE_LEVELS=1 where the user lets regions nest, so that a region
 * inside an inner region stays serial; and ENABLE_IPC=1, unless the user set
 * it, for TBB. Returns how many. Pure. */
int fw_pooluser_settings(const struct fw_pooluser *user, int asked, int share,
                         struct fw_poolsetting out[FW_POOLSETTINGS]);

/* A process worker's environment, made before it is forked: what is written there
 * is not fetched page by page in each child. */
struct fw_poolenv;

/* Reads what the user set as it is now, and has room for all else that is set now.
 * Owned: fw_poolenv_drop(). NULL: no memory; not counted. */
struct fw_poolenv *fw_poolenv_make(int asked, int share);
void fw_poolenv_drop(struct fw_poolenv *made);

/* In a forked child, before its first task, and for the rest of its life: `environ`
 * becomes this one's. Takes no lock that another thread of the parent may have
 * held (setenv() could hang), and allocates nothing. False: there is no room, as
 * variables came since it was made. */
bool fw_poolenv_install(struct fw_poolenv *made);

/* Both, in the child. Later calls replace earlier ones. FURROW_ENOMEM: the
 * environment is as before, loaded libraries are limited all the same. */
FW_MUST_CHECK furrow_status fw_poolenv_apply(int asked, int share);

#endif
