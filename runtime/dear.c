#include "dear.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 8, FELT = 128 }; /* parts of a worker's share */

float fw_dear_bar(double total, size_t count, int workers)
{
    const double share = total / (double)workers, most = share / FEW, least = share / FELT;
    const double mean = total / (double)count;

    /* As a float: the mean of equal costs is that cost, not a bit below. */
    return (float)(mean > most ? most : mean < least ? least : mean);
}

static int by_cost(const void *a, const void *b, void *cost)
{
    const size_t i = *(const size_t *)a, j = *(const size_t *)b;
    const float x = ((const float *)cost)[i], y = ((const float *)cost)[j];

    if (x != y)
        return x > y ? -1 : 1;
    return i < j ? -1 : i > j;
}

/* Costs that the compiler may look at side by side. */
enum { CHUNK = 16 };

static double total_of(const float *cost, size_t count)
{
    double part[CHUNK] = { 0 }, total = 0;
    size_t i = 0;

    for (; count - i >= CHUNK; i += CHUNK)
        for (int k = 0; k < CHUNK; k++)
            part[k] += (double)cost[i + (size_t)k];
    for (; i < count; i++)
        total += (double)cost[i];
    for (int k = 0; k < CHUNK; k++)
        total += part[k];
    return total;
}

static bool any_above(const float *cost, float bar)
{
    int above = 0;

    for (int k = 0; k < CHUNK; k++)
        above += cost[k] > bar;
    return above > 0;
}

/* How many are above; their indices to `out`, or NULL. */
static size_t list_above(const float *cost, size_t count, float bar, size_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < count;) {
        const size_t end = count - i > CHUNK ? i + CHUNK : count;

        if (end - i == CHUNK && !any_above(cost + i, bar))
            i = end;
        for (; i < end; i++)
            if (cost[i] > bar) {
                if (out != NULL)
                    out[n] = i;
                n++;
            }
    }
    return n;
}

size_t fw_dear_find(const furrow_job *job, int workers, size_t *dear, size_t *sorted)
{
    size_t n;

    if (job->cost == NULL || job->count == 0)
        return 0;
    n = list_above(job->cost, job->count, fw_dear_bar(total_of(job->cost, job->count), job->count, workers), sorted);
    if (dear == NULL || n == 0)
        return n;
    memcpy(dear, sorted, n * sizeof *dear);
    qsort_r(dear, n, sizeof *dear, by_cost, (void *)job->cost);
    return n;
}
