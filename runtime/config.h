/* How to run: the environment, what a config means, and the stack of configs
 * of a thread.
 *
 * The environment is read once per process and is an input like any other:
 * fw_env_parse() takes a look-up function and returns values, so that a table
 * tests every variable. Jobs below level 0 never see it. */
#ifndef FW_CONFIG_H
#define FW_CONFIG_H

#include "log.h"
#include "message.h"

enum fw_unit { FW_UNIT_PU, FW_UNIT_CORE };

/* The FURROW_ variables; a field at its default was not set. */
struct fw_env {
    furrow_config config;   /* backend, jobs, inner_threads, batch, timeout, retries, bind */
    char backend[64];       /* what config.backend points to, when set */
    int max_cpus;           /* FURROW_MAX_CPUS >= 1; 0: unset */
    enum fw_unit unit;      /* FURROW_UNIT: pu, core */
    double progress;        /* FURROW_PROGRESS, seconds > 0; 0: unset */
    int thread_levels;      /* FURROW_THREAD_LEVELS >= 0; default 1 */
    double deadline_margin; /* FURROW_DEADLINE_MARGIN, seconds >= 0; < 0: unset */
    bool repair;            /* FURROW_BIND=repair: a launcher's narrow binding is widened; config.bind is AUTO then */
    int stop_signal;        /* FURROW_STOP_SIGNAL: its number; 0: unset */
    enum fw_log_level log;  /* FURROW_LOG: quiet, warn, info, debug; default warn */
    furrow_status status;   /* FURROW_EINVAL: the first variable without meaning */
    char message[FURROW_MESSAGE]; /* its name, value and what is allowed */
};

typedef const char *fw_env_get(const char *name, void *data);

/* Pure: values in, values out. Always fills `out` whole; out->config.backend
 * points into `out`. Empty is unset. Numbers are decimal with optional sign,
 * nothing around them; a double is what strtod takes in the C locale, finite. */
void fw_env_parse(fw_env_get *get, void *data, struct fw_env *out);

/* Names of the variables, by number from 0; NULL after the last one. */
const char *fw_env_name(int i);

/* This process's, read at the first call (pthread_once) from getenv; sets the
 * log level and warns of FURROW_ variables that are none. Never NULL; look at
 * ->status. */
const struct fw_env *fw_env(void);

/* FURROW_EINVAL with the field, the value and what is allowed. */
FW_MUST_CHECK furrow_status fw_config_check(const furrow_config *config);

/* One pushed config; the newest first. Owned by the stack, one block each. */
struct fw_scope {
    furrow_config config; /* its backend points to the text below, or is NULL */
    struct fw_scope *outer;
    char backend[];
};

/* Adds a copy of `config` on top of `*top`; FURROW_EINVAL, FURROW_ENOMEM. */
FW_MUST_CHECK furrow_status fw_scope_push(struct fw_scope **top, const furrow_config *config);

/* Takes the newest away; `*top` must not be NULL. */
void fw_scope_pop(struct fw_scope **top);

/* Where a job's config is: `config`, or where that is NULL `top`'s, else defaults. */
const furrow_config *fw_config_given(const furrow_config *config, const struct fw_scope *top);

/* What `config` means: NULL is `top`'s config, else defaults; then, if
 * `outermost` (a job of level 0), fields at their default are taken from `env`.
 * Pure but for the message. FURROW_EINVAL where env or config have no meaning;
 * `out` untouched then. */
FW_MUST_CHECK furrow_status fw_config_resolve(const furrow_config *config,
                                              const struct fw_scope *top, bool outermost,
                                              const struct fw_env *env, furrow_config *out);

#endif
