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

size_t fw_dear_find(const furrow_job *job, int workers, size_t *dear, size_t *sorted)
{
    double total = 0;
    size_t n = 0;
    float bar;

    if (job->cost == NULL || job->count == 0)
        return 0;
    for (size_t i = 0; i < job->count; i++)
        total += (double)job->cost[i];
    bar = fw_dear_bar(total, job->count, workers);
    for (size_t i = 0; i < job->count; i++)
        if (job->cost[i] > bar) {
            if (sorted != NULL)
                sorted[n] = i;
            n++;
        }
    if (dear == NULL || n == 0)
        return n;
    memcpy(dear, sorted, n * sizeof *dear);
    qsort_r(dear, n, sizeof *dear, by_cost, (void *)job->cost);
    return n;
}
