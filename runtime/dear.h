/* Tasks that go first: which of a job's costs are dear, and in what order they
 * start.
 *
 * A worker that starts a long task late keeps the job waiting for it alone. Long
 * ones first, dearest first, is the rule of Graham (SIAM J. Appl. Math. 17, 1969,
 * LPT). Only tasks that can be felt at the end are worth a claim of their own;
 * the others keep the order of the index. */
#ifndef FW_DEAR_H
#define FW_DEAR_H

#include <stdbool.h>
#include <stddef.h>

#include <furrow/furrow.h>

/* Tasks dearer than this go first; costs are relative. The mean of `count` costs,
 * but within what can be felt: where the mean is below total / (128 x workers), a
 * 128th of a worker's share is under 1 % of the job; where it is above total /
 * (8 x workers), few tasks are left to even out those above that. So fewer than
 * 128 x workers are dear, and of equal ones none, unless there are fewer than
 * 8 x workers tasks. */
float fw_dear_bar(double total, size_t count, int workers);

/* Tasks that go first, by job->cost: `dear` in the order to start them, equal
 * ones by index; `sorted` by index. Both NULL: the tasks are only counted. */
size_t fw_dear_find(const furrow_job *job, int workers, size_t *dear, size_t *sorted);

/* How many of the `n` indices in `sorted` are below `index`. */
static inline size_t fw_dear_below(const size_t *sorted, size_t n, size_t index)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;

        if (sorted[mid] < index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Whether task `index` goes first. */
static inline bool fw_dear_has(const size_t *sorted, size_t n, size_t index)
{
    const size_t at = fw_dear_below(sorted, n, index);

    return at < n && sorted[at] == index;
}

#endif
