/* Batch scripts: what is refused and why, and that no word of the user's is
 * anything but a word. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "backends/registry.h"
#include "cli/script.h"
#include "runtime/survey.h"

static char *const simple[] = { "./a.out", NULL };

/* -- Time limits --------------------------------------------------------- */

static const struct {
    const char *time;
    long minutes;
} times[] = {
    { "1", 1 },          { "90", 90 },          { "1:30", 2 },        { "0:20", 1 },    { "2:00:00", 120 },
    { "1-0", 1440 },     { "1-12", 2160 },      { "1-12:30", 2190 },  { "0-0:0:1", 1 }, { "7-00:00:00", 10080 },
    { "", 0 },           { "0", 0 },            { "1h", 0 },          { "1:2:3:4", 0 }, { "-1", 0 },
    { "1-", 0 },         { "1::2", 0 },         { "1-2-3", 0 },       { " 1", 0 },      { "1\n#SBATCH --x", 0 },
    { "99999999999", 0 }, { "9999999-1", 0 },   { "UNLIMITED", 0 },
};

Test(script, time_limits)
{
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        cr_expect_eq(script_minutes(times[i].time), times[i].minutes, "\"%s\": %ld", times[i].time,
                     script_minutes(times[i].time));
}

/* -- Checks -------------------------------------------------------------- */

/* A number of 0 in a table stands for 1. */
static struct script whole(struct script s)
{
    s.nodes += s.nodes == 0;
    s.tasks_per_node += s.tasks_per_node == 0;
    s.cpus_per_task += s.cpus_per_task == 0;
    s.program = s.program != NULL ? s.program : simple;
    return s;
}

/* `refused`: part of the reason; NULL: good. */
static const struct {
    struct script script;
    const char *refused;
} rows[] = {
    { { .nodes = 1 }, NULL },
    { { .backend = "openmp" }, NULL },
    { { .cpus_per_task = 8 }, NULL },
    { { .cpus_per_task = 8, .backend = "fork", .time = "1:00:00" }, NULL },
    { { .cpus_per_task = 8, .jobs = 8 }, NULL },
    { { .cpus_per_task = 8, .jobs = 3 }, NULL }, /* leases of 3, 3 and 2 */
    { { .cpus_per_task = 8, .jobs = 2, .inner = 4 }, NULL },
    { { .cpus_per_task = 8, .inner = 2 }, NULL },
    { { .cpus_per_task = 8, .backend = "sequential", .inner = 8 }, NULL },
    { { .nodes = 2, .backend = "mpi" }, NULL },
    { { .tasks_per_node = 4, .cpus_per_task = 2, .backend = "mpi", .mpirun = true, .node_cpus = 8, .exclusive = true }, NULL },
    { { .nodes = 2, .cpus_per_task = 8, .backend = "mpi", .inner = 4 }, NULL },
    { { .requeue = true, .time = "4" }, NULL },

    { { .cpus_per_task = 2, .jobs = 3 }, "3 workers with 1 threads each would share 2 CPUs" },
    { { .cpus_per_task = 8, .jobs = 4, .inner = 4 }, "would share 8 CPUs; use --cpus-per-task 16" },
    { { .cpus_per_task = 8, .inner = 3 }, "leave 2 of 8 CPUs idle; use --cpus-per-task 6" },
    { { .cpus_per_task = 8, .jobs = 1, .inner = 2 }, "leave 6 of 8 CPUs idle" },
    { { .cpus_per_task = 8, .jobs = -2, .inner = 2 }, "leave 2 of 8 CPUs idle" },
    { { .cpus_per_task = 8, .backend = "mpi", .nodes = 2, .inner = 3 }, "leave 2 of 8 CPUs idle" },
    { { .cpus_per_task = 4, .backend = "mpi", .nodes = 2, .inner = 8 }, "would share 4 CPUs" },
    { { .cpus_per_task = 8, .backend = "sequential" }, "7 of 8 CPUs idle" },
    { { .nodes = 2, .backend = "openmp" }, "openmp runs on one node, and 1 more would idle" },
    { { .nodes = 3, .backend = "fork" }, "fork runs on one node, and 2 more would idle" },
    { { .tasks_per_node = 4, .cpus_per_task = 2, .backend = "fork" }, "--cpus-per-task 8" },
    { { .backend = "mpi" }, "mpi with one rank" },
    { { .nodes = 2, .backend = "mpi", .jobs = 4 }, "--jobs would count the workers of all ranks" },
    { { .backend = "openmp", .mpirun = true }, "--launcher mpirun starts ranks" },
    { { .cpus_per_task = 8, .node_cpus = 4 }, "a node has 4" },
    { { .tasks_per_node = 3, .cpus_per_task = 2, .backend = "mpi", .node_cpus = 4 }, "are 6, and a node has 4" },
    { { .cpus_per_task = 2, .node_cpus = 8, .exclusive = true }, "leave 6 of the node's 8 idle" },
    { { .time = "1x" }, "1x is no time limit" },
    { { .requeue = true }, "say it with --time" },
    { { .requeue = true, .time = "3" }, "use --time 4 or more" },
};

/* As furrow sbatch does it. */
static void plan(const struct script *s, struct fw_plan *out)
{
    static struct fw_survey survey;
    furrow_config config = FURROW_CONFIG_DEFAULT;

    if (s->backend != NULL && strcmp(s->backend, "mpi") != 0)
        config.backend = s->backend;
    if (s->jobs != 0)
        config.jobs = s->jobs;
    config.inner_threads = s->inner;
    survey.in = (struct fw_plan_in){ .cpus = s->cpus_per_task, .thread_levels = 1, .count = SIZE_MAX };
    fw_survey_backends(&survey, &config);
    fw_plan_make(&survey.in, out);
    cr_assert_eq(out->status, FURROW_OK, "%s", out->message);
}

Test(script, what_wastes_or_shares_cpus_is_refused)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char why[FURROW_MESSAGE] = "";
        struct script script;
        struct fw_plan planned;
        bool good;

        script = whole(rows[i].script);
        plan(&script, &planned);
        good = script_check(&script, &planned, why);
        cr_expect_eq(good, rows[i].refused == NULL, "row %zu: %s", i, why);
        if (rows[i].refused != NULL)
            cr_expect_not_null(strstr(why, rows[i].refused), "row %zu: %s", i, why);
    }
}

/* -- Text ---------------------------------------------------------------- */

static const struct {
    const char *text;
    bool word;
} words[] = {
    { "debug", true },  { "gpu-a100_x", true },     { "1:00:00", true },       { "a,b", true },       { "", false },
    { "a b", false },   { "x\n#SBATCH -w n1", false }, { "$(id)", false },     { "`id`", false },     { "a;b", false },
    { "'", false },     { "\"", false },            { "\\", false },           { "#", false },        { "\xc3\xa9", false },
};

Test(script, words_of_directives)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        cr_expect_eq(script_word(words[i].text), words[i].word, "\"%s\"", words[i].text);
}

/* Arguments that a shell would make something of. */
static char *const hostile[] = {
    "./a program", "", " ", "a b", "it's", "''", "\"", "$(touch BROKEN)", "`touch BROKEN`", "$HOME", "${program[@]}", ";touch BROKEN",
    "&&", "|", "> BROKEN", "*", "?", "[a-z]", "~", "!!", "\\", "\\'", "'\\''", "a\nb", "#SBATCH --nodes=9", "\n#SBATCH --nodes=9\n", "\t",
    "-n", "--", "){", "(", ")", "$'x'", "\xff\xfe", "\xc3\xa9", "%s%n", "{a,b}", "x=y", NULL
};

/* The script runs with commands of Slurm that print what they are given: after
 * the options of the launcher come the words, each as it was. */
static void check_words(const struct script *asked, const char *options)
{
    const struct script whole_one = whole(*asked), *script = &whole_one;
    char folder[] = "/tmp/furrow-script-XXXXXX", path[64], command[512], got[4096], want[4096];
    size_t nwant = 0, ngot;
    FILE *file;

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/job", folder);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    script_write(script, file);
    cr_assert_eq(fclose(file), 0);
    (void)snprintf(command, sizeof command,
                   "cd %s && printf '#!/bin/sh\\nprintf \"%%%%s\\\\\\\\0\" \"$@\"\\n' > srun && chmod +x srun && cp srun mpirun && "
                   "SLURM_JOB_END_TIME=1 PATH=$PWD:$PATH bash -eu job; test ! -e BROKEN || echo BROKEN; rm -r %s",
                   folder, folder);
    file = popen(command, "r");
    cr_assert_not_null(file);
    ngot = fread(got, 1, sizeof got, file);
    cr_expect_eq(pclose(file), 0);
    for (const char *at = options; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
        nwant += (size_t)snprintf(want + nwant, sizeof want - nwant, "%.*s", (int)strcspn(at, " "), at) + 1;
    for (int i = 0; script->program[i] != NULL; i++)
        nwant += (size_t)snprintf(want + nwant, sizeof want - nwant, "%s", script->program[i]) + 1;
    cr_expect_eq(ngot, nwant, "%zu bytes, not %zu: %s", ngot, nwant, got);
    cr_expect(ngot == nwant && memcmp(got, want, nwant) == 0, "%.*s", (int)ngot, got);
}

Test(script, words_reach_the_program_as_they_are)
{
    const struct script local = { .program = hostile },
                        srun = { .nodes = 2, .backend = "mpi", .program = hostile },
                        mpirun = { .nodes = 2, .cpus_per_task = 3, .backend = "mpi", .mpirun = true, .program = hostile },
                        requeue = { .requeue = true, .time = "10", .program = hostile };

    check_words(&local, "--cpus-per-task=1");
    check_words(&srun, "--mpi=pmix --cpus-per-task=1");
    check_words(&mpirun, "--map-by slot:PE=3 --bind-to core");
    check_words(&requeue, "--cpus-per-task=1");
}

/* No line but those that furrow wrote is a directive: sbatch reads them until
 * the first command. */
Test(script, no_argument_is_a_directive)
{
    const struct script script = whole((struct script){ .program = hostile });
    char text[8192], *at, *program;
    FILE *file = fmemopen(text, sizeof text, "w");

    cr_assert_not_null(file);
    script_write(&script, file);
    cr_assert_eq(fclose(file), 0);
    program = strstr(text, "\nprogram=(");
    cr_assert_not_null(program);
    *program = '\0';
    cr_expect_null(strstr(text, "nodes=9"));
    for (at = strstr(text, "#SBATCH"); at != NULL; at = strstr(at + 1, "#SBATCH"))
        cr_expect_eq(at[-1], '\n');
}
