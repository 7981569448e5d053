#include "poolenv.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct {
    const char *name;
    bool follows_omp; /* the library reads OMP_NUM_THREADS where this one is unset */
} variables[FW_POOLVARS] = {
    [FW_VAR_OMP] = { "OMP_NUM_THREADS", true },
    [FW_VAR_OPENBLAS] = { "OPENBLAS_NUM_THREADS", true },
    [FW_VAR_MKL] = { "MKL_NUM_THREADS", true },
    [FW_VAR_BLIS] = { "BLIS_NUM_THREADS", true },
    [FW_VAR_VECLIB] = { "VECLIB_MAXIMUM_THREADS", false },
    [FW_VAR_NUMBA] = { "NUMBA_NUM_THREADS", false },
    [FW_VAR_NUMEXPR] = { "NUMEXPR_NUM_THREADS", true },
};

const char *fw_poolvar_name(enum fw_poolvar variable)
{
    return variables[variable].name;
}

/* -- What the user set -------------------------------------------------- */

/* The first number of "4" or "4,2" with blanks around; 0: there is none. */
static int first_number(const char *text, bool *more)
{
    char *end;
    long number;

    if (text == NULL)
        return 0;
    errno = 0;
    number = strtol(text, &end, 10);
    if (end == text || errno == ERANGE || number < 1 || number > INT_MAX)
        return 0;
    end += strspn(end, " \t");
    *more = *end == ',';
    return *end == '\0' || *more ? (int)number : 0;
}

/* OpenMP's words for true; libraries take any case. */
static bool is_true(const char *text)
{
    return text != NULL && (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

void fw_pooluser_parse(fw_env_get *get, void *data, struct fw_pooluser *out)
{
    bool more;

    *out = (struct fw_pooluser){ .ipc = get("ENABLE_IPC", data) != NULL };
    for (int v = 0; v < FW_POOLVARS; v++) {
        more = false;
        out->threads[v] = first_number(get(variables[v].name, data), &more);
        if (v == FW_VAR_OMP)
            out->list = more && out->threads[v] > 0;
        else if (more) /* a list has a meaning for OpenMP alone */
            out->threads[v] = 0;
    }
    out->nests = first_number(get("OMP_MAX_ACTIVE_LEVELS", data), &more) > 1 ||
                 is_true(get("OMP_NESTED", data));
}

static struct fw_pooluser process_user; /* set once, then read-only */

static const char *from_process(const char *name, void *data)
{
    (void)data;
    return getenv(name);
}

static void read_process(void)
{
    fw_pooluser_parse(from_process, NULL, &process_user);
}

const struct fw_pooluser *fw_pooluser(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, read_process);
    return &process_user;
}

/* -- The rule ----------------------------------------------------------- */

/* What the library would take from the user's variables; 0: nothing. */
static int users_number(const struct fw_pooluser *user, enum fw_poolvar variable)
{
    if (user->threads[variable] > 0 || !variables[variable].follows_omp)
        return user->threads[variable];
    return user->threads[FW_VAR_OMP];
}

int fw_pooluser_threads(const struct fw_pooluser *user, enum fw_poolvar variable, int asked,
                        int share)
{
    const int set = users_number(user, variable);

    if (asked > 0)
        return asked;
    return set > 0 && set < share ? set : share;
}

/* -- A process worker's environment ------------------------------------- */

int fw_pooluser_settings(const struct fw_pooluser *user, int asked, int share,
                         struct fw_poolsetting out[FW_POOLSETTINGS])
{
    int n = 0;

    for (int v = 0; v < FW_POOLVARS; v++) {
        out[n].name = variables[v].name;
        (void)snprintf(out[n++].value, sizeof out->value, "%d",
                       fw_pooluser_threads(user, (enum fw_poolvar)v, asked, share));
    }
    if (user->nests || user->list)
        out[n++] = (struct fw_poolsetting){ "OMP_MAX_ACTIVE_LEVELS", "1" };
    if (!user->ipc)
        out[n++] = (struct fw_poolsetting){ "ENABLE_IPC", "1" };
    return n;
}

struct fw_poolenv {
    int n;                                /* settings */
    size_t room;                          /* entries that `entry` has room for */
    char text[FW_POOLSETTINGS][48];       /* "NAME=value" */
    size_t length[FW_POOLSETTINGS];       /* of NAME= */
    char *entry[];                        /* the environment, once it is installed */
};

static size_t count_entries(void)
{
    size_t n = 0;

    for (char **e = environ; e != NULL && *e != NULL; e++)
        n++;
    return n;
}

static struct fw_poolenv *make(const struct fw_pooluser *user, int asked, int share)
{
    struct fw_poolsetting setting[FW_POOLSETTINGS];
    const size_t room = count_entries() + FW_POOLSETTINGS + 1;
    struct fw_poolenv *made = malloc(sizeof *made + room * sizeof made->entry[0]);

    if (made == NULL)
        return NULL;
    made->n = fw_pooluser_settings(user, asked, share, setting);
    made->room = room;
    for (int i = 0; i < made->n; i++) {
        made->length[i] = strlen(setting[i].name) + 1;
        (void)snprintf(made->text[i], sizeof made->text[i], "%s=%s", setting[i].name, setting[i].value);
    }
    return made;
}

struct fw_poolenv *fw_poolenv_make(int asked, int share)
{
    struct fw_pooluser user;

    fw_pooluser_parse(from_process, NULL, &user);
    return make(&user, asked, share);
}

void fw_poolenv_drop(struct fw_poolenv *made)
{
    free(made);
}

static bool is_replaced(const char *entry, const struct fw_poolenv *by)
{
    for (int i = 0; i < by->n; i++)
        if (entry[0] == by->text[i][0] && strncmp(entry, by->text[i], by->length[i]) == 0)
            return true;
    return false;
}

bool fw_poolenv_install(struct fw_poolenv *made)
{
    size_t at = 0;

    if (count_entries() + (size_t)made->n >= made->room)
        return false;
    for (char **e = environ; e != NULL && *e != NULL; e++)
        if (!is_replaced(*e, made))
            made->entry[at++] = *e;
    for (int i = 0; i < made->n; i++)
        made->entry[at++] = made->text[i];
    made->entry[at] = NULL;
    environ = made->entry;
    return true;
}

furrow_status fw_poolenv_apply(int asked, int share)
{
    /* The one of the last call; owned. Each call replaces all entries of the
     * one before: which variables are set depends on the user's alone. */
    static struct fw_poolenv *ours;
    static struct fw_pooluser user;
    char **const before = environ;
    struct fw_poolenv *made;

    if (ours == NULL)
        fw_pooluser_parse(from_process, NULL, &user);
    made = make(&user, asked, share);
    if (made == NULL)
        return fw_fail(FURROW_ENOMEM,
                       "no memory for a worker's environment; give the program more memory");
    (void)fw_poolenv_install(made); /* it has the room */
    if (ours != NULL && before == ours->entry)
        fw_poolenv_drop(ours);
    ours = made;
    return FURROW_OK;
}
