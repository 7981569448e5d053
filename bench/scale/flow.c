#include "flow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/batch.h"

/* Claims cost what the library's rule for batches of such tasks makes of them. */
double flow_each(const struct machine *machine, const struct tasks *tasks)
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

void flow_open(struct flow *flow, int workers, double each)
{
    *flow = (struct flow){ .workers = workers, .each = each };
}

/* Workers that have nothing begin some of `n` tasks. */
static void begin(struct flow *flow, double n)
{
    const double idle = fmax(0.0, flow->workers - flow->held - flow->busy);

    flow->busy += fmin(n, idle);
    flow->last_busy = flow->busy > 0 ? flow->busy : flow->last_busy;
}

void flow_advance(struct flow *flow, double now)
{
    const double done = (now - flow->at) * flow->busy / flow->each;

    if (done < flow->backlog) {
        flow->backlog -= done;
    } else if (flow->busy > 0) {
        flow->idle_at = flow->at + flow->backlog * flow->each / flow->busy;
        flow->backlog = flow->busy = 0;
    }
    flow->at = now;
    if (flow->held && now >= flow->held_until) {
        flow->held = false;
        begin(flow, ceil(flow_left(flow)));
    }
}

void flow_give(struct flow *flow, double now, double n)
{
    flow_advance(flow, now);
    flow->backlog += n;
    flow->given += n;
    flow->end_least = fmax(flow->end_least, now + flow->each);
    begin(flow, n);
}

void flow_hold(struct flow *flow, double length)
{
    flow->held_until = flow->at + length + flow_left(flow) * flow->each / fmax(flow->busy, 1.0);
    flow->end_least = fmax(flow->end_least, flow->held_until);
    flow->backlog = fmax(0.0, flow->backlog - 1);
    flow->busy = fmax(0.0, flow->busy - 1);
    flow->held = true;
}

double flow_take_back(struct flow *flow, double now)
{
    double n;

    flow_advance(flow, now);
    n = ceil(flow_left(flow) / flow->workers);
    flow->backlog -= n;
    flow->returned += n;
    return n;
}

double flow_left(const struct flow *flow)
{
    /* less than a millionth of a task is rounding */
    const double left = flow->backlog - flow->busy;

    return left > 1e-6 ? left : 0.0;
}

double flow_ended(const struct flow *flow)
{
    return flow->given - flow->returned - flow->backlog - flow->held;
}

double flow_until(const struct flow *flow, double left)
{
    const double now = flow_left(flow);

    if (flow->held && flow->busy <= 0)
        return fmax(0.0, flow->held_until - flow->at);
    return now > left && flow->busy > 0 ? (now - left) * flow->each / flow->busy : INFINITY;
}

double flow_next_end(const struct flow *flow)
{
    return flow->busy > 0 ? flow->each / flow->busy : INFINITY;
}

/* -- The end ------------------------------------------------------------ */

/* Puts the worker that is free first behind its new task. */
static void sift(double *free_at, int n, double length)
{
    const double moved = free_at[0] + length;
    int i = 0;

    for (int child = 1; child < n; child = 2 * i + 1) {
        child += child + 1 < n && free_at[child + 1] < free_at[child];
        if (free_at[child] >= moved)
            break;
        free_at[i] = free_at[child];
        i = child;
    }
    free_at[i] = moved;
}

/* How much later than its mean worker the last one of `n` ends, in ns, where each
 * takes the next task as it is free. */
static double imbalance(const struct tasks *tasks, int n, size_t first, size_t count)
{
    double *free_at, last = 0.0, sum = 0.0;

    if (tasks->kind != TASKS_LOGNORMAL)
        return tasks->mean * (ceil((double)count / n) - (double)count / n);
    if ((free_at = calloc((size_t)n, sizeof *free_at)) == NULL) {
        fprintf(stderr, "scale: no memory for the workers of a node; take fewer ranks\n");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        const double length = tasks_length(tasks, first + i);

        sum += length;
        sift(free_at, n, length);
    }
    for (int w = 0; w < n; w++)
        last = fmax(last, free_at[w]);
    free(free_at);
    return last - sum / n;
}

double flow_end(const struct flow *flow, const struct tasks *tasks, size_t first)
{
    enum { ROUNDS = 16 }; /* after which the first one is forgotten */
    const int n = (int)(flow->last_busy + 0.5);
    const double ran = flow->given - flow->returned;
    const double all = flow->backlog > 0 && flow->busy > 0
                           ? flow->at + flow->backlog * flow->each / flow->busy
                           : flow->idle_at;
    size_t count = (size_t)llround(ran);

    if (n == 0)
        return fmax(flow->idle_at, flow->end_least);
    if (tasks->kind == TASKS_LOGNORMAL && count > (size_t)n * ROUNDS)
        count = (size_t)n * ROUNDS;
    return fmax(all + imbalance(tasks, n, first, count) * flow->each / tasks->mean,
                flow->end_least);
}
