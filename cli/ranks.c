#include "cli/ranks.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/machine.h"
#include "runtime/launcher.h"

/* -- Asking ---------------------------------------------------------------- */

/* Path of this program; false: unknown. */
static bool find_self(char path[PATH_MAX])
{
    const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

    if (length <= 0)
        return false;
    path[length] = '\0';
    return true;
}

static const char *from_environment(const char *name, void *data)
{
    (void)data;
    return getenv(name);
}

/* Of the environment alone: to look at the CPUs may change the binding.
 * srun starts programs that are no MPI ranks too. */
static bool is_rank(void)
{
    const struct fw_site site = { from_environment, NULL, "", "" };
    struct fw_launcher launcher;

    fw_launcher_find(&site, "", &launcher);
    return launcher.name != NULL && !launcher.is_step;
}

void cli_ranks_ask(bool as_json)
{
    static const char name[] = "/furrow-ranks";
    char self[PATH_MAX], other[PATH_MAX + sizeof name];
    char *argv[] = { other, self, as_json ? "--json" : NULL, NULL };

    if (!is_rank() || !find_self(self))
        return;
    (void)snprintf(other, sizeof other, "%.*s%s", (int)(strrchr(self, '/') - self), self, name);
    (void)setenv("FURROW_LOG", "quiet", 1); /* what there is to warn of is on the page */
    if (cli_leaves_mpi_out()) /* so it is not left out there */
        (void)setenv("FURROW_BACKEND", "mpi", 1);
    (void)fflush(NULL);
    (void)execv(other, argv);
}

/* -- Reading --------------------------------------------------------------- */

static bool read_rank(FILE *file, struct cli_rank *rank)
{
    return fscanf(file, "%63[^\t\n]\t%511[^\t\n]\t%511[^\t\n]\t%d\t%d\t%d\n", rank->host, rank->binding, rank->share,
                  &rank->cpus, &rank->workers, &rank->inner_threads) == 6;
}

static bool grow(struct cli_ranks *ranks)
{
    struct cli_rank *more = realloc(ranks->rank, ((size_t)ranks->n + 1) * sizeof *more);

    if (more != NULL)
        ranks->rank = more;
    return more != NULL;
}

int cli_ranks_read(const char *number, struct cli_ranks *out)
{
    char *end;
    const long fd = strtol(number, &end, 10);
    FILE *file = *number != '\0' && *end == '\0' && fd >= 0 && fd <= INT_MAX ? fdopen((int)fd, "r") : NULL;
    bool whole;

    *out = (struct cli_ranks){ NULL, 0 };
    if (file == NULL)
        return cli_fail(CLI_USAGE, "info: --ranks %s is no open file; it is for furrow-ranks alone", number);
    rewind(file);
    while (grow(out) && read_rank(file, &out->rank[out->n]))
        out->n++;
    whole = feof(file) != 0 && out->n > 0;
    (void)fclose(file);
    if (whole)
        return CLI_OK;
    cli_ranks_free(out);
    return cli_fail(CLI_FAILED, "info: what the ranks said cannot be read; are furrow and furrow-ranks of one build?");
}

void cli_ranks_free(struct cli_ranks *ranks)
{
    free(ranks->rank);
    *ranks = (struct cli_ranks){ NULL, 0 };
}

/* -- Printing -------------------------------------------------------------- */

void cli_ranks_text(const struct cli_ranks *ranks)
{
    for (int r = 0; r < ranks->n; r++) {
        const struct cli_rank *rank = &ranks->rank[r];

        printf("%s%-10s%-4d %s: bound to %s, share %d CPU%s (%s), %d worker%s with %d inner thread%s\n",
               r == 0 ? "\n" : "", r == 0 ? "Ranks" : "", r, rank->host, rank->binding, rank->cpus,
               cli_plural(rank->cpus), rank->share, rank->workers, cli_plural(rank->workers), rank->inner_threads,
               cli_plural(rank->inner_threads));
    }
}

void cli_ranks_json(const struct cli_ranks *ranks, struct fw_json *json)
{
    if (ranks->n == 0)
        return;
    fw_json_array(json, "ranks");
    for (int r = 0; r < ranks->n; r++) {
        const struct cli_rank *rank = &ranks->rank[r];

        fw_json_object(json, NULL);
        fw_json_int(json, "rank", r);
        fw_json_string(json, "host", rank->host);
        fw_json_string(json, "binding", rank->binding);
        fw_json_string(json, "cpuset", rank->share);
        fw_json_int(json, "cpus", rank->cpus);
        fw_json_int(json, "workers", rank->workers);
        fw_json_int(json, "inner_threads", rank->inner_threads);
        fw_json_end(json);
    }
    fw_json_end(json);
}
