/* tables ERRORS ENVIRONMENT MAN: the tables of docs/errors.md and
 * docs/environment.md and the variables of furrow(1) are those of the code. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/config.h"

static int failures;

static void fail(const char *format, ...) FURROW_PRINTF(1, 2);

static void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    failures++;
}

enum { PAGE = 1 << 18 };

static char errors[PAGE], environment[PAGE], man[PAGE];

static void read_file(const char *path, char page[PAGE])
{
    FILE *file = fopen(path, "r");
    size_t length = file != NULL ? fread(page, 1, PAGE - 1, file) : 0;

    if (length == 0 || length == PAGE - 1) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
}

/* Rows of tables that start with `| \`prefix`. */
static int count_rows(const char *page, const char *prefix)
{
    char start[64];
    int n = 0;

    snprintf(start, sizeof start, "\n| `%s", prefix);
    for (const char *at = page; (at = strstr(at, start)) != NULL; at++)
        n++;
    return n;
}

/* -- docs/errors.md ----------------------------------------------------- */

static void check_statuses(const char *page)
{
    int rows = 0;

#define CHECK_ROW(name, number, words)                                                             \
    rows++;                                                                                        \
    if (strstr(page, "\n| `" #name "` | " #number " | " words " |") == NULL)                       \
        fail("errors.md lacks the row: | `%s` | %d | %s |", #name, name, furrow_strerror(name));
    FURROW_STATUS_MAP(CHECK_ROW)
#undef CHECK_ROW
    if (count_rows(page, "FURROW_OK") + count_rows(page, "FURROW_E") != rows)
        fail("errors.md has %d rows of statuses, furrow.h has %d",
             count_rows(page, "FURROW_OK") + count_rows(page, "FURROW_E"), rows);
}

/* The compiler says when the enum has a new entry. */
static const char *outcome_name(furrow_outcome outcome)
{
    switch (outcome) {
    case FURROW_PENDING:
        return "FURROW_PENDING";
    case FURROW_DONE:
        return "FURROW_DONE";
    case FURROW_FAILED:
        return "FURROW_FAILED";
    case FURROW_TIMED_OUT:
        return "FURROW_TIMED_OUT";
    case FURROW_CRASHED:
        return "FURROW_CRASHED";
    case FURROW_SKIPPED:
        return "FURROW_SKIPPED";
    }
    return NULL;
}

static void check_outcomes(const char *page)
{
    for (int o = FURROW_PENDING; o <= FURROW_SKIPPED; o++) {
        char row[64];

        snprintf(row, sizeof row, "\n| `%s` | %d |", outcome_name((furrow_outcome)o), o);
        if (strstr(page, row) == NULL)
            fail("errors.md lacks the row:%s", row + 1);
    }
}

/* -- docs/environment.md ------------------------------------------------ */

/* One variable as the environment has it. */
struct setting {
    const char *name, *value;
};

static const char *look_up(const char *name, void *data)
{
    const struct setting *setting = data;

    return strcmp(name, setting->name) == 0 ? setting->value : NULL;
}

/* The values between backquotes in a cell mean `expected`. */
static void check_values(const char *name, char *cell, furrow_status expected)
{
    int n = 0;

    for (char *at = strtok(cell, "`"); (at = strtok(NULL, "`")) != NULL; n++) {
        struct setting setting = { name, at };
        struct fw_env env;

        fw_env_parse(look_up, &setting, &env);
        if (env.status != expected)
            fail("%s=%s: \"%s\", not as environment.md says", name, at,
                 furrow_strerror(env.status));
        if (strtok(NULL, "`") == NULL) /* between two values */
            break;
    }
    if (n == 0 && expected == FURROW_EINVAL)
        fail("environment.md says of no value of %s that it is refused", name);
}

/* Cell `number` of a row, from 0. */
static void copy_cell(const char *row, int number, char *out, size_t size)
{
    const char *start = row;
    size_t length;

    for (int i = 0; i <= number; i++)
        start = strchr(start, '|') + 1;
    length = strcspn(start, "|\n");
    snprintf(out, size, "%.*s", (int)length, start);
}

static void check_variable(const char *page, const char *name)
{
    enum { TAKEN = 4, REFUSED = 5 };
    char start[64], cell[256];
    const char *row;

    snprintf(start, sizeof start, "\n| `%s` |", name);
    row = strstr(page, start);
    if (row == NULL) {
        fail("environment.md has no row for %s", name);
        return;
    }
    copy_cell(row + 1, TAKEN, cell, sizeof cell);
    check_values(name, cell, FURROW_OK);
    copy_cell(row + 1, REFUSED, cell, sizeof cell);
    check_values(name, cell, FURROW_EINVAL);
}

static void check_variables(const char *page, const char *manual)
{
    int n = 0;

    for (; fw_env_name(n) != NULL; n++) {
        check_variable(page, fw_env_name(n));
        if (strstr(manual, fw_env_name(n)) == NULL)
            fail("furrow(1) does not have %s", fw_env_name(n));
    }
    if (count_rows(page, "FURROW_") != n)
        fail("environment.md has %d rows of variables, the library has %d",
             count_rows(page, "FURROW_"), n);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: tables ERRORS ENVIRONMENT MAN\n");
        return 2;
    }
    read_file(argv[1], errors);
    read_file(argv[2], environment);
    read_file(argv[3], man);
    check_statuses(errors);
    check_outcomes(errors);
    check_variables(environment, man);
    return failures > 0;
}
