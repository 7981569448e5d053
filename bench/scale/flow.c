#include "flow.h"

#include <math.h>

#include "runtime/batch.h"

/* Claims cost what the library's rule for batches of such tasks makes of them. */
static double per_task(const struct machine *machine, const struct tasks *tasks)
{
    const double claim = machine->costs.claim;
    const double mean =
        tasks->kind == TASKS_LOGNORMAL ? tasks_sum(tasks) / (double)tasks->count : tasks->mean;
    struct fw_batch batch;

    fw_batch_init(&batch, 0, (uint64_t)claim);
    for (int i = 0; i < 64; i++)
        fw_batch_note(&batch, batch.size, (uint64_t)((double)batch.size * mean + claim));
    return (mean + claim / (double)batch.size) * model_stretch(machine);
}

void flow_open(struct flow *flow, const struct machine *machine, const struct tasks *tasks)
{
    *flow = (struct flow){ .workers = machine->ranks, .each = per_task(machine, tasks) };
}

void flow_advance(struct flow *flow, double now)
{
    const double begun = (now - flow->at) * flow->busy / flow->each;

    if (flow->left > 0 && begun < flow->left) {
        flow->left -= begun;
    } else {
        if (flow->left > 0) {
            flow->dry = flow->at + flow->left * flow->each / flow->busy;
            flow->dry_busy = flow->busy;
            flow->left = 0;
        }
        flow->busy = flow->dry_busy * fmax(0.0, 1.0 - (now - flow->dry) / flow->each);
    }
    flow->at = now;
}

void flow_give(struct flow *flow, double now, double n)
{
    double begun;

    flow_advance(flow, now);
    begun = fmin(n, flow->workers - flow->busy);
    flow->busy += begun;
    flow->left += n - begun;
    flow->given += n;
    if (flow->left <= 0) {
        flow->dry = now;
        flow->dry_busy = flow->busy;
    }
}

double flow_take_back(struct flow *flow, double now)
{
    double n;

    flow_advance(flow, now);
    n = fmin(floor(flow->left), ceil(flow->left / flow->workers));
    flow->left -= n;
    flow->returned += n;
    if (n > 0 && flow->left <= 0) {
        flow->left = 0;
        flow->dry = now;
        flow->dry_busy = flow->busy;
    }
    return n;
}

double flow_ended(const struct flow *flow)
{
    return flow->given - flow->returned - flow->left - flow->busy;
}

double flow_until(const struct flow *flow, double left)
{
    return flow->left > left && flow->busy > 0 ? (flow->left - left) * flow->each / flow->busy
                                               : INFINITY;
}

double flow_next_end(const struct flow *flow)
{
    return flow->busy > 1e-6 ? flow->each / fmax(flow->busy, 1.0) : INFINITY;
}

/* What is left of a running task is a part by chance of one that is met with a
 * chance as large as it is long: of lognormal ones exp(sigma^2) as long. */
static double rest(const struct flow *flow, const struct tasks *tasks, uint64_t number)
{
    const double part = tasks_chance(tasks->seed ^ 0x5eed, number);

    if (tasks->kind != TASKS_LOGNORMAL)
        return flow->each * part;
    return flow->each * part * exp(1.0) * tasks_length(tasks, (size_t)number + tasks->count) /
           tasks->mean;
}

double flow_end(const struct flow *flow, const struct tasks *tasks, uint64_t stream)
{
    const int n = (int)(flow->dry_busy + 0.5);
    double last = 0.0;

    for (int w = 0; w < n; w++)
        last = fmax(last, rest(flow, tasks, stream * (uint64_t)flow->workers + (uint64_t)w));
    return fmax(flow->dry + last, flow->end_least);
}
