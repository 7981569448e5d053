#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "stats.h"

double bench_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void *bench_alloc(size_t bytes)
{
    void *p = malloc(bytes);

    if (p == NULL) {
        fprintf(stderr, "no memory for %zu bytes\n", bytes);
        exit(1);
    }
    return memset(p, 0, bytes);
}

void *bench_alloc_shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        fprintf(stderr, "no shared memory for %zu bytes\n", bytes);
        exit(1);
    }
    return p;
}

void bench_not_here(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(77);
}

/* -- Repetitions --------------------------------------------------------- */

/* Processes that take part beside this one. */
enum { MOST_WATCHED = 64 };
static long watched[MOST_WATCHED];
static int watching;

void bench_watch(long process)
{
    if (watching < MOST_WATCHED)
        watched[watching++] = process;
}

/* Nanoseconds that one thread was ready to run and did not. */
static double thread_delay(const char *threads, const char *thread)
{
    char path[96];
    unsigned long long ran, waited = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%.20s/schedstat", threads, thread);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    (void)fclose(file);
    return (double)waited;
}

/* The same of all threads of a process; 0 where the kernel does not tell. */
static double process_delay(const char *threads)
{
    DIR *folder = opendir(threads);
    const struct dirent *entry;
    double sum = 0;

    if (folder == NULL)
        return 0;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            sum += thread_delay(threads, entry->d_name);
    }
    (void)closedir(folder);
    return sum;
}

static double all_delay(void)
{
    double sum = process_delay("/proc/self/task");
    char threads[64];

    for (int i = 0; i < watching; i++) {
        (void)snprintf(threads, sizeof threads, "/proc/%ld/task", watched[i]);
        sum += process_delay(threads);
    }
    return sum;
}

enum { MOST = 4000 };
#define DISTURBED 0.005

struct sample {
    double value;
    double waited; /* part of the time that threads of ours were kept from running */
};

static int calmer(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;

    return (x->waited > y->waited) - (x->waited < y->waited);
}

static struct sample take_sample(double (*once)(void *arg), void *arg)
{
    const double delay = all_delay(), start = bench_now();
    const double value = once(arg), wall = bench_now() - start;

    return (struct sample){ value, (all_delay() - delay) / wall };
}

/* The figure of the calm samples; of the `least` calmest where they are fewer. */
static struct bench_figure figure_of(struct sample *sample, int n, int least, bool calm)
{
    double value[MOST];
    struct bench_figure figure;
    int used = 0;

    if (calm)
        qsort(sample, (size_t)n, sizeof *sample, calmer);
    while (used < n && (!calm || used < least || sample[used].waited <= DISTURBED)) {
        value[used] = sample[used].value;
        used++;
    }
    figure.median = bench_quantile(value, (size_t)used, 0.5);
    figure.best = value[0]; /* sorted */
    return figure;
}

/* Lets others have their turn and gets the workers running again. */
static void rest(double (*once)(void *arg), void *arg)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    double end;

    (void)nanosleep(&pause, NULL);
    end = bench_now() + 3e5;
    do
        (void)once(arg);
    while (bench_now() < end);
}

struct bench_figure bench_repeat(const struct bench_options *options, int least,
                                 double (*once)(void *arg), void *arg)
{
    const double budget = options->budget_ms * 1e6;
    struct sample sample[MOST];
    int n = 0, calm = 0;
    double end;

    least = options->small ? 2 : least;
    (void)once(arg);
    end = bench_now() + budget;
    while (n < MOST && (n < 3 || bench_now() < end + 20 * budget) &&
           (n < least || bench_now() < (calm < least ? end + budget : end))) {
        sample[n] = take_sample(once, arg);
        if (!options->calm || sample[n].waited <= DISTURBED)
            calm++;
        else
            rest(once, arg);
        n++;
    }
    return figure_of(sample, n, least, options->calm);
}

static void print_number(double value)
{
    if (isnan(value))
        printf("\t-");
    else
        printf("\t%.6g", value);
}

void bench_print(const char *figure, double median, double best, const char *unit)
{
    printf("%s", figure);
    print_number(median);
    print_number(best);
    printf("\t%s\n", unit);
}

/* -- The command line ---------------------------------------------------- */

static int cpu_count(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static int usage(const char *program, const struct bench_variant *variants, size_t count)
{
    fprintf(
        stderr,
        "usage: %s VARIANT [--scale K] MEASURE [--workers N] [--budget MS] [--small]\nvariants:",
        program);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s", variants[i].name);
    fprintf(stderr, "\nmeasures: %s\n", bench_measures);
    return 2;
}

/* The measure's name and the options behind the variant; false: something is wrong. */
static bool parse_options(int argc, char **argv, const char **measure, struct bench_options *out)
{
    for (int i = 2; i < argc; i++) {
        if (*measure == NULL && argv[i][0] != '-')
            *measure = argv[i];
        else if (strcmp(argv[i], "--small") == 0)
            out->small = true;
        else if (strcmp(argv[i], "--scale") == 0 && i + 1 < argc)
            out->scale = atof(argv[++i]);
        else if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc)
            out->workers = atoi(argv[++i]);
        else if (strcmp(argv[i], "--budget") == 0 && i + 1 < argc)
            out->budget_ms = atof(argv[++i]);
        else
            return false;
    }
    return *measure != NULL && out->workers > 0 && out->budget_ms >= 0 &&
           (out->scale >= 1 || out->scale == 0);
}

int bench_main(int argc, char **argv, const struct bench_variant *variants, size_t count)
{
    struct bench_options options = { .workers = cpu_count(), .budget_ms = 150 };
    const char *measure = NULL;
    int status;

    for (size_t i = 0; argc > 2 && i < count; i++) {
        if (strcmp(argv[1], variants[i].name) == 0)
            options.variant = &variants[i];
    }
    if (options.variant == NULL || !parse_options(argc, argv, &measure, &options))
        return usage(argv[0], variants, count);
    options.calm = !options.small && options.scale == 0;
    options.scale = options.scale > 0 ? options.scale : 1;
    status = bench_measure(measure, &options);
    return status == 2 ? usage(argv[0], variants, count) : status;
}
