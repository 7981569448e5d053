#include "cli/script.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/message.h"

/* Before the end of a job its batch shell gets the signal: enough for tasks of a
 * minute. Slurm sends it up to a minute early. */
enum { SIGNAL_SECONDS = 120, RESTARTS_MOST = 20 };

/* -- Words --------------------------------------------------------------- */

static bool all_of(const char *text, const char *set)
{
    return text[strspn(text, set)] == '\0';
}

bool script_word(const char *text)
{
    return text[0] != '\0' && strlen(text) <= 128 &&
           all_of(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+,@%=-");
}

/* Numbers with a mark between two: at most `most`, -1 where it is something else. */
static int read_parts(const char *text, char mark, int most, long part[])
{
    int n = 0;

    for (;; text++) {
        const size_t digits = strspn(text, "0123456789");

        if (n == most || digits == 0 || digits > 6)
            return -1;
        part[n++] = strtol(text, NULL, 10);
        text += digits;
        if (*text == '\0')
            return n;
        if (*text != mark)
            return -1;
    }
}

/* minutes, minutes:seconds, hours:minutes:seconds; days-hours[:minutes[:seconds]] */
long script_minutes(const char *time)
{
    const char *dash = strchr(time, '-');
    long part[3] = { 0 }, days = 0, seconds;
    const int n = read_parts(dash != NULL ? dash + 1 : time, ':', 3, part);

    if (n < 0)
        return 0;
    if (dash != NULL) {
        char text[8] = "";

        if (dash - time < 1 || dash - time > 6)
            return 0;
        memcpy(text, time, (size_t)(dash - time));
        if (read_parts(text, ':', 1, &days) != 1)
            return 0;
    }
    if (dash != NULL || n == 3)
        seconds = 3600 * part[0] + 60 * part[1] + part[2];
    else
        seconds = 60 * part[0] + part[1];
    return 24 * 60 * days + (seconds + 59) / 60;
}

/* -- Checks -------------------------------------------------------------- */

static bool is_mpi(const struct script *s)
{
    return s->backend != NULL && strcmp(s->backend, "mpi") == 0;
}

struct script_use script_use(const struct script *s, const struct fw_plan *local)
{
    const int cpus = s->cpus_per_task;
    struct script_use use = { 1, cpus, cpus };
    int first;

    if (is_mpi(s)) /* one worker a rank, or as many as its CPUs hold inner threads */
        use.workers = s->inner > 0 && s->inner < cpus ? cpus / s->inner : 1;
    else
        use.workers = local->workers;
    use.threads = s->inner > 0 ? s->inner : fw_plan_share(cpus, use.workers, use.workers - 1, &first);
    if (s->inner > 0 || use.workers > cpus)
        use.cpus = use.workers * use.threads;
    return use;
}

FURROW_PRINTF(2, 3)
static bool refuse(char why[FURROW_MESSAGE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fw_message_format(why, format, args);
    va_end(args);
    return false;
}

static bool check_tasks(const struct script *s, const char *backend, char why[FURROW_MESSAGE])
{
    const long ranks = (long)s->nodes * s->tasks_per_node;

    if (is_mpi(s) && ranks == 1)
        return refuse(why, "mpi with one rank leaves all work to it; use --backend openmp, or more --nodes or "
                           "--tasks-per-node");
    if (!is_mpi(s) && s->nodes > 1)
        return refuse(why, "%s runs on one node, and %d more would idle; use --backend mpi, or --nodes 1", backend,
                      s->nodes - 1);
    if (!is_mpi(s) && s->tasks_per_node > 1)
        return refuse(why, "each of %d tasks would run the whole job on %s; use --backend mpi, or --tasks-per-node 1 "
                           "with --cpus-per-task %d", s->tasks_per_node, backend,
                      s->tasks_per_node * s->cpus_per_task);
    if (!is_mpi(s) && s->mpirun)
        return refuse(why, "--launcher mpirun starts ranks, and %s has none; use --backend mpi, or no --launcher",
                      backend);
    if (is_mpi(s) && s->jobs != 0)
        return refuse(why, "on mpi --jobs would count the workers of all ranks; say it with --tasks-per-node and "
                           "--inner");
    return true;
}

static bool check_node(const struct script *s, char why[FURROW_MESSAGE])
{
    const long used = (long)s->tasks_per_node * s->cpus_per_task;

    if (s->node_cpus == 0)
        return true;
    if (used > s->node_cpus)
        return refuse(why, "%d tasks of %d CPUs are %ld, and a node has %d; use fewer --tasks-per-node or "
                           "--cpus-per-task", s->tasks_per_node, s->cpus_per_task, used, s->node_cpus);
    if (s->exclusive && used < s->node_cpus)
        return refuse(why, "%d tasks of %d CPUs leave %ld of the node's %d idle, and with --exclusive nobody else "
                           "gets them; use more --cpus-per-task or --tasks-per-node, or drop --exclusive",
                      s->tasks_per_node, s->cpus_per_task, s->node_cpus - used, s->node_cpus);
    return true;
}

static bool check_workers(const struct script *s, const struct fw_plan *local, const char *backend,
                          char why[FURROW_MESSAGE])
{
    const struct script_use use = script_use(s, local);
    const int cpus = s->cpus_per_task;

    if (use.cpus > cpus)
        return refuse(why, "%d workers with %d threads each would share %d CPUs; use --cpus-per-task %d, or fewer "
                           "--jobs or --inner", use.workers, use.threads, cpus, use.cpus);
    if (use.cpus < cpus)
        return refuse(why, "%d workers with %d threads each leave %d of %d CPUs idle; use --cpus-per-task %d, or "
                           "other --jobs or --inner", use.workers, use.threads, cpus - use.cpus, cpus, use.cpus);
    if (!is_mpi(s) && local->transparent && s->inner == 0 && cpus > 1)
        return refuse(why, "%s runs one task at a time, and %d of %d CPUs idle unless the task uses threads; say so "
                           "with --inner %d, or use --backend openmp or fork", backend, cpus - 1, cpus, cpus);
    return true;
}

bool script_check(const struct script *s, const struct fw_plan *local, char why[FURROW_MESSAGE])
{
    const char *backend = is_mpi(s) ? "mpi" : local->backend->name;

    if (s->time != NULL && script_minutes(s->time) == 0)
        return refuse(why, "--time %.40s is no time limit; use minutes, hours:minutes:seconds or "
                           "days-hours:minutes:seconds", s->time);
    if (s->requeue && s->time == NULL)
        return refuse(why, "--requeue is about the time limit; say it with --time");
    if (s->requeue && script_minutes(s->time) * 60 <= SIGNAL_SECONDS + 60)
        return refuse(why, "--requeue stops the job up to %d s before its time limit, and --time %.40s is no longer; "
                           "use --time %d or more", SIGNAL_SECONDS + 60, s->time, (SIGNAL_SECONDS + 60) / 60 + 1);
    return check_tasks(s, backend, why) && check_node(s, why) && check_workers(s, local, backend, why);
}

/* -- Text ---------------------------------------------------------------- */

/* As one word of the shell, whatever is in it. */
static void quote(const char *text, FILE *out)
{
    fputc('\'', out);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

static void write_option(const char *option, const char *value, FILE *out)
{
    if (value != NULL)
        fprintf(out, "#SBATCH --%s=%s\n", option, value);
}

static void write_directives(const struct script *s, FILE *out)
{
    write_option("job-name", s->name, out);
    write_option("partition", s->partition, out);
    write_option("account", s->account, out);
    fprintf(out, "#SBATCH --nodes=%d\n#SBATCH --ntasks-per-node=%d\n#SBATCH --cpus-per-task=%d\n", s->nodes,
            s->tasks_per_node, s->cpus_per_task);
    write_option("time", s->time, out);
    if (s->exclusive)
        fputs("#SBATCH --exclusive\n", out);
    if (s->requeue)
        fprintf(out, "#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --signal=B:USR1@%d\n", SIGNAL_SECONDS);
}

static void write_program(const struct script *s, FILE *out)
{
    fputs("\nprogram=(", out);
    for (int i = 0; s->program[i] != NULL; i++) {
        fputs(i > 0 ? " " : "", out);
        quote(s->program[i], out);
    }
    fputs(")\n", out);
}

/* Of a served program furrow chooses mpi; in one that is collective the program
 * itself names it for the jobs that run there. */
static void write_settings(const struct script *s, FILE *out)
{
    fputs("\n# Slurm before 22.11 does not say when the job ends.\n"
          "if [ -z \"${SLURM_JOB_END_TIME:-}\" ]; then\n"
          "    SLURM_JOB_END_TIME=$(date -d \"$(squeue -h -j \"$SLURM_JOB_ID\" -o %e)\" +%s 2>/dev/null) || "
          "SLURM_JOB_END_TIME=\n"
          "    export SLURM_JOB_END_TIME\n"
          "fi\n", out);
    if (s->backend != NULL && !is_mpi(s))
        fprintf(out, "export FURROW_BACKEND=%s\n", s->backend);
    if (s->jobs != 0)
        fprintf(out, "export FURROW_JOBS=%d\n", s->jobs);
    if (s->inner > 0)
        fprintf(out, "export FURROW_INNER_THREADS=%d\n", s->inner);
    if (s->requeue)
        fputs("export FURROW_STOP_SIGNAL=USR1\n", out);
}

/* srun of some versions does not inherit --cpus-per-task; mpirun binds one core
 * to a rank unless it is told otherwise. */
static void write_launch(const struct script *s, FILE *out)
{
    if (s->mpirun)
        fprintf(out, "mpirun --map-by slot:PE=%d --bind-to core", s->cpus_per_task);
    else
        fprintf(out, "srun%s --cpus-per-task=%d", is_mpi(s) ? " --mpi=pmix" : "", s->cpus_per_task);
    fputs(" \"${program[@]}\"", out);
}

static void write_requeue(const struct script *s, FILE *out)
{
    fputs("\n# The signal comes to this shell alone: it is handed on, and furrow lets finish what\n"
          "# runs. A program that was stopped ends with a status other than 0.\n"
          "running= stopped=\n"
          "stop() {\n"
          "    trap '' USR1\n"
          "    stopped=yes\n"
          "    [ -z \"$running\" ] || kill -USR1 \"$running\"\n"
          "}\n"
          "trap stop USR1\n"
          "\n", out);
    write_launch(s, out);
    fprintf(out, " &\n"
            "running=$!\n"
            "status=0\n"
            "wait \"$running\" || status=$?\n"
            "if [ -n \"$stopped\" ]; then # it was the signal that ended the wait\n"
            "    status=0\n"
            "    wait \"$running\" || status=$?\n"
            "fi\n"
            "if [ -n \"$stopped\" ] && [ \"$status\" -ne 0 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt %d ]; then\n"
            "    scontrol requeue \"$SLURM_JOB_ID\"\n"
            "fi\n"
            "exit \"$status\"\n", RESTARTS_MOST);
}

void script_write(const struct script *s, FILE *out)
{
    fputs("#!/bin/bash\n# Written by \"furrow sbatch\"; submit it with sbatch.\n", out);
    write_directives(s, out);
    write_program(s, out);
    write_settings(s, out);
    if (s->requeue) {
        write_requeue(s, out);
    } else {
        fputs("\nexec ", out);
        write_launch(s, out);
        fputc('\n', out);
    }
}
