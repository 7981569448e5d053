/* memory collective|served: requests for memory of a job on mpi are refused on
 * one rank after the other: the n-th one, and all from the n-th on, for n = 1, 2,
 * 3, ... until there are no more.
 *
 * No rank waits for another that has no memory. All ranks return the same status
 * with a sentence that speaks of memory, or the job went well; what is DONE has
 * its output, nothing is still held, and the next job works. Exit status 0 when
 * all of that held. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "ranks.h"
#include "runtime/memory.h"

enum { COUNT = 12, RANKS = 16, DEADLINE = 30, NEVER = 0 };

/* Shared by all ranks and their forked workers, also of hosts that are made on
 * one machine. */
static struct seam {
    atomic_uint asked[RANKS]; /* requests since the last job began */
    atomic_uint nth, victim;  /* the n-th request of this rank is refused */
    atomic_uint onwards;      /* and all behind it */
    atomic_uint refused;
    atomic_uint met;          /* how often a rank came to meet() */
    int status[RANKS];        /* that furrow_map() returned */
} * seam;

static bool refuse(size_t size)
{
    const unsigned n = atomic_fetch_add(&seam->asked[rank], 1) + 1, nth = atomic_load(&seam->nth);

    (void)size;
    if (nth == NEVER || (unsigned)rank != atomic_load(&seam->victim) || n < nth)
        return false;
    if (n > nth && atomic_load(&seam->onwards) == 0)
        return false;
    atomic_store(&seam->refused, 1);
    return true;
}

static void make_seam(void)
{
    char name[] = "/tmp/furrow-seam-XXXXXX";
    int descriptor = rank == 0 ? mkstemp(name) : -1;

    if (rank == 0 && (descriptor < 0 || ftruncate(descriptor, sizeof *seam) != 0))
        exit(2);
    MPI_Bcast(name, sizeof name, MPI_CHAR, 0, MPI_COMM_WORLD);
    if (rank > 0)
        descriptor = open(name, O_RDWR);
    seam = mmap(NULL, sizeof *seam, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor < 0 || seam == MAP_FAILED)
        exit(2);
    close(descriptor);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(name);
    fw_memory_refuse = refuse;
}

/* -- Saying what is wrong ------------------------------------------------- */

static const char *kind_name = "";

static void say(const char *what)
{
    char line[200];
    const int n = snprintf(line, sizeof line, "FAIL rank %d, %s, request %u%s of rank %u refused: %s\n", rank, kind_name,
                           atomic_load(&seam->nth), atomic_load(&seam->onwards) ? " and all behind it" : "",
                           atomic_load(&seam->victim), what);

    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(4);
}

static void too_late(int signal)
{
    (void)signal;
    say("a rank waits");
    _exit(3);
}

static void expect(bool holds, const char *format, ...) FURROW_PRINTF(2, 3);

static void expect(bool holds, const char *format, ...)
{
    char what[600];
    va_list args;

    if (holds)
        return;
    wrong++;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    say(what);
}

/* -- Tasks and callbacks -------------------------------------------------- */

static uint64_t answer(size_t index)
{
    return index * 7 + 1;
}

/* So long that each rank gets some. */
static int work(furrow_task *task)
{
    const uint64_t *in = task->in;

    spend(0.0001);
    *(uint64_t *)task->out = answer(in != NULL ? (size_t)*in : task->index);
    return 0;
}

static int reply(furrow_task *task)
{
    char bytes[1000] = { 0 };

    work(task);
    return furrow_task_reply(task, bytes, 500 + task->index);
}

static int make(void *in, void *user)
{
    uint64_t *made = user;

    *(uint64_t *)in = *made;
    return (*made)++ < COUNT ? FURROW_NEXT_ONE : FURROW_NEXT_END;
}

static int take(const furrow_result *result, void *user)
{
    (void)user;
    expect(result->outcome != FURROW_DONE || result->out_size == 8 || result->out_size == 500 + result->index,
           "result %zu has %zu bytes", result->index, result->out_size);
    return 0;
}

static int fold(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)shared;
    *(uint64_t *)acc += end - begin;
    return 0;
}

static void join(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(uint64_t *)acc += *(const uint64_t *)later;
}

/* -- Kinds of jobs -------------------------------------------------------- */

/* Outputs and outcomes of a job that is over; `mine`: this rank has them. */
static void look(furrow_status status, const uint64_t *out, const unsigned char *outcome, bool mine)
{
    for (size_t i = 0; i < COUNT; i++) {
        expect(outcome[i] != FURROW_PENDING, "outcome %zu is pending", i);
        if (mine)
            expect(outcome[i] != FURROW_DONE || out[i] == answer(i), "output %zu of a done task is missing", i);
        expect(status != FURROW_OK || outcome[i] == FURROW_DONE, "task %zu of a successful job is not done", i);
    }
}

static furrow_status run_job(furrow_job job, furrow_report *report)
{
    static uint64_t in[COUNT];
    uint64_t out[COUNT] = { 0 };
    unsigned char outcome[COUNT];
    const furrow_config config = on_mpi();
    furrow_status status;

    for (size_t i = 0; i < COUNT; i++)
        in[i] = i;
    memset(outcome, FURROW_PENDING, sizeof outcome);
    job.count = COUNT;
    job.in = job.next == NULL ? in : NULL;
    job.in_size = sizeof *in;
    job.out = out;
    job.out_size = sizeof *out;
    job.outcome = outcome;
    status = furrow_map(&job, &config, report);
    look(status, out, outcome, rank == 0 || job.everywhere);
    return status;
}

static furrow_status plain(furrow_report *report)
{
    return run_job((furrow_job){ .run = work }, report);
}

static furrow_status everywhere(furrow_report *report)
{
    return run_job((furrow_job){ .run = work, .everywhere = true }, report);
}

static furrow_status costly(furrow_report *report)
{
    float cost[COUNT];

    for (int i = 0; i < COUNT; i++)
        cost[i] = i % 9 == 0 ? 50 : 1;
    return run_job((furrow_job){ .run = work, .cost = cost }, report);
}

static furrow_status isolated(furrow_report *report)
{
    return run_job((furrow_job){ .run = work, .isolate = true }, report);
}

static furrow_status with_results(furrow_report *report)
{
    return run_job((furrow_job){ .run = work, .on_result = take, .ordered = true }, report);
}

static furrow_status streamed(furrow_report *report)
{
    uint64_t made = 0;

    return run_job((furrow_job){ .run = work, .next = make, .user = &made }, report);
}

static furrow_status replies(furrow_report *report)
{
    return run_job((furrow_job){ .run = reply, .on_result = take }, report);
}

static furrow_status isolated_replies(furrow_report *report)
{
    return run_job((furrow_job){ .run = reply, .on_result = take, .isolate = true }, report);
}

enum { LARGE = 2, LARGE_BYTES = (2 << 20) + 4096 }; /* letters of several messages */

static int copy_ends(furrow_task *task)
{
    const char *in = task->in;
    char *out = task->out;

    memset(out, 0, LARGE_BYTES);
    out[0] = in[0];
    out[LARGE_BYTES - 1] = in[LARGE_BYTES - 1];
    return 0;
}

static int note(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

static furrow_status run_large(bool calls, furrow_report *report)
{
    static char in[LARGE][LARGE_BYTES], out[LARGE][LARGE_BYTES];
    unsigned char outcome[LARGE] = { FURROW_PENDING };
    const furrow_config config = on_mpi();
    furrow_job job = { .run = copy_ends, .count = LARGE, .in_size = LARGE_BYTES, .out_size = LARGE_BYTES,
                       .in = in, .out = out, .outcome = outcome, .on_result = calls ? note : NULL };
    furrow_status status;

    for (int i = 0; i < LARGE; i++) {
        in[i][0] = in[i][LARGE_BYTES - 1] = (char)(i + 1);
        out[i][0] = out[i][LARGE_BYTES - 1] = 0;
    }
    status = furrow_map(&job, &config, report);
    for (int i = 0; i < LARGE; i++) {
        expect(outcome[i] != FURROW_PENDING, "outcome %d is pending", i);
        expect(rank > 0 || outcome[i] != FURROW_DONE || (out[i][0] == i + 1 && out[i][LARGE_BYTES - 1] == i + 1),
               "output %d of a done task is missing", i);
    }
    return status;
}

static furrow_status large(furrow_report *report)
{
    return run_large(false, report);
}

static furrow_status large_results(furrow_report *report)
{
    return run_large(true, report);
}

static furrow_status reduced(furrow_report *report)
{
    const furrow_config config = on_mpi();
    uint64_t result = 0;
    furrow_reduction reduction = { .count = 1000,
                                   .fold = fold,
                                   .combine = join,
                                   .result = &result,
                                   .size = sizeof result,
                                   .grain = 10 };
    furrow_status status = furrow_reduce(&reduction, &config, report);

    expect(result == (status == FURROW_OK ? 1000 : 0), "the result is %llu", (unsigned long long)result);
    return status;
}

static const struct {
    const char *name;
    furrow_status (*run)(furrow_report *report);
} kinds[] = {
    { "a plain job", plain },
    { "a job with outputs everywhere", everywhere },
    { "a job with costs", costly },
    { "an isolated job", isolated },
    { "a job with on_result", with_results },
    { "a streamed job", streamed },
    { "a job with replies", replies },
    { "an isolated job with replies", isolated_replies },
    { "large tasks", large },
    { "large tasks with on_result", large_results },
    { "a reduction", reduced },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* -- One refusal ---------------------------------------------------------- */

static bool serves;

/* All ranks, where they have a program of their own. Not through MPI, which takes
 * long between hosts. */
static void meet(void)
{
    static unsigned turns;

    if (serves)
        return;
    turns += (unsigned)ranks;
    atomic_fetch_add(&seam->met, 1);
    while (atomic_load(&seam->met) < turns)
        spend(20e-6);
}

static void refuse_from_now(int victim, unsigned nth, bool onwards)
{
    meet();
    if (rank == 0) {
        for (int r = 0; r < RANKS; r++)
            atomic_store(&seam->asked[r], 0);
        atomic_store(&seam->refused, 0);
        atomic_store(&seam->victim, (unsigned)victim);
        atomic_store(&seam->onwards, onwards);
        atomic_store(&seam->nth, nth);
        alarm(DEADLINE);
    }
    meet();
}

static void check_same(furrow_status status)
{
    seam->status[rank] = (int)status;
    meet();
    for (int r = 0; r < ranks && !serves; r++)
        expect(seam->status[r] == (int)status, "\"%s\" on this rank, and \"%s\" on rank %d", furrow_strerror(status),
               furrow_strerror((furrow_status)seam->status[r]), r);
}

static void check_refused(furrow_status status, const furrow_report *report)
{
    bool says = strstr(report->message, "memory") != NULL;

    for (int i = 0; i < report->failures; i++) /* a task that had none */
        says |= strstr(report->failure[i].message, "memory") != NULL;
    expect(status == FURROW_OK || status == FURROW_ENOMEM || status == FURROW_ETASK, "\"%s\" (%s)",
           furrow_strerror(status), report->message);
    expect(status == FURROW_OK || says, "\"%s\" says \"%s\"", furrow_strerror(status), report->message);
}

/* True when there was such a request. */
static bool refuse_one(int kind, int victim, unsigned nth, bool onwards)
{
    const long held = fw_memory_held();
    furrow_report report;
    furrow_status status;
    bool refused;

    refuse_from_now(victim, nth, onwards);
    status = kinds[kind].run(&report);
    meet();
    refused = atomic_load(&seam->refused) != 0;
    if (refused)
        check_refused(status, &report);
    else
        expect(status == FURROW_OK, "\"%s\" (%s)", furrow_strerror(status), report.message);
    check_same(status);
    expect(fw_memory_held() == held, "%ld requests are not given back", fw_memory_held() - held);
    refuse_from_now(0, NEVER, false);
    status = kinds[kind].run(&report);
    expect(status == FURROW_OK, "the next job: \"%s\" (%s)", furrow_strerror(status), report.message);
    expect(fw_memory_held() == held, "%ld requests are held after the next job", fw_memory_held() - held);
    return refused;
}

/* How many requests a job makes varies a little from run to run. */
static unsigned refuse_each(int kind, int victim, bool onwards)
{
    unsigned nth = 1, missed = 0;

    while (missed < 2) {
        missed = refuse_one(kind, victim, nth, onwards) ? 0 : missed + 1;
        nth++;
    }
    return nth - 3;
}

static void try_kind(int kind)
{
    furrow_report report;
    unsigned single = 0, all = 0;

    kind_name = kinds[kind].name;
    refuse_from_now(0, NEVER, false); /* what is made once in a process */
    expect(kinds[kind].run(&report) == FURROW_OK, "%s", report.message);
    for (int victim = 0; victim < ranks; victim++) {
        single += refuse_each(kind, victim, false);
        all += refuse_each(kind, victim, true);
    }
    if (rank == 0)
        printf("%s: %u requests refused one at a time, %u with all behind them\n", kind_name, single, all);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    serves = argc > 1 && strcmp(argv[1], "served") == 0;
    make_seam();
    setvbuf(stdout, NULL, _IONBF, 0); /* nothing for a forked worker to write again */
    (void)signal(SIGALRM, too_late);
    if (serves)
        CHECK_STATUS(furrow_mpi_serve(), FURROW_OK);
    for (int kind = 0; kind < KINDS; kind++)
        try_kind(kind);
    alarm(DEADLINE);
    if (!serves)
        return end();
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    return wrong > 0;
}
