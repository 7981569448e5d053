/* The environment, what a config means, and the stack of configs. */
#include <criterion/criterion.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "runtime/config.h"
#include "runtime/memory.h"

/* -- Variables ---------------------------------------------------------- */

/* An environment of one or two variables. */
struct setting {
    const char *name, *value;
};

static const char *look_up(const char *name, void *data)
{
    const struct setting *settings = data;

    for (int i = 0; i < 2; i++)
        if (settings[i].name != NULL && strcmp(settings[i].name, name) == 0)
            return settings[i].value;
    return NULL;
}

static void parse(const char *name, const char *value, struct fw_env *out)
{
    struct setting settings[2] = { { name, value }, { NULL, NULL } };

    fw_env_parse(look_up, settings, out);
}

/* What a variable became, as a number. */
static double value_of(const struct fw_env *env, const char *name)
{
    const struct {
        const char *name;
        double value;
    } fields[] = {
        { "FURROW_JOBS", env->config.jobs },
        { "FURROW_INNER_THREADS", env->config.inner_threads },
        { "FURROW_BATCH", (double)env->config.batch },
        { "FURROW_TIMEOUT", env->config.timeout },
        { "FURROW_RETRIES", env->config.retries },
        { "FURROW_MAX_CPUS", env->max_cpus },
        { "FURROW_UNIT", env->unit },
        { "FURROW_THREAD_LEVELS", env->thread_levels },
        { "FURROW_BIND", env->repair ? 17 : env->config.bind },
        { "FURROW_PROGRESS", env->progress },
        { "FURROW_DEADLINE_MARGIN", env->deadline_margin },
        { "FURROW_STOP_SIGNAL", env->stop_signal },
        { "FURROW_LOG", env->log },
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    return NAN;
}

static const struct {
    const char *name, *value;
    double want;
} good[] = {
    { "FURROW_JOBS", "4", 4 },
    { "FURROW_JOBS", "+4", 4 },
    { "FURROW_JOBS", "007", 7 },
    { "FURROW_JOBS", "-1", -1 },
    { "FURROW_JOBS", "-2", -2 },
    { "FURROW_JOBS", "2147483647", INT_MAX },
    { "FURROW_JOBS", "-2147483648", INT_MIN },
    { "FURROW_JOBS", "", -1 },
    { "FURROW_INNER_THREADS", "1", 1 },
    { "FURROW_INNER_THREADS", "", 0 },
    { "FURROW_BATCH", "1", 1 },
    { "FURROW_BATCH", "9223372036854775807", 9223372036854775807.0 },
    { "FURROW_TIMEOUT", "2.5", 2.5 },
    { "FURROW_TIMEOUT", ".5", 0.5 },
    { "FURROW_TIMEOUT", "1e-3", 1e-3 },
    { "FURROW_TIMEOUT", "+1E2", 100 },
    { "FURROW_TIMEOUT", "", 0 },
    { "FURROW_RETRIES", "0", 0 },
    { "FURROW_RETRIES", "-0", 0 },
    { "FURROW_RETRIES", "3", 3 },
    { "FURROW_MAX_CPUS", "1", 1 },
    { "FURROW_UNIT", "pu", FW_UNIT_PU },
    { "FURROW_UNIT", "core", FW_UNIT_CORE },
    { "FURROW_THREAD_LEVELS", "0", 0 },
    { "FURROW_THREAD_LEVELS", "3", 3 },
    { "FURROW_THREAD_LEVELS", "", 1 },
    { "FURROW_BIND", "auto", FURROW_BIND_AUTO },
    { "FURROW_BIND", "none", FURROW_BIND_NONE },
    { "FURROW_BIND", "lease", FURROW_BIND_LEASE },
    { "FURROW_BIND", "repair", 17 },
    { "FURROW_PROGRESS", "10", 10 },
    { "FURROW_PROGRESS", "0.5", 0.5 },
    { "FURROW_PROGRESS", "", 0 },
    { "FURROW_DEADLINE_MARGIN", "60", 60 },
    { "FURROW_DEADLINE_MARGIN", "0", 0 },
    { "FURROW_DEADLINE_MARGIN", "1.5e2", 150 },
    { "FURROW_DEADLINE_MARGIN", "", -1 },
    { "FURROW_STOP_SIGNAL", "USR1", SIGUSR1 },
    { "FURROW_STOP_SIGNAL", "SIGUSR2", SIGUSR2 },
    { "FURROW_STOP_SIGNAL", "TERM", SIGTERM },
    { "FURROW_STOP_SIGNAL", "HUP", SIGHUP },
    { "FURROW_STOP_SIGNAL", "INT", SIGINT },
    { "FURROW_STOP_SIGNAL", "XCPU", SIGXCPU },
    { "FURROW_STOP_SIGNAL", "", 0 },
    { "FURROW_LOG", "quiet", FW_LOG_QUIET },
    { "FURROW_LOG", "warn", FW_LOG_WARN },
    { "FURROW_LOG", "info", FW_LOG_INFO },
    { "FURROW_LOG", "debug", FW_LOG_DEBUG },
    { "FURROW_LOG", "", FW_LOG_WARN },
};

Test(env, takes_what_has_a_meaning)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct fw_env env;
        double got;

        parse(good[i].name, good[i].value, &env);
        got = value_of(&env, good[i].name);
        cr_expect(env.status == FURROW_OK, "%s=%s: %s", good[i].name, good[i].value, env.message);
        cr_expect_str_eq(env.message, "");
        cr_expect(got >= good[i].want && got <= good[i].want, "%s=%s: %g", good[i].name,
                  good[i].value, got);
    }
}

#define JOBS "a positive number of workers, or -1 for all CPUs, -2 for all but one"
#define NAMES "lower-case letters, digits and _; see \"furrow info\""

static const struct {
    const char *name, *value, *want; /* want: after "NAME=VALUE: " */
} bad[] = {
    { "FURROW_JOBS", "0", "0 has no meaning; use " JOBS },
    { "FURROW_JOBS", "-0", "0 has no meaning; use " JOBS },
    { "FURROW_JOBS", "many", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "4 ", "not a whole number; use " JOBS },
    { "FURROW_JOBS", " 4", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "4x", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "0x4", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "4.0", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "--1", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "+", "not a whole number; use " JOBS },
    { "FURROW_JOBS", "2147483648", "out of range; use " JOBS },
    { "FURROW_JOBS", "-2147483649", "out of range; use " JOBS },
    { "FURROW_JOBS", "99999999999999999999", "out of range; use " JOBS },
    { "FURROW_INNER_THREADS", "0", "0 has no meaning; use a positive number of threads" },
    { "FURROW_INNER_THREADS", "-1", "-1 has no meaning; use a positive number of threads" },
    { "FURROW_BATCH", "0", "0 has no meaning; use a positive number of tasks" },
    { "FURROW_BATCH", "-3", "-3 has no meaning; use a positive number of tasks" },
    { "FURROW_BATCH", "auto", "not a whole number; use a positive number of tasks" },
    { "FURROW_BATCH", "99999999999999999999", "out of range; use a positive number of tasks" },
    { "FURROW_TIMEOUT", "soon", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "2,5", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "2.5s", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", " 2.5", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "2.5 ", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "0x1p3", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "nan", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "inf", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "1.2.3", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "e5", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "1e", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", ".", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "1e999", "out of range; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "1e-999", "out of range; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "0", "a time limit is above 0; use e.g. 2.5" },
    { "FURROW_TIMEOUT", "-1", "a time limit is above 0; use e.g. 2.5" },
    { "FURROW_RETRIES", "-1", "-1 has no meaning; use a number of further tries, 0 or more" },
    { "FURROW_MAX_CPUS", "0", "0 has no meaning; use a positive number of CPUs" },
    { "FURROW_UNIT", "PU", "has no meaning; use pu or core" },
    { "FURROW_UNIT", "socket", "has no meaning; use pu or core" },
    { "FURROW_THREAD_LEVELS", "-1", "-1 has no meaning; use a number of levels, 0 or more" },
    { "FURROW_BIND", "yes", "has no meaning; use auto, none, lease or repair" },
    { "FURROW_DEADLINE_MARGIN", "a minute", "not a number of seconds; use e.g. 60" },
    { "FURROW_DEADLINE_MARGIN", "-1", "a margin is 0 or more; use e.g. 60" },
    { "FURROW_DEADLINE_MARGIN", "1e999", "out of range; use e.g. 60" },
    { "FURROW_STOP_SIGNAL", "SIGNONE", "no signal to stop at; use HUP, INT, TERM, USR1, USR2 or XCPU" },
    { "FURROW_STOP_SIGNAL", "KILL", "no signal to stop at; use HUP, INT, TERM, USR1, USR2 or XCPU" },
    { "FURROW_STOP_SIGNAL", "10", "no signal to stop at; use HUP, INT, TERM, USR1, USR2 or XCPU" },
    { "FURROW_PROGRESS", "often", "not a number of seconds; use e.g. 2.5" },
    { "FURROW_PROGRESS", "0", "the time between two lines is above 0; use e.g. 2.5" },
    { "FURROW_LOG", "2", "has no meaning; use quiet, warn, info or debug" },
    { "FURROW_BACKEND", "OpenMP", "not the name of a backend; use " NAMES },
    { "FURROW_BACKEND", "open mp", "not the name of a backend; use " NAMES },
};

Test(env, names_what_has_no_meaning)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fw_env env;
        char want[2 * FURROW_MESSAGE];

        parse(bad[i].name, bad[i].value, &env);
        snprintf(want, sizeof(want), "%s=%s: %s", bad[i].name, bad[i].value, bad[i].want);
        cr_expect(env.status == FURROW_EINVAL, "%s=%s", bad[i].name, bad[i].value);
        cr_expect_str_eq(env.message, want);
    }
}

/* Every variable refuses some garbage, so a new one cannot be forgotten here. */
Test(env, has_no_variable_that_takes_garbage)
{
    for (int i = 0; fw_env_name(i) != NULL; i++) {
        struct fw_env env;

        parse(fw_env_name(i), "?", &env);
        cr_expect(env.status == FURROW_EINVAL, "%s", fw_env_name(i));
        parse(fw_env_name(i), "", &env);
        cr_expect(env.status == FURROW_OK, "%s empty", fw_env_name(i));
    }
}

Test(env, takes_names_of_backends)
{
    char name[65];
    struct fw_env env;

    memset(name, 'x', 64);
    name[64] = '\0';
    parse("FURROW_BACKEND", name, &env);
    cr_expect(env.status == FURROW_EINVAL && strstr(env.message, "too long") != NULL);
    name[63] = '\0';
    parse("FURROW_BACKEND", name, &env);
    cr_expect(env.status == FURROW_OK);
    cr_expect_str_eq(env.config.backend, name);
    cr_expect(env.config.backend == env.backend);
    parse("FURROW_BACKEND", "my_pool_2", &env);
    cr_expect_str_eq(env.config.backend, "my_pool_2");
}

Test(env, shows_long_and_odd_values_cut_and_on_one_line)
{
    struct fw_env env;

    parse("FURROW_JOBS", "a\nb345678901234567890123456789012345678\u20AC and more", &env);
    cr_expect_str_eq(env.message, "FURROW_JOBS=a b345678901234567890123456789012345678...: not a "
                                  "whole number; use " JOBS);
}

Test(env, reports_the_first_and_keeps_the_others)
{
    struct setting settings[2] = { { "FURROW_LOG", "loud" }, { "FURROW_JOBS", "none" } };
    struct fw_env env;

    fw_env_parse(look_up, settings, &env);
    cr_expect(strncmp(env.message, "FURROW_JOBS=none", 16) == 0, "in the order of the list");
    cr_expect(env.config.jobs == -1 && env.log == FW_LOG_WARN, "defaults where nothing was read");
    settings[1].value = "3";
    fw_env_parse(look_up, settings, &env);
    cr_expect(env.status == FURROW_EINVAL && env.config.jobs == 3);
}

Test(env, reads_numbers_alike_in_every_locale)
{
    struct fw_env env;

    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        cr_log_info("no locale with a decimal comma here");
    parse("FURROW_TIMEOUT", "2.5", &env);
    cr_expect(env.status == FURROW_OK);
    cr_expect_float_eq(env.config.timeout, 2.5, 0.0);
    parse("FURROW_TIMEOUT", "2,5", &env);
    cr_expect(env.status == FURROW_EINVAL);
}

Test(env, of_the_process_is_read_once_and_sets_the_log)
{
    const struct fw_env *env;

    setenv("FURROW_JOBS", "3", 1);
    setenv("FURROW_LOG", "debug", 1);
    env = fw_env();
    cr_expect(env->config.jobs == 3 && fw_log_get() == FW_LOG_DEBUG);
    setenv("FURROW_JOBS", "5", 1);
    cr_expect(fw_env() == env && env->config.jobs == 3);
}

Test(env, warns_of_a_variable_that_is_none)
{
    struct capture capture = capture_begin();
    char got[CAPTURED];

    setenv("FURROW_JOBSS", "3", 1);
    setenv("FURROWS", "3", 1);
    (void)fw_env();
    (void)fw_env();
    capture_end(&capture, got);
    cr_expect(count_lines(got) == 1, "%s", got);
    cr_expect(strstr(got, "furrow: the environment variable FURROW_JOBSS is unknown") == got);
    for (int i = 0; fw_env_name(i) != NULL; i++)
        cr_expect(strstr(got, fw_env_name(i)) != NULL, "%s is not listed", fw_env_name(i));
}

/* The table of docs/environment.md has a row for each variable. */
Test(env, is_documented)
{
    FILE *file = fopen(FURROW_SOURCE_DIR "/docs/environment.md", "r");
    static char page[1 << 16];

    cr_assert(file != NULL && fread(page, 1, sizeof(page) - 1, file) > 0);
    fclose(file);
    for (int i = 0; fw_env_name(i) != NULL; i++) {
        char row[64];

        snprintf(row, sizeof(row), "\n| `%s` |", fw_env_name(i));
        cr_expect(strstr(page, row) != NULL, "docs/environment.md has no row of %s", fw_env_name(i));
    }
}

/* -- Checks ------------------------------------------------------------- */

static const struct {
    const char *claim;
    furrow_config config;
    const char *want; /* NULL: it has a meaning */
} checks[] = {
    { "the default", FURROW_CONFIG_DEFAULT, NULL },
    { "any negative jobs", { .jobs = INT_MIN }, NULL },
    { "everything", { "x", 3, 2, 9, 9, 0.5, 2, true, true, FURROW_BIND_LEASE, { 0 } }, NULL },
    { "no jobs", { .jobs = 0 }, "config.jobs is 0; use " JOBS },
    { "inner_threads", { .jobs = 1, .inner_threads = -2 },
      "config.inner_threads is -2; use a positive number of threads, or 0 for each worker's share" },
    { "timeout below 0", { .jobs = 1, .timeout = -1.5 },
      "config.timeout is -1.5; use seconds above 0, or 0 for no limit" },
    { "timeout nan", { .jobs = 1, .timeout = NAN },
      "config.timeout is nan; use seconds above 0, or 0 for no limit" },
    { "timeout inf", { .jobs = 1, .timeout = INFINITY },
      "config.timeout is inf; use seconds above 0, or 0 for no limit" },
    { "retries", { .jobs = 1, .retries = -1 },
      "config.retries is -1; use a number of further tries, 0 or more" },
    { "bind above", { .jobs = 1, .bind = 3 },
      "config.bind is 3; use FURROW_BIND_AUTO, FURROW_BIND_NONE or FURROW_BIND_LEASE" },
    { "bind below", { .jobs = 1, .bind = -1 },
      "config.bind is -1; use FURROW_BIND_AUTO, FURROW_BIND_NONE or FURROW_BIND_LEASE" },
    { "reserved", { .jobs = 1, .reserved = { 0, 0, 7, 0 } },
      "config.reserved[2] is 7; use 0: start from FURROW_CONFIG_DEFAULT" },
};

Test(config, is_checked_field_by_field)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        furrow_status want = checks[i].want != NULL ? FURROW_EINVAL : FURROW_OK;

        fw_message_clear();
        cr_expect(fw_config_check(&checks[i].config) == want, "%s", checks[i].claim);
        cr_expect_str_eq(furrow_message(), checks[i].want != NULL ? checks[i].want : "");
    }
}

/* -- Scopes ------------------------------------------------------------- */

Test(scope, keeps_a_copy_of_what_was_pushed)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    struct fw_scope *top = NULL;
    char name[] = "mine";

    config.backend = name;
    config.jobs = 3;
    cr_assert(fw_scope_push(&top, &config) == FURROW_OK);
    name[0] = 'x';
    config.jobs = 5;
    cr_expect_str_eq(top->config.backend, "mine");
    cr_expect(top->config.jobs == 3);
    config.backend = NULL;
    cr_assert(fw_scope_push(&top, &config) == FURROW_OK);
    cr_expect(top->config.backend == NULL && top->config.jobs == 5);
    fw_scope_pop(&top);
    cr_expect(top->config.jobs == 3);
    fw_scope_pop(&top);
    cr_expect(top == NULL);
    cr_expect(fw_memory_held() == 0);
}

static bool refuse_all(size_t size)
{
    (void)size;
    return true;
}

Test(scope, stays_as_it_was_after_a_push_that_failed)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    struct fw_scope *top = NULL;

    fw_memory_refuse = refuse_all;
    cr_expect(fw_scope_push(&top, &config) == FURROW_ENOMEM);
    cr_expect(strstr(furrow_message(), "no memory") != NULL);
    fw_memory_refuse = NULL;
    config.jobs = 0;
    cr_expect(fw_scope_push(&top, &config) == FURROW_EINVAL);
    cr_expect(top == NULL && fw_memory_held() == 0);
}

/* -- What a config means ------------------------------------------------ */

/* The environment of the rows below: all set. */
static const struct fw_env full = {
    .config = { "envs", 6, 2, 10, 0, 1.5, 4, false, false, FURROW_BIND_NONE, { 0 } },
    .thread_levels = 1,
};

static const furrow_config by_default = FURROW_CONFIG_DEFAULT;
static const furrow_config own = { "own", 3, 1, 5, 7, 0.25, 2, true, true, FURROW_BIND_LEASE, { 0 } };
static const furrow_config part = { NULL, -2, 0, 0, 7, 0.25, 0, true, false, FURROW_BIND_AUTO, { 0 } };
static const furrow_config part_completed = { "envs", -2, 2, 10, 7, 0.25, 4, true, false,
                                              FURROW_BIND_NONE, { 0 } };

static const struct {
    const char *claim;
    const furrow_config *config, *scope;
    bool outermost;
    const furrow_config *want;
} meanings[] = {
    { "nothing given, outermost: the environment", NULL, NULL, true, &full.config },
    { "nothing given, below: the defaults", NULL, NULL, false, &by_default },
    { "defaults handed over, outermost: the environment", &by_default, NULL, true, &full.config },
    { "defaults handed over, below", &by_default, NULL, false, &by_default },
    { "a whole config wins", &own, NULL, true, &own },
    { "a whole config below", &own, NULL, false, &own },
    { "fields at their default are completed", &part, NULL, true, &part_completed },
    { "below they are not", &part, NULL, false, &part },
    { "NULL is the pushed config", NULL, &own, true, &own },
    { "NULL is the pushed config below", NULL, &own, false, &own },
    { "a pushed config is completed too", NULL, &part, true, &part_completed },
    { "what is handed over replaces the pushed config whole", &part, &own, true, &part_completed },
};

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_config(const furrow_config *a, const furrow_config *b)
{
    return same_text(a->backend, b->backend) && a->jobs == b->jobs
           && a->inner_threads == b->inner_threads && a->batch == b->batch
           && a->pre_dispatch == b->pre_dispatch && a->timeout >= b->timeout
           && a->timeout <= b->timeout && a->retries == b->retries
           && a->keep_going == b->keep_going && a->strict == b->strict && a->bind == b->bind;
}

Test(config, means_what_the_table_says)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        struct fw_scope *top = NULL;
        furrow_config got;

        if (meanings[i].scope != NULL)
            cr_assert(fw_scope_push(&top, meanings[i].scope) == FURROW_OK);
        cr_expect(fw_config_resolve(meanings[i].config, top, meanings[i].outermost, &full, &got)
                  == FURROW_OK);
        cr_expect(same_config(&got, meanings[i].want), "%s", meanings[i].claim);
        while (top != NULL)
            fw_scope_pop(&top);
    }
}

Test(config, with_a_bad_environment_fails_outermost_only)
{
    furrow_config got = { .jobs = 77 };
    struct fw_env env;

    parse("FURROW_JOBS", "0", &env);
    cr_expect(fw_config_resolve(&own, NULL, true, &env, &got) == FURROW_EINVAL);
    cr_expect_str_eq(furrow_message(), env.message);
    cr_expect(got.jobs == 77, "untouched");
    cr_expect(fw_config_resolve(&own, NULL, false, &env, &got) == FURROW_OK);
    cr_expect(got.jobs == 3);
}

Test(config, without_meaning_leaves_the_output_alone)
{
    furrow_config bad_config = { .jobs = 0 }, got = { .jobs = 77 };

    cr_expect(fw_config_resolve(&bad_config, NULL, true, &full, &got) == FURROW_EINVAL);
    cr_expect(fw_config_resolve(&bad_config, NULL, false, &full, &got) == FURROW_EINVAL);
    cr_expect(got.jobs == 77);
}
