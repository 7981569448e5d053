/* The leaders of nodes, letter by letter: backends/mpi/feed.c with another clock.
 * The pace is the library's. */
#include <math.h>

#include "nodes.h"
#include "pace.h"

/* Rank 0's own node has no letters: what it says is seen in the next pass. */
static void tell_root(struct sim *s, int node, enum letter letter, double a, double b, uint64_t c)
{
    struct leader *l = &s->leader[node];
    const struct costs *costs = &s->machine->costs;
    const double bytes = letter == RESULTS ? b : 0.0;

    if (node == 0) {
        sim_post(s, l->flow.at, TO_ROOT, node, letter, a, b, c);
        return;
    }
    l->free_at = fmax(l->free_at, l->flow.at) + costs->handle + bytes * costs->byte;
    sim_post(s, l->free_at + costs->latency, TO_ROOT, node, letter, a, b, c);
}

/* Tasks that nobody has begun, as the library counts them. */
static double whole_left(const struct flow *flow)
{
    return ceil(flow_left(flow));
}

static void measure(struct flow *flow)
{
    fw_pace_measure(&flow->rate, (uint64_t)flow->at,
                    (uint64_t)(flow->given - flow->returned - whole_left(flow)));
}

static void ship(struct sim *s, int node)
{
    struct leader *l = &s->leader[node];
    const double n = floor(flow_ended(&l->flow) - l->shipped + 1e-6);

    if (node == 0 || n < 1 || l->flow.at - l->shipped_at < (double)fw_pace_ship(s->machine->nodes))
        return;
    l->shipped += n;
    l->shipped_at = l->flow.at;
    tell_root(s, node, RESULTS, n, n * (double)(s->out_size + 1), 0);
}

static void ask(struct sim *s, int node)
{
    struct leader *l = &s->leader[node];
    const double left = whole_left(&l->flow);

    if (!l->wanted && fw_pace_low((size_t)left, l->flow.workers, l->flow.rate.per_second)) {
        tell_root(s, node, WANTED, l->flow.rate.per_second, 0.0, l->heard);
        l->wanted = true;
        l->told_empty = false;
    } else if (!l->told_empty && left <= 0) {
        tell_root(s, node, WANTED, l->flow.rate.per_second, 1.0, l->heard);
        l->told_empty = l->wanted = true;
    }
}

/* The leader's next look at which something is to be done. */
static void plan_look(struct sim *s, int node)
{
    struct leader *l = &s->leader[node];
    const struct flow *flow = &l->flow;
    const double now = flow->at, low = fw_pace_low_mark(flow->workers, flow->rate.per_second);
    const double settled = flow_ended(flow) - l->shipped;
    double next = INFINITY;

    if (!l->wanted)
        next = now + flow_until(flow, low);
    if (!l->told_empty)
        next = fmin(next, now + (flow_left(flow) > 0 ? flow_until(flow, 0.0) : 0.0));
    if (node > 0)
        next = fmin(next, fmax(l->shipped_at + (double)fw_pace_ship(s->machine->nodes),
                               now + (settled >= 1 ? 0.0 : flow_next_end(flow))));
    if (flow->rate.at == 0 && flow->busy > 0)
        next = fmin(next, now + 2e6);
    if (isfinite(next))
        sim_post(s, fmax(next, now + 1000.0) + sim_sleep_left(s, next, l->moved), LOOK, node, TASKS,
                 0, 0, ++l->look);
}

void leader_look(struct sim *s, int node, double now)
{
    struct leader *l = &s->leader[node];

    flow_advance(&l->flow, now);
    measure(&l->flow);
    if (l->ended)
        return;
    ship(s, node);
    ask(s, node);
    plan_look(s, node);
}

static void get_tasks(struct sim *s, int node, double now, const struct event *event)
{
    struct leader *l = &s->leader[node];
    const double begin = event->value[0], n = event->value[1];

    flow_give(&l->flow, now, n);
    if (s->tasks->kind == TASKS_STRAGGLER && begin < (double)s->tasks->count &&
        begin + n >= (double)s->tasks->count)
        flow_hold(&l->flow, l->flow.each * s->tasks->factor);
    l->wanted = l->told_empty = false;
    l->heard += node > 0;
}

/* All tasks of the node are over, and what was not sent is. */
static void end_node(struct sim *s, int node, double now)
{
    struct leader *l = &s->leader[node];
    size_t ran;
    double n;

    l->ended = true;
    flow_advance(&l->flow, now);
    ran = (size_t)llround(l->flow.given - l->flow.returned);
    n = (double)ran - l->shipped;
    l->flow.at = fmax(now, flow_end(&l->flow, s->tasks, s->outcome.ran));
    l->flow.at += sim_sleep_left(s, l->flow.at, now);
    s->outcome.ran += ran;
    if (node > 0 && n >= 1)
        tell_root(s, node, RESULTS, n, n * (double)(s->out_size + 1), 0);
    tell_root(s, node, BYE, 0, 0, 0);
}

void leader_notice(struct sim *s, int node, double now, const struct event *event)
{
    struct leader *l = &s->leader[node];
    double n;

    l->moved = now;
    switch (sim_letter(event)) {
    case TASKS:
        get_tasks(s, node, now, event);
        break;
    case RECALL:
        n = flow_take_back(&l->flow, now);
        tell_root(s, node, UNRUN, n, 0, 0);
        break;
    default:
        end_node(s, node, now);
        return;
    }
    leader_look(s, node, now);
}
