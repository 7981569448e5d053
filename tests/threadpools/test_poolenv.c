/* What a process worker's environment says, and what loaded libraries get, for
 * what the user set. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/poolenv.h"

/* An environment: names and values, NULL ends. */
static const char *look_up(const char *name, void *data)
{
    for (const char *const *entry = data; entry[0] != NULL; entry += 2)
        if (strcmp(entry[0], name) == 0)
            return entry[1];
    return NULL;
}

enum { MOST = 9 };

static const struct {
    const char *what;
    const char *user[MOST]; /* names and values */
    int asked, share;
    int threads[FW_POOLVARS]; /* OMP, OPENBLAS, MKL, BLIS, VECLIB, NUMBA, NUMEXPR */
    const char *levels, *ipc; /* what OMP_MAX_ACTIVE_LEVELS and ENABLE_IPC are set to; NULL: not at all */
} rows[] = {
    { "nothing set: the share", { NULL }, 0, 3, { 3, 3, 3, 3, 3, 3, 3 }, NULL, "1" },
    { "a share of one", { NULL }, 0, 1, { 1, 1, 1, 1, 1, 1, 1 }, NULL, "1" },
    { "asked below the share", { NULL }, 2, 8, { 2, 2, 2, 2, 2, 2, 2 }, NULL, "1" },
    { "asked above the share", { NULL }, 9, 2, { 9, 9, 9, 9, 9, 9, 9 }, NULL, "1" },
    { "OMP_NUM_THREADS stays, and is what others fall back to",
      { "OMP_NUM_THREADS", "2" }, 0, 8, { 2, 2, 2, 2, 8, 8, 2 }, NULL, "1" },
    { "up to the share", { "OMP_NUM_THREADS", "64" }, 0, 4, { 4, 4, 4, 4, 4, 4, 4 }, NULL, "1" },
    { "asked wins over the user", { "OMP_NUM_THREADS", "2", "MKL_NUM_THREADS", "3" }, 5, 4,
      { 5, 5, 5, 5, 5, 5, 5 }, NULL, "1" },
    { "a library's own variable wins over OMP_NUM_THREADS",
      { "OMP_NUM_THREADS", "1", "OPENBLAS_NUM_THREADS", "3" }, 0, 4, { 1, 3, 1, 1, 4, 4, 1 }, NULL, "1" },
    { "own variables up to the share", { "BLIS_NUM_THREADS", "1", "NUMBA_NUM_THREADS", "16" }, 0, 4,
      { 4, 4, 4, 1, 4, 4, 4 }, NULL, "1" },
    { "VECLIB and NUMEXPR", { "VECLIB_MAXIMUM_THREADS", "2", "NUMEXPR_NUM_THREADS", "1" }, 0, 4,
      { 4, 4, 4, 4, 2, 4, 1 }, NULL, "1" },
    { "a list: its first number, and one level", { "OMP_NUM_THREADS", "2,8" }, 0, 4,
      { 2, 2, 2, 2, 4, 4, 2 }, "1", "1" },
    { "a list with blanks", { "OMP_NUM_THREADS", " 3 , 2" }, 0, 4, { 3, 3, 3, 3, 4, 4, 3 }, "1", "1" },
    { "regions that nest", { "OMP_MAX_ACTIVE_LEVELS", "3" }, 0, 2, { 2, 2, 2, 2, 2, 2, 2 }, "1", "1" },
    { "levels that are serial stay", { "OMP_MAX_ACTIVE_LEVELS", "1" }, 0, 2, { 2, 2, 2, 2, 2, 2, 2 }, NULL, "1" },
    { "OMP_NESTED", { "OMP_NESTED", "TRUE" }, 0, 2, { 2, 2, 2, 2, 2, 2, 2 }, "1", "1" },
    { "OMP_NESTED=false", { "OMP_NESTED", "false" }, 0, 2, { 2, 2, 2, 2, 2, 2, 2 }, NULL, "1" },
    { "ENABLE_IPC stays", { "ENABLE_IPC", "0" }, 0, 2, { 2, 2, 2, 2, 2, 2, 2 }, NULL, NULL },
    { "words without meaning are as unset",
      { "OMP_NUM_THREADS", "many", "MKL_NUM_THREADS", "0", "BLIS_NUM_THREADS", "-2", "OPENBLAS_NUM_THREADS", "" },
      0, 4, { 4, 4, 4, 4, 4, 4, 4 }, NULL, "1" },
    { "numbers without meaning", { "OMP_NUM_THREADS", "3x", "MKL_NUM_THREADS", "99999999999999999999" }, 0, 4,
      { 4, 4, 4, 4, 4, 4, 4 }, NULL, "1" },
    { "a list means nothing to others", { "MKL_NUM_THREADS", "2,2" }, 0, 4, { 4, 4, 4, 4, 4, 4, 4 }, NULL, "1" },
    { "the largest number", { "OMP_NUM_THREADS", "2147483647" }, 0, 2147483647,
      { 2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647 }, NULL, "1" },
};

static const char *setting_of(const struct fw_poolsetting *setting, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(setting[i].name, name) == 0)
            return setting[i].value;
    return NULL;
}

static void must_be(const char *what, const char *name, const char *is, const char *expected)
{
    if (expected == NULL)
        cr_expect_null(is, "%s: %s is set to %s", what, name, is);
    else
        cr_expect(is != NULL && strcmp(is, expected) == 0, "%s: %s is %s, not %s", what, name,
                  is != NULL ? is : "not set", expected);
}

Test(poolenv, settings_follow_the_rule)
{
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct fw_poolsetting setting[FW_POOLSETTINGS];
        struct fw_pooluser user;
        char number[16];
        int n, others = (rows[r].levels != NULL) + (rows[r].ipc != NULL);

        fw_pooluser_parse(look_up, (void *)rows[r].user, &user);
        n = fw_pooluser_settings(&user, rows[r].asked, rows[r].share, setting);
        cr_expect_eq(n, FW_POOLVARS + others, "%s: %d settings", rows[r].what, n);
        for (int v = 0; v < FW_POOLVARS; v++) {
            const char *name = fw_poolvar_name((enum fw_poolvar)v);

            snprintf(number, sizeof number, "%d", rows[r].threads[v]);
            must_be(rows[r].what, name, setting_of(setting, n, name), number);
            cr_expect_eq(fw_pooluser_threads(&user, (enum fw_poolvar)v, rows[r].asked, rows[r].share),
                         rows[r].threads[v], "%s: a loaded library of %s gets otherwise", rows[r].what, name);
        }
        must_be(rows[r].what, "OMP_MAX_ACTIVE_LEVELS", setting_of(setting, n, "OMP_MAX_ACTIVE_LEVELS"), rows[r].levels);
        must_be(rows[r].what, "ENABLE_IPC", setting_of(setting, n, "ENABLE_IPC"), rows[r].ipc);
    }
}

extern char **environ;

static int entries_of(const char *name)
{
    const size_t length = strlen(name);
    int n = 0;

    for (char **e = environ; *e != NULL; e++)
        n += strncmp(*e, name, length) == 0 && (*e)[length] == '=';
    return n;
}

static int entries(void)
{
    int n = 0;

    while (environ[n] != NULL)
        n++;
    return n;
}

Test(poolenv, applying_replaces_these_variables_and_no_other)
{
    int before;

    setenv("OMP_NUM_THREADS", "2", 1);
    setenv("POOLENV_OTHER", "kept", 1);
    unsetenv("MKL_NUM_THREADS");
    before = entries();
    cr_assert_eq(fw_poolenv_apply(0, 3), FURROW_OK);
    cr_expect_str_eq(getenv("OMP_NUM_THREADS"), "2");
    cr_expect_str_eq(getenv("OPENBLAS_NUM_THREADS"), "2");
    cr_expect_str_eq(getenv("NUMBA_NUM_THREADS"), "3");
    cr_expect_str_eq(getenv("POOLENV_OTHER"), "kept");
    cr_expect_geq(entries(), before + 1);
    cr_assert_eq(fw_poolenv_apply(5, 3), FURROW_OK);
    cr_expect_str_eq(getenv("OMP_NUM_THREADS"), "5");
    cr_expect_str_eq(getenv("MKL_NUM_THREADS"), "5");
    for (int v = 0; v < FW_POOLVARS; v++)
        cr_expect_eq(entries_of(fw_poolvar_name((enum fw_poolvar)v)), 1);
    setenv("POOLENV_OTHER", "changed", 1); /* the C library takes the array over */
    cr_assert_eq(fw_poolenv_apply(0, 1), FURROW_OK);
    cr_expect_str_eq(getenv("OMP_NUM_THREADS"), "1");
    cr_expect_str_eq(getenv("POOLENV_OTHER"), "changed");
}
