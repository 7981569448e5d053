/* A user's program in a batch job: it keeps its results in a file and leaves out
 * what is there when it starts, so that it can be stopped and run again.
 *
 *   probe [--tasks N] [--ms T] [--results FILE] [WORD...]
 *
 * Task i gives 7 i + 1. --ms: each task takes so long, in the first run of the job
 * alone. Prints one line of what it saw, with the words. Exit status: 0; 75 where
 * it was stopped and should run again; 1 after a failure, told on standard error.
 *
 * With PROBE_MPI the ranks of an MPI job serve it. */
#include <furrow/furrow.h>
#ifdef PROBE_MPI
#include <furrow/mpi.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TASKS_MOST = 100000, PLACES_MOST = 64, AGAIN = 75 };

static int tasks = 100;
static double ms;
static const char *results;
static char done[TASKS_MOST];

/* What a task tells of where it ran. */
struct answer {
    long value;
    int cpus;
    long process;
    char host[32];
};

static int work(furrow_task *task)
{
    const int *index = task->in;
    const double *duration = task->shared;
    struct answer *answer = task->out;
    struct timespec pause = { (time_t)(*duration / 1e3), (long)(1e6 * *duration) % 1000000000L };

    while (nanosleep(&pause, &pause) != 0)
        ; /* a signal came */
    *answer = (struct answer){ .value = 7L * *index + 1, .cpus = task->cpus, .process = (long)getpid() };
    (void)gethostname(answer->host, sizeof answer->host - 1);
    return 0;
}

/* -- Results ------------------------------------------------------------- */

static void read_results(void)
{
    FILE *file = results != NULL ? fopen(results, "r") : NULL;
    long value;
    int index;

    while (file != NULL && fscanf(file, "%d %ld\n", &index, &value) == 2)
        if (index >= 0 && index < tasks && value == 7L * index + 1)
            done[index] = 1;
    if (file != NULL)
        fclose(file);
}

/* Processes that ran tasks, by host. */
static struct {
    long process;
    char host[32];
} places[PLACES_MOST];
static int nplaces, least_cpus, most_cpus;
static FILE *to;
static const int *indices; /* of the tasks of this run */

static void note_place(const struct answer *answer)
{
    int p = 0;

    while (p < nplaces && (places[p].process != answer->process || strcmp(places[p].host, answer->host) != 0))
        p++;
    if (p == nplaces && p < PLACES_MOST) {
        places[p].process = answer->process;
        memcpy(places[p].host, answer->host, sizeof places[p].host);
        nplaces++;
    }
    least_cpus = least_cpus == 0 || answer->cpus < least_cpus ? answer->cpus : least_cpus;
    most_cpus = answer->cpus > most_cpus ? answer->cpus : most_cpus;
}

static int keep(const furrow_result *result, void *user)
{
    const struct answer *answer = result->out;

    (void)user;
    if (result->outcome != FURROW_DONE)
        return 0;
    note_place(answer);
    if (to != NULL && (fprintf(to, "%d %ld\n", indices[result->index], answer->value) < 0 || fflush(to) != 0))
        return 1;
    return 0;
}

/* -- The run ------------------------------------------------------------- */

static int compare_hosts(const void *a, const void *b)
{
    return strcmp((const char *)a, (const char *)b);
}

/* "n1:2,n2:2": processes that ran tasks on each host. */
static void print_places(void)
{
    char hosts[PLACES_MOST][32];

    for (int p = 0; p < nplaces; p++)
        memcpy(hosts[p], places[p].host, sizeof hosts[p]);
    qsort(hosts, (size_t)nplaces, sizeof hosts[0], compare_hosts);
    for (int p = 0, same; p < nplaces; p += same) {
        for (same = 1; p + same < nplaces && strcmp(hosts[p], hosts[p + same]) == 0; same++)
            ;
        printf("%s%s:%d", p > 0 ? "," : "", hosts[p], same);
    }
}

static int run(char **words, int nwords)
{
    static int left[TASKS_MOST];
    struct answer out[1]; /* on_result alone takes them */
    furrow_job job = { .name = "probe", .run = work, .in = left, .in_size = sizeof left[0], .out_size = sizeof out[0],
                       .shared = &ms, .shared_size = sizeof ms, .on_result = keep };
    furrow_report report;
    furrow_status status;

    for (int i = 0; i < tasks; i++)
        if (!done[i])
            left[job.count++] = i;
    indices = left;
    to = results != NULL ? fopen(results, "a") : NULL;
    status = furrow_map(&job, NULL, &report);
    if (to != NULL && fclose(to) != 0)
        return 1;
    printf("probe: %s; %d cpus, backend %s, %d workers, task cpus %d-%d, places ", furrow_strerror(status),
           furrow_cpu_count(0), report.backend, report.workers, least_cpus, most_cpus);
    print_places();
    printf(", %llu of %zu tasks; words", (unsigned long long)report.done, job.count);
    for (int w = 0; w < nwords; w++)
        printf(" <%s>", words[w]);
    putchar('\n');
    if (status != FURROW_OK)
        fprintf(stderr, "probe: %s\n", report.message);
    return status == FURROW_OK ? 0 : status == FURROW_ECANCELLED ? AGAIN : 1;
}

int main(int argc, char **argv)
{
    int a = 1, status;

#ifdef PROBE_MPI
    if (furrow_mpi_init(&argc, &argv) != FURROW_OK || furrow_mpi_serve() != FURROW_OK) {
        fprintf(stderr, "probe: %s\n", furrow_message());
        return 1;
    }
#endif
    for (; a + 1 < argc && strncmp(argv[a], "--", 2) == 0; a += 2) {
        if (strcmp(argv[a], "--tasks") == 0)
            tasks = atoi(argv[a + 1]);
        else if (strcmp(argv[a], "--ms") == 0)
            ms = getenv("SLURM_RESTART_COUNT") == NULL ? atof(argv[a + 1]) : 0;
        else
            results = argv[a + 1];
    }
    if (tasks > TASKS_MOST)
        return 2;
    read_results();
    status = run(argv + a, argc - a);
#ifdef PROBE_MPI
    if (furrow_mpi_finalize() != FURROW_OK)
        return 1;
#endif
    return status;
}
