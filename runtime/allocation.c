#include "allocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "slurm.h"

enum { FILE_MOST = 4 << 20 }; /* bytes read of a file of hosts */

/* -- Files of hosts ------------------------------------------------------ */

/* Next word of a line at *at; its length, 0: the line is over. */
static size_t next_word(const char **at, const char **word)
{
    size_t length;

    *at += strspn(*at, " \t\r");
    *word = *at;
    length = strcspn(*at, " \t\r\n");
    *at += length;
    return length;
}

/* Lines "host ..." of this host: how many, and the sum of the numbers behind
 * the name where there are some. */
static int count_lines(const char *text, const char *host, int *sum)
{
    int lines = 0;

    *sum = 0;
    while (*text != '\0') {
        const char *word;
        const size_t length = next_word(&text, &word);

        if (length > 0 && fw_same_host(word, length, host)) {
            int number = -1;

            lines += lines < 1000000;
            if (next_word(&text, &word) > 0)
                number = fw_read_number(&word);
            if (number > 0 && *sum < 1000000)
                *sum += number;
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return lines;
}

/* The same of the file that a variable names; -1: it can't be read. */
static int count_file(const struct fw_site *site, const char *variable, int *sum)
{
    const char *path = fw_site_get(site, variable);
    char *text = path != NULL ? fw_site_file(site, path, FILE_MOST) : NULL;
    const int lines = text != NULL ? count_lines(text, site->host, sum) : -1;

    free(text);
    return lines;
}

FURROW_PRINTF(2, 3)
static void say(struct fw_grant *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fw_message_format(out->detail, format, args);
    va_end(args);
}

static void grant(struct fw_grant *out, int cpus)
{
    out->applied = true;
    out->cpus = cpus;
}

static bool set(const struct fw_site *site, const char *name)
{
    return fw_site_get(site, name) != NULL;
}

/* -- PBS ----------------------------------------------------------------- */

/* PBS_NODEFILE has a line per core (Torque) or per MPI process (PBS Pro, which
 * puts the CPUs of a chunk into NCPUS): the larger of the two. The file is on
 * the job's first host, so elsewhere nothing is evidence. */
static void pbs_grant(const struct fw_site *site, struct fw_grant *out)
{
    const char *job = fw_site_get(site, "PBS_JOBID");
    int ncpus = 0, sum, lines = count_file(site, "PBS_NODEFILE", &sum);

    (void)fw_site_number(site, "NCPUS", &ncpus, &out->nonsense);
    if (lines < 0)
        say(out, "PBS_NODEFILE of job %.40s can't be read on this host", job);
    else if (lines == 0)
        say(out, "this host, %.60s, is not in PBS_NODEFILE of job %.40s", site->host, job);
    else
        grant(out, ncpus > lines ? ncpus : lines);
    if (out->applied && ncpus > lines)
        say(out, "NCPUS=%d; job %.40s", ncpus, job);
    else if (out->applied)
        say(out, "%d lines of this host in PBS_NODEFILE; job %.40s", lines, job);
}

/* -- LSF ----------------------------------------------------------------- */

/* LSB_MCPU_HOSTS: "hostA 4 hostB 2". -1: no such list; 0: not this host. */
static int lsf_slots(const char *list, const char *host)
{
    int slots = 0;

    while (list[strspn(list, " \t")] != '\0') {
        const char *word, *digits;
        const size_t length = next_word(&list, &word), second = next_word(&list, &digits);
        const char *end = digits;
        const int number = second > 0 ? fw_read_number(&end) : -1;

        if (number < 1 || end != digits + second)
            return -1;
        if (fw_same_host(word, length, host) && slots < 1000000)
            slots += number;
        list += *list == '\n';
    }
    return slots;
}

static void lsf_grant(const struct fw_site *site, struct fw_grant *out)
{
    const char *job = fw_site_get(site, "LSB_JOBID"), *list = fw_site_get(site, "LSB_MCPU_HOSTS");
    const int slots = list != NULL ? lsf_slots(list, site->host) : 0;

    out->nonsense = slots < 0;
    if (slots < 0)
        say(out, "LSB_MCPU_HOSTS=%.60s is no list of hosts and slots", list);
    else if (slots == 0)
        say(out, "this host, %.60s, is not in LSB_MCPU_HOSTS of job %.40s", site->host, job);
    else if (set(site, "LSB_AFFINITY_HOSTFILE"))
        say(out,
            "LSF binds each of the %d slots to CPUs of its own (LSB_AFFINITY_HOSTFILE): the "
            "affinity tells",
            slots);
    else
        grant(out, slots);
    if (out->applied)
        say(out, "%d slots of this host in LSB_MCPU_HOSTS; job %.40s", slots, job);
}

/* -- SGE ----------------------------------------------------------------- */

/* PE_HOSTFILE: "host slots queue processors". A job without parallel
 * environment has no such file and one slot; its spool directory is on its
 * host. */
static void sge_grant(const struct fw_site *site, struct fw_grant *out)
{
    const char *job = fw_site_get(site, "JOB_ID"), *spool = fw_site_get(site, "SGE_JOB_SPOOL_DIR");
    char environment[4096];
    int slots = 0;
    const int lines = count_file(site, "PE_HOSTFILE", &slots);

    if (lines > 0 && slots > 0) {
        grant(out, slots);
        say(out, "%d slots of this host in PE_HOSTFILE; job %.40s", slots, job);
    } else if (lines >= 0) {
        say(out, "this host, %.60s, has no slots in PE_HOSTFILE of job %.40s", site->host, job);
    } else if (!set(site, "PE_HOSTFILE") && spool != NULL &&
               snprintf(environment, sizeof environment, "%s/environment", spool) <
                   (int)sizeof environment) {
        char *there = fw_site_file(site, environment, 1);

        if (there != NULL && fw_site_number(site, "NSLOTS", &slots, &out->nonsense) && slots >= 1) {
            grant(out, slots);
            say(out, "NSLOTS=%d; job %.40s", slots, job);
        } else {
            say(out, "nothing in SGE_JOB_SPOOL_DIR shows that job %.40s is on this host", job);
        }
        free(there);
    } else {
        say(out, "nothing shows that job %.40s is on this host (no PE_HOSTFILE)", job);
    }
}

/* -- All ----------------------------------------------------------------- */

void fw_grant_find(const struct fw_site *site, const struct fw_launcher *launcher,
                   const char *group, struct fw_grant *out)
{
    *out = (struct fw_grant){ .system = NULL };
    fw_slurm_grant(site, launcher, group, out);
    if (out->system != NULL)
        return;
    if (set(site, "PBS_JOBID")) {
        out->system = "PBS";
        out->source = "pbs";
        pbs_grant(site, out);
    } else if (set(site, "LSB_JOBID")) {
        out->system = "LSF";
        out->source = "lsf";
        lsf_grant(site, out);
    } else if (set(site, "JOB_ID") && (set(site, "SGE_ROOT") || set(site, "NSLOTS"))) {
        out->system = "SGE";
        out->source = "sge";
        sge_grant(site, out);
    }
    out->here = out->applied;
}

/* -- What runs the process ----------------------------------------------- */

static const struct {
    const char *name, *words;
} launches[FW_LAUNCHES] = {
    [FW_LAUNCH_ALONE] = { "alone", "a plain process outside any allocation" },
    [FW_LAUNCH_STEP] = { "step", "a task of a step that srun started" },
    [FW_LAUNCH_WITHIN] = { "launched-within", "a rank of a launcher inside an allocation" },
    [FW_LAUNCH_LAUNCHED] = { "launched", "a rank of a launcher outside any allocation" },
    [FW_LAUNCH_SCRIPT] = { "script", "a plain process inside an allocation" },
    [FW_LAUNCH_OUTSIDE] = { "outside", "a process on a host that its allocation does not have" },
};

enum fw_launch fw_launch_of(const struct fw_launcher *launcher, const struct fw_grant *grant)
{
    if (launcher->is_step)
        return FW_LAUNCH_STEP;
    if (launcher->name != NULL)
        return grant->here ? FW_LAUNCH_WITHIN : FW_LAUNCH_LAUNCHED;
    if (grant->system != NULL)
        return grant->here ? FW_LAUNCH_SCRIPT : FW_LAUNCH_OUTSIDE;
    return FW_LAUNCH_ALONE;
}

const char *fw_launch_name(enum fw_launch launch)
{
    return launches[launch].name;
}

const char *fw_launch_words(enum fw_launch launch)
{
    return launches[launch].words;
}
