/* How many tasks to claim at once. docs/batching.md explains the numbers. */
#include "batch.h"

/* Shares of dispatch costs: a batch of `min_ns` spends 1/512 on its claim. The
 * factor 16 between the two is the hysteresis: a size that was doubled below
 * the one is a factor of 8 away from the other. joblib has 10 (0.2 s, 2 s). */
enum { MIN_COSTS = 512, MAX_COSTS = 8192 };

static const double weight_new = 0.2; /* joblib's: 0.8 old, 0.2 new */

static uint64_t times(uint64_t ns, uint64_t factor)
{
    return ns > UINT64_MAX / factor ? UINT64_MAX : ns * factor;
}

void fw_batch_init(struct fw_batch *batch, size_t fixed, uint64_t dispatch_ns)
{
    uint64_t cost = dispatch_ns > 0 ? dispatch_ns : 1;

    *batch = (struct fw_batch){ .size = fixed > 0 ? fixed : 1,
                                .fixed = fixed,
                                .min_ns = times(cost, MIN_COSTS),
                                .max_ns = times(cost, MAX_COSTS) };
}

/* What was known of the old size says nothing about the new one. */
static void resize(struct fw_batch *batch, size_t size)
{
    if (size == batch->size)
        return;
    batch->size = size;
    batch->mean_ns = 0.0;
}

static void grow(struct fw_batch *batch)
{
    resize(batch, batch->size > SIZE_MAX / 2 ? SIZE_MAX : batch->size * 2);
}

/* To a duration of 2 * min_ns, where growth from just below min_ns would end. */
static void shrink(struct fw_batch *batch)
{
    double ideal = (double)batch->size * 2.0 * (double)batch->min_ns / batch->mean_ns;

    resize(batch, ideal > 1.0 ? (size_t)ideal : 1);
}

void fw_batch_note(struct fw_batch *batch, size_t tasks, uint64_t ns)
{
    double whole; /* duration of a batch of `size`; a clock that stood still measured 1 ns */

    if (batch->fixed > 0 || tasks == 0)
        return;
    whole = (double)(ns > 0 ? ns : 1) * ((double)batch->size / (double)tasks);
    batch->mean_ns = batch->mean_ns > 0.0
                         ? (1.0 - weight_new) * batch->mean_ns + weight_new * whole
                         : whole;
    if (batch->mean_ns < (double)batch->min_ns)
        grow(batch);
    else if (batch->mean_ns > (double)batch->max_ns)
        shrink(batch);
}

size_t fw_batch_limit(const struct fw_batch *batch, size_t remaining)
{
    size_t most = remaining / 4 + (remaining % 4 != 0);

    if (batch->fixed > 0)
        most = remaining;
    if (most == 0)
        most = 1;
    return batch->size < most ? batch->size : most;
}
