/* How to run: the environment, what a config means, the stack of configs. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

/* -- One variable ------------------------------------------------------- */

#define ALLOWED_JOBS "a positive number of workers, or -1 for all CPUs, -2 for all but one"
#define ALLOWED_SECONDS "e.g. 2.5"

enum { SHOWN = 40 }; /* bytes of a value that a message shows */

/* One variable while it is read. */
struct variable {
    const char *name, *value;
    struct fw_env *out;
};

/* Notes that a variable has no meaning; the first one is kept. `what` is what
 * was seen, `use` what is allowed. */
static void refuse(const struct variable *v, const char *what, const char *use)
{
    size_t length = strlen(v->value);
    size_t shown = length > SHOWN ? fw_text_cut(v->value, SHOWN) : length;

    if (v->out->status != FURROW_OK)
        return;
    v->out->status = FURROW_EINVAL;
    (void)snprintf(v->out->message, sizeof(v->out->message), "%s=%.*s%s: %s; use %s", v->name,
                   (int)shown, v->value, shown < length ? "..." : "", what, use);
    fw_message_one_line(v->out->message);
}

static bool all_in(const char *text, const char *set)
{
    return text[strspn(text, set)] == '\0';
}

/* [+-]digits within min ... max; `unit` follows "not a". */
static bool read_integer(const struct variable *v, intmax_t min, intmax_t max, const char *unit,
                         const char *use, intmax_t *out)
{
    const char *digits = v->value + (*v->value == '+' || *v->value == '-');
    char what[SHOWN + 32];
    intmax_t number;

    if (*digits == '\0' || !all_in(digits, "0123456789")) {
        (void)snprintf(what, sizeof(what), "not a %s", unit);
        refuse(v, what, use);
        return false;
    }
    errno = 0;
    number = strtoimax(v->value, NULL, 10);
    if (errno == ERANGE || number > max || (number < min && number < INT_MIN)) {
        refuse(v, "out of range", use);
        return false;
    }
    if (number < min) {
        (void)snprintf(what, sizeof(what), "%jd has no meaning", number);
        refuse(v, what, use);
        return false;
    }
    *out = number;
    return true;
}

static bool read_int(const struct variable *v, int min, const char *unit, const char *use, int *out)
{
    intmax_t number;

    if (!read_integer(v, min, INT_MAX, unit, use, &number))
        return false;
    *out = (int)number;
    return true;
}

/* A decimal number as strtod() takes it in the C locale, whatever the program's
 * is; not "nan", "inf" or hexadecimal. One out of range becomes NAN. */
static bool parse_decimal(const char *text, double *out)
{
    locale_t c;
    char *end;

    if (!all_in(text, "0123456789+-.eE"))
        return false;
    c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    errno = 0;
    *out = strtod_l(text, &end, c);
    if (errno == ERANGE)
        *out = NAN;
    freelocale(c);
    return end != text && *end == '\0';
}

/* One of the words of a list that ends with NULL: its number. */
static bool read_word(const struct variable *v, const char *const *words, const char *use, int *out)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(v->value, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    refuse(v, "has no meaning", use);
    return false;
}

/* -- The variables ------------------------------------------------------ */

static void read_backend(const struct variable *v)
{
    struct fw_env *out = v->out;

    if (!all_in(v->value, "abcdefghijklmnopqrstuvwxyz0123456789_")) {
        refuse(v, "not the name of a backend", "lower-case letters, digits and _; see \"furrow info\"");
        return;
    }
    if (strlen(v->value) >= sizeof(out->backend)) {
        refuse(v, "too long for the name of a backend", "at most 63 characters; see \"furrow info\"");
        return;
    }
    memcpy(out->backend, v->value, strlen(v->value) + 1);
    out->config.backend = out->backend;
}

static void read_jobs(const struct variable *v)
{
    int jobs;

    if (!read_int(v, INT_MIN, "whole number", ALLOWED_JOBS, &jobs))
        return;
    if (jobs == 0)
        refuse(v, "0 has no meaning", ALLOWED_JOBS);
    else
        v->out->config.jobs = jobs;
}

static void read_inner_threads(const struct variable *v)
{
    (void)read_int(v, 1, "whole number", "a positive number of threads", &v->out->config.inner_threads);
}

static void read_batch(const struct variable *v)
{
    intmax_t max = SIZE_MAX < INTMAX_MAX ? (intmax_t)SIZE_MAX : INTMAX_MAX;
    intmax_t batch;

    if (read_integer(v, 1, max, "whole number", "a positive number of tasks", &batch))
        v->out->config.batch = (size_t)batch;
}

/* A number of seconds; `what` says of one that is not above 0 what it is not. */
static void read_seconds(const struct variable *v, const char *what, double *out)
{
    double seconds;

    if (!parse_decimal(v->value, &seconds))
        refuse(v, "not a number of seconds", ALLOWED_SECONDS);
    else if (isnan(seconds))
        refuse(v, "out of range", ALLOWED_SECONDS);
    else if (seconds <= 0.0)
        refuse(v, what, ALLOWED_SECONDS);
    else
        *out = seconds;
}

static void read_timeout(const struct variable *v)
{
    read_seconds(v, "a time limit is above 0", &v->out->config.timeout);
}

static void read_progress(const struct variable *v)
{
    read_seconds(v, "the time between two lines is above 0", &v->out->progress);
}

static void read_retries(const struct variable *v)
{
    (void)read_int(v, 0, "whole number", "a number of further tries, 0 or more", &v->out->config.retries);
}

static void read_max_cpus(const struct variable *v)
{
    (void)read_int(v, 1, "whole number", "a positive number of CPUs", &v->out->max_cpus);
}

static void read_unit(const struct variable *v)
{
    static const char *const words[] = { [FW_UNIT_PU] = "pu", [FW_UNIT_CORE] = "core", NULL };
    int unit;

    if (read_word(v, words, "pu or core", &unit))
        v->out->unit = (enum fw_unit)unit;
}

static void read_thread_levels(const struct variable *v)
{
    (void)read_int(v, 0, "whole number", "a number of levels, 0 or more", &v->out->thread_levels);
}

static void read_bind(const struct variable *v)
{
    static const char *const words[] = { [FURROW_BIND_AUTO] = "auto",
                                         [FURROW_BIND_NONE] = "none",
                                         [FURROW_BIND_LEASE] = "lease",
                                         NULL };

    v->out->repair = strcmp(v->value, "repair") == 0;
    if (!v->out->repair)
        (void)read_word(v, words, "auto, none, lease or repair", &v->out->config.bind);
}

static void read_deadline_margin(const struct variable *v)
{
    double seconds;

    if (!parse_decimal(v->value, &seconds))
        refuse(v, "not a number of seconds", "e.g. 60");
    else if (isnan(seconds))
        refuse(v, "out of range", "e.g. 60");
    else if (seconds < 0.0)
        refuse(v, "a margin is 0 or more", "e.g. 60");
    else
        v->out->deadline_margin = seconds;
}

/* Those that batch systems send as a warning and that a process may handle. */
static void read_stop_signal(const struct variable *v)
{
    static const char *const words[] = { "HUP", "INT", "TERM", "USR1", "USR2", "XCPU", NULL };
    static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU };
    const char *word = strncmp(v->value, "SIG", 3) == 0 ? v->value + 3 : v->value;

    for (int i = 0; words[i] != NULL && v->out->stop_signal == 0; i++)
        if (strcmp(word, words[i]) == 0)
            v->out->stop_signal = numbers[i];
    if (v->out->stop_signal == 0)
        refuse(v, "no signal to stop at", "HUP, INT, TERM, USR1, USR2 or XCPU");
}

static void read_log(const struct variable *v)
{
    static const char *const words[] = { [FW_LOG_QUIET] = "quiet",
                                         [FW_LOG_WARN] = "warn",
                                         [FW_LOG_INFO] = "info",
                                         [FW_LOG_DEBUG] = "debug",
                                         NULL };
    int level;

    if (read_word(v, words, "quiet, warn, info or debug", &level))
        v->out->log = (enum fw_log_level)level;
}

/* docs/environment.md has a row for each. */
static const struct {
    const char *name;
    void (*read)(const struct variable *v);
} variables[] = {
    { "FURROW_BACKEND", read_backend },
    { "FURROW_JOBS", read_jobs },
    { "FURROW_INNER_THREADS", read_inner_threads },
    { "FURROW_BATCH", read_batch },
    { "FURROW_TIMEOUT", read_timeout },
    { "FURROW_RETRIES", read_retries },
    { "FURROW_MAX_CPUS", read_max_cpus },
    { "FURROW_UNIT", read_unit },
    { "FURROW_THREAD_LEVELS", read_thread_levels },
    { "FURROW_BIND", read_bind },
    { "FURROW_PROGRESS", read_progress },
    { "FURROW_DEADLINE_MARGIN", read_deadline_margin },
    { "FURROW_STOP_SIGNAL", read_stop_signal },
    { "FURROW_LOG", read_log },
};
enum { NVARIABLES = sizeof(variables) / sizeof(variables[0]) };

const char *fw_env_name(int i)
{
    return i >= 0 && i < NVARIABLES ? variables[i].name : NULL;
}

void fw_env_parse(fw_env_get *get, void *data, struct fw_env *out)
{
    *out = (struct fw_env){ .config = FURROW_CONFIG_DEFAULT,
                            .thread_levels = 1,
                            .deadline_margin = -1.0,
                            .log = FW_LOG_WARN,
                            .status = FURROW_OK };
    for (int i = 0; i < NVARIABLES; i++) {
        struct variable v = { variables[i].name, get(variables[i].name, data), out };

        if (v.value != NULL && *v.value != '\0')
            variables[i].read(&v);
    }
}

/* -- This process's ----------------------------------------------------- */

static struct fw_env process_env; /* set once, then read-only */

static const char *from_process(const char *name, void *data)
{
    (void)data;
    return getenv(name);
}

static bool known(const char *name, size_t length)
{
    for (int i = 0; i < NVARIABLES; i++)
        if (strlen(variables[i].name) == length && memcmp(variables[i].name, name, length) == 0)
            return true;
    return false;
}

/* One line for each variable that looks like ours and is none: a misspelt one
 * would be ignored without a word. */
static void warn_unknown(void)
{
    char names[512] = "";

    for (int i = 0; i < NVARIABLES; i++) {
        size_t used = strlen(names);

        (void)snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                       variables[i].name);
    }
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t length = strcspn(*entry, "=");

        if (strncmp(*entry, "FURROW_", 7) == 0 && !known(*entry, length))
            fw_log(FW_LOG_WARN, "the environment variable %.*s is unknown and ignored; known are %s",
                   length > 64 ? 64 : (int)length, *entry, names);
    }
}

static void read_process_env(void)
{
    fw_env_parse(from_process, NULL, &process_env);
    fw_log_set(process_env.log);
    warn_unknown();
}

const struct fw_env *fw_env(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, read_process_env);
    return &process_env;
}

/* -- Configs ------------------------------------------------------------ */

static furrow_status check_reserved(const furrow_config *config)
{
    for (size_t i = 0; i < sizeof(config->reserved) / sizeof(config->reserved[0]); i++)
        if (config->reserved[i] != 0)
            return fw_fail(FURROW_EINVAL, "config.reserved[%zu] is %" PRIu64
                           "; use 0: start from FURROW_CONFIG_DEFAULT", i, config->reserved[i]);
    return FURROW_OK;
}

furrow_status fw_config_check(const furrow_config *config)
{
    if (config->jobs == 0)
        return fw_fail(FURROW_EINVAL, "config.jobs is 0; use " ALLOWED_JOBS);
    if (config->inner_threads < 0)
        return fw_fail(FURROW_EINVAL,
                       "config.inner_threads is %d; use a positive number of threads, or 0 for each "
                       "worker's share", config->inner_threads);
    if (!isfinite(config->timeout) || config->timeout < 0.0)
        return fw_fail(FURROW_EINVAL, "config.timeout is %g; use seconds above 0, or 0 for no limit",
                       config->timeout);
    if (config->retries < 0)
        return fw_fail(FURROW_EINVAL, "config.retries is %d; use a number of further tries, 0 or more",
                       config->retries);
    if (config->bind < FURROW_BIND_AUTO || config->bind > FURROW_BIND_LEASE)
        return fw_fail(FURROW_EINVAL,
                       "config.bind is %d; use FURROW_BIND_AUTO, FURROW_BIND_NONE or "
                       "FURROW_BIND_LEASE", config->bind);
    return check_reserved(config);
}

furrow_status fw_scope_push(struct fw_scope **top, const furrow_config *config)
{
    size_t length = config->backend != NULL ? strlen(config->backend) + 1 : 0;
    struct fw_scope *scope;
    furrow_status rc = fw_config_check(config);

    if (rc != FURROW_OK)
        return rc;
    scope = fw_malloc(sizeof(*scope) + length);
    if (scope == NULL)
        return fw_fail(FURROW_ENOMEM, "no memory to push a config: %zu bytes refused",
                       sizeof(*scope) + length);
    *scope = (struct fw_scope){ .config = *config, .outer = *top };
    if (length > 0)
        scope->config.backend = memcpy(scope->backend, config->backend, length);
    *top = scope;
    return FURROW_OK;
}

void fw_scope_pop(struct fw_scope **top)
{
    struct fw_scope *scope = *top;

    *top = scope->outer;
    fw_free(scope);
}

/* Takes what still has its default from the environment. */
static void complete(furrow_config *config, const furrow_config *env)
{
    const furrow_config unset = FURROW_CONFIG_DEFAULT;

    if (config->backend == unset.backend)
        config->backend = env->backend;
    if (config->jobs == unset.jobs)
        config->jobs = env->jobs;
    if (config->inner_threads == unset.inner_threads)
        config->inner_threads = env->inner_threads;
    if (config->batch == unset.batch)
        config->batch = env->batch;
    if (!(config->timeout > unset.timeout))
        config->timeout = env->timeout;
    if (config->retries == unset.retries)
        config->retries = env->retries;
    if (config->bind == unset.bind)
        config->bind = env->bind;
}

const furrow_config *fw_config_given(const furrow_config *config, const struct fw_scope *top)
{
    static const furrow_config unset = FURROW_CONFIG_DEFAULT;

    if (config != NULL)
        return config;
    return top != NULL ? &top->config : &unset;
}

furrow_status fw_config_resolve(const furrow_config *config, const struct fw_scope *top,
                                bool outermost, const struct fw_env *env, furrow_config *out)
{
    furrow_config resolved = *fw_config_given(config, top);
    const furrow_status rc = config != NULL ? fw_config_check(config) : FURROW_OK;

    if (outermost && env->status != FURROW_OK)
        return fw_fail(env->status, "%s", env->message);
    if (rc != FURROW_OK)
        return rc;
    if (outermost)
        complete(&resolved, &env->config);
    *out = resolved;
    return FURROW_OK;
}
