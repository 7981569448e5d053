#include "harness.h"

#include <dirent.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* -- Repetitions --------------------------------------------------------- */

/* Nanoseconds that one thread of this process was ready to run and did not. */
static double thread_delay(const char *thread)
{
    char path[64];
    unsigned long long ran, waited = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/schedstat", thread);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    (void)fclose(file);
    return (double)waited;
}

/* The same of all threads; 0 where the kernel does not tell. */
static double process_delay(void)
{
    DIR *folder = opendir("/proc/self/task");
    const struct dirent *entry;
    double sum = 0;

    if (folder == NULL)
        return 0;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            sum += thread_delay(entry->d_name);
    }
    (void)closedir(folder);
    return sum;
}

enum { MOST = 2000 };

struct samples {
    double at[MOST];
    int n;
};

static void keep(struct samples *samples, double sample)
{
    if (samples->n < MOST)
        samples->at[samples->n++] = sample;
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
    struct samples calm = { .n = 0 }, disturbed = { .n = 0 };
    struct samples *used = &calm;
    struct bench_figure figure;
    double end, last;

    least = options->small ? 2 : least;
    (void)once(arg);
    end = bench_now() + options->budget_ms * 1e6;
    last = end + options->budget_ms * 1e6; /* on a busy machine */
    while (calm.n < MOST && disturbed.n < MOST &&
           (calm.n + disturbed.n < least || bench_now() < (calm.n < least ? last : end))) {
        const double delay = process_delay(), start = bench_now(), sample = once(arg);
        const double allowed = 0.005 * (bench_now() - start);
        const bool calm_one = process_delay() - delay <= allowed;

        keep(calm_one ? &calm : &disturbed, sample);
        if (!calm_one && options->calm)
            rest(once, arg);
    }
    if (!options->calm || calm.n < least) {
        for (int i = 0; i < disturbed.n; i++)
            keep(used, disturbed.at[i]);
    }
    figure.median = bench_quantile(used->at, (size_t)used->n, 0.5);
    figure.best = used->at[0]; /* sorted */
    return figure;
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
    fprintf(stderr,
            "usage: %s VARIANT MEASURE [--workers N] [--budget MS] [--small]\nvariants:", program);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s", variants[i].name);
    fprintf(stderr, "\nmeasures: %s\n", bench_measures);
    return 2;
}

/* The options behind the two names; false: one is wrong. */
static bool parse_options(int argc, char **argv, struct bench_options *out)
{
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--small") == 0)
            out->small = true;
        else if (strcmp(argv[i], "--workers") == 0 && i + 1 < argc)
            out->workers = atoi(argv[++i]);
        else if (strcmp(argv[i], "--budget") == 0 && i + 1 < argc)
            out->budget_ms = atof(argv[++i]);
        else
            return false;
    }
    return out->workers > 0 && out->budget_ms >= 0;
}

int bench_main(int argc, char **argv, const struct bench_variant *variants, size_t count)
{
    struct bench_options options = { .workers = cpu_count(), .budget_ms = 150 };
    int status;

    for (size_t i = 0; argc > 2 && i < count; i++) {
        if (strcmp(argv[1], variants[i].name) == 0)
            options.variant = &variants[i];
    }
    if (options.variant == NULL || !parse_options(argc, argv, &options))
        return usage(argv[0], variants, count);
    options.calm = !options.small;
    status = bench_measure(argv[2], &options);
    return status == 2 ? usage(argv[0], variants, count) : status;
}
