/* One floating-point job: the same bits wherever and however it runs. */
#include <math.h>
#include <stdlib.h>

#include "promises.h"

enum { COUNT = 3001 };

/* A few thousand rounding errors from the task's seed on. */
static int orbit(furrow_task *task)
{
    const double *scale = task->shared;
    double x = (double)(task->seed >> 11) * 0x1p-53, y = *(const double *)task->in, sum = 0;

    for (int i = 0; i < 50; i++) {
        x = 3.9 * x * (1 - x) + 1e-3 * sin(y);
        y = y * *scale + exp(-x) / (1 + x * x);
        sum += x / 3 - y;
    }
    ((double *)task->out)[0] = sum;
    ((double *)task->out)[1] = x * y;
    return 0;
}

/* Ways of running it; each is tried alone. */
struct way {
    size_t batch;
    bool served, ordered, cost, retried;
};
static const struct way ways[] = {
    { .batch = 0 },
    { .batch = 250 },
    { .batch = 500 },
    { .served = true },
    { .batch = 250, .served = true, .ordered = true },
    { .cost = true },
    { .retried = true },
};
enum { WAYS = sizeof ways / sizeof *ways };

static int ignore(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

/* Every third task fails first, with its output half done. */
static int orbit_twice(furrow_task *task)
{
    int rc = orbit(task);

    return task->attempt == 0 && task->index % 3 == 0 ? 4 : rc;
}

struct data {
    double in[COUNT], out[COUNT][2];
    float cost[COUNT];
    double scale;
};

static struct data *data_make(void)
{
    struct data *data = calloc(1, sizeof *data);

    data->scale = 0.37;
    for (size_t i = 0; i < COUNT; i++) {
        data->in[i] = (double)furrow_seed(99, i) * 0x1p-64;
        data->cost[i] = i % 100 == 0 ? 500 : 1;
    }
    return data;
}

static void run(struct data *data, const char *backend, int jobs, const struct way *way)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = { .run = way->retried ? orbit_twice : orbit,
                       .count = COUNT,
                       .in = data->in,
                       .in_size = sizeof *data->in,
                       .out = data->out,
                       .out_size = sizeof *data->out,
                       .shared = &data->scale,
                       .shared_size = sizeof data->scale,
                       .cost = way->cost ? data->cost : NULL,
                       .on_result = way->served ? ignore : NULL,
                       .ordered = way->ordered,
                       .seed = 20240301 };
    furrow_report report;

    config.backend = backend;
    config.jobs = jobs;
    config.batch = way->batch;
    config.retries = way->retried ? 1 : 0;
    config.strict = true;
    memset(data->out, 0xFF, sizeof data->out);
    CHECK_STATUS(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_TEXT(report.backend, backend);
    CHECK_EQ(report.workers, jobs);
}

/* What a plain loop gives, without furrow. */
static void run_by_hand(struct data *data)
{
    for (size_t i = 0; i < COUNT; i++) {
        furrow_task task = { .index = i,
                             .in = &data->in[i],
                             .out = data->out[i],
                             .shared = &data->scale,
                             .seed = furrow_seed(20240301, i) };

        orbit(&task);
    }
}

void same_bits(const struct row *row)
{
    struct data *want = data_make(), *got = data_make();
    const struct {
        const char *backend;
        int jobs;
    } crews[] = {
        { "sequential", 1 }, { "openmp", 2 }, { "openmp", 3 }, { row->backend, row->workers }
    };

    run_by_hand(want);
    for (size_t c = 0; c < sizeof crews / sizeof *crews; c++) {
        for (size_t w = 0; w < WAYS; w++) {
            run(got, crews[c].backend, crews[c].jobs, &ways[w]);
            CHECK(memcmp(got->out, want->out, sizeof want->out) == 0);
        }
    }
    free(want);
    free(got);
}
