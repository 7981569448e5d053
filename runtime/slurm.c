#include "slurm.h"

#include <stdio.h>
#include <string.h>

#include "hostlist.h"
#include "message.h"

/* -- Steps --------------------------------------------------------------- */

/* Numbers from here on stand for the batch script, an interactive shell, ... */
#define RESERVED_STEPS 4000000000ull

/* Slurm's times from here on stand for "never" and "unknown". */
#define NO_END 4294967294ll

bool fw_slurm_in_step(const struct fw_site *site)
{
    const char *step = fw_site_get(site, "SLURM_STEP_ID");
    unsigned long long number;

    if (step == NULL)
        step = fw_site_get(site, "SLURM_STEPID");
    return step != NULL && fw_site_get(site, "SLURM_JOB_ID") != NULL &&
           sscanf(step, "%10llu", &number) == 1 && number < RESERVED_STEPS;
}

/* This node's place among the step's; 0 where nothing tells: lists with one
 * entry for all nodes are the rule. */
static int step_place(const struct fw_site *site)
{
    const char *nodes = fw_site_get(site, "SLURM_STEP_NODELIST");
    const int listed = nodes != NULL ? fw_hostlist_find(nodes, site->host) : FW_HOSTLIST_ABSENT;
    int place = 0;

    if (listed >= 0)
        return listed;
    (void)fw_site_number(site, "SLURM_NODEID", &place, NULL);
    return place;
}

int fw_slurm_step_tasks(const struct fw_site *site, char warning[FURROW_MESSAGE])
{
    const char *counts = fw_site_get(site, "SLURM_STEP_TASKS_PER_NODE");
    const int tasks = counts != NULL ? fw_counts_at(counts, step_place(site)) : FW_HOSTLIST_ABSENT;

    if (tasks == FW_HOSTLIST_BAD)
        fw_message_append(
            warning, "SLURM_STEP_TASKS_PER_NODE=%.60s is no list of counts and is ignored", counts);
    return tasks >= 1 ? tasks : 1;
}

/* -- Evidence ------------------------------------------------------------ */

static bool group_is_jobs(const struct fw_site *site, const char *group)
{
    char name[64];
    const char *at, *job = fw_site_get(site, "SLURM_JOB_ID");

    if (job == NULL || snprintf(name, sizeof name, "/job_%.50s", job) >= (int)sizeof name)
        return false;
    at = strstr(group, name);
    return at != NULL && (at[strlen(name)] == '\0' || at[strlen(name)] == '/');
}

static int listed_place(const struct fw_site *site, const char *name, bool *bad)
{
    const char *nodes = fw_site_get(site, name);
    const int place = nodes != NULL ? fw_hostlist_find(nodes, site->host) : FW_HOSTLIST_ABSENT;

    *bad = *bad || place == FW_HOSTLIST_BAD;
    return place;
}

/* Where this node stands in the allocation. */
struct standing {
    bool here;     /* Slurm started this process, or an ancestor, on this node */
    int place;     /* among the job's nodes; < 0: unknown */
    bool bad_list; /* a list of nodes that can't be read */
};

static struct standing stand(const struct fw_site *site, const char *group)
{
    const char *node = fw_site_get(site, "SLURMD_NODENAME");
    struct standing s = { .here = group_is_jobs(site, group) };

    if (node != NULL && fw_same_host(node, strlen(node), site->host))
        s.here = true;
    s.place = listed_place(site, "SLURM_JOB_NODELIST", &s.bad_list);
    return s;
}

bool fw_slurm_is_here(const struct fw_site *site, const char *group)
{
    const struct standing s = stand(site, group);

    return fw_site_get(site, "SLURM_JOB_ID") != NULL && (s.here || s.place >= 0);
}

/* -- The grant ----------------------------------------------------------- */

FURROW_PRINTF(2, 3)
static void say(struct fw_grant *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fw_message_format(out->detail, format, args);
    va_end(args);
}

/* A count that stands in a variable alone. */
static bool from_number(const struct fw_site *site, const char *name, struct fw_grant *out)
{
    bool nonsense = false;
    int cpus;

    if (fw_site_number(site, name, &cpus, &nonsense) && cpus >= 1) {
        out->applied = true;
        out->cpus = cpus;
        say(out, "%s=%d", name, cpus);
        return true;
    }
    out->nonsense = out->nonsense || nonsense || fw_site_get(site, name) != NULL;
    return false;
}

/* This node's entry of a compressed list. */
static bool from_list(const struct fw_site *site, int place, struct fw_grant *out)
{
    const char *name = "SLURM_JOB_CPUS_PER_NODE", *counts = fw_site_get(site, name);
    const int cpus =
        counts != NULL && place >= 0 ? fw_counts_at(counts, place) : FW_HOSTLIST_ABSENT;

    if (cpus >= 1) {
        out->applied = true;
        out->cpus = cpus;
        say(out, "%s=%.60s, node %d of the job", name, counts, place);
        return true;
    }
    out->nonsense = out->nonsense || cpus == FW_HOSTLIST_BAD;
    return false;
}

static void tell_job(const struct fw_site *site, struct fw_grant *out)
{
    const char *step = fw_slurm_in_step(site) ? fw_site_get(site, "SLURM_STEP_ID") : NULL;

    fw_message_append(out->detail, "job %.20s", fw_site_get(site, "SLURM_JOB_ID"));
    if (step != NULL)
        fw_message_append(out->detail, "step %.20s", step);
}

static void refuse_unreadable(const struct fw_site *site, struct fw_grant *out)
{
    const char *on_node = fw_site_get(site, "SLURM_CPUS_ON_NODE");
    const char *counts = fw_site_get(site, "SLURM_JOB_CPUS_PER_NODE");

    say(out,
        "SLURM_CPUS_ON_NODE=%.40s and SLURM_JOB_CPUS_PER_NODE=%.60s give no number of CPUs for "
        "this node",
        on_node != NULL ? on_node : "", counts != NULL ? counts : "");
}

/* A task that srun started has what one task was given; anything else shares
 * the node's. SLURM_CPUS_ON_NODE is of the node where Slurm started something;
 * a process that reached another node of the job by ssh looks into the list. */
static void find_cpus(const struct fw_site *site, const struct fw_launcher *launcher,
                      const struct standing *s, struct fw_grant *out)
{
    if (launcher->is_step && from_number(site, "SLURM_CPUS_PER_TASK", out))
        out->per_rank = true;
    else if (!(s->here && from_number(site, "SLURM_CPUS_ON_NODE", out)) &&
             !from_list(site, s->place, out))
        refuse_unreadable(site, out);
    if (!out->applied)
        return;
    tell_job(site, out);
    /* Slurm's default, and seldom what was meant for a program that runs in parallel. */
    if (out->cpus == 1 && launcher->local_size == 1 && fw_site_get(site, "SLURM_CPUS_PER_TASK") == NULL)
        fw_message_append(out->detail, "for more say --cpus-per-task to sbatch or salloc");
}

/* -- The end ------------------------------------------------------------- */

/* SLURM_JOB_END_TIME: Slurm 22.11 and later set it, slurm/ has what batch
 * scripts do elsewhere. What scontrol changes meanwhile is not in it. */
static void find_end(const struct fw_site *site, struct fw_grant *out)
{
    const char *value = fw_site_get(site, "SLURM_JOB_END_TIME");
    long long seconds;
    int length = 0;

    if (value == NULL)
        return;
    if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 12 ||
        sscanf(value, "%12lld%n", &seconds, &length) != 1 || seconds == 0)
        fw_message_append(out->warning,
                          "SLURM_JOB_END_TIME=%.40s is no time in seconds since 1970 and is ignored", value);
    else if (seconds < NO_END)
        out->ends = seconds;
}

void fw_slurm_grant(const struct fw_site *site, const struct fw_launcher *launcher,
                    const char *group, struct fw_grant *out)
{
    const char *job = fw_site_get(site, "SLURM_JOB_ID"), *nodes;
    struct standing s;

    if (job == NULL)
        return;
    out->system = "Slurm";
    out->source = "slurm";
    nodes = fw_site_get(site, "SLURM_JOB_NODELIST");
    s = stand(site, group);
    if (s.here || s.place >= 0) {
        out->here = true;
        find_end(site, out);
        find_cpus(site, launcher, &s, out);
        return;
    }
    out->nonsense = s.bad_list;
    if (s.bad_list)
        say(out, "SLURM_JOB_NODELIST=%.60s is no list of nodes", nodes);
    else
        say(out, "this host, %.60s, is not among the nodes of job %.20s%s%.60s", site->host, job,
            nodes != NULL ? ": " : "", nodes != NULL ? nodes : "");
}
