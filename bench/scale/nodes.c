/* Rank 0 and the leaders, letter by letter: backends/mpi/root.c and feed.c with
 * another clock. The stock and the pace are the library's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow.h"
#include "heap.h"
#include "model.h"
#include "pace.h"
#include "stock.h"

enum kind { PASS, LOOK, TO_ROOT, TO_NODE, NOTICED };
enum letter { TASKS, RECALL, END, WANTED, UNRUN, RESULTS, BYE };

struct leader {
    struct flow flow;
    bool wanted, told_empty, ended;
    uint64_t heard;
    uint64_t look; /* number of the look that is due */
    double moved, free_at, shipped, shipped_at;
};

struct view {
    uint64_t sent;
    double rate, rest;
    bool wants, empty, asked;
};

struct sim {
    const struct machine *machine;
    const struct tasks *tasks;
    size_t out_size;
    struct heap heap;
    struct fw_stock stock;
    struct leader *leader; /* owned, as the two below */
    struct view *view;
    struct event *inbox;
    size_t head, tail, room;
    bool pass_due, over;
    double moved, free_at, done;
    int byes;
    uint64_t draws;
    struct outcome outcome;
};

static void *need(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);

    if (memory == NULL) {
        fprintf(stderr, "scale: no memory for so many nodes\n");
        exit(1);
    }
    return memory;
}

/* What is left of the sleep of one that has found nothing since `moved`. */
static double sleep_left(struct sim *s, double now, double moved)
{
    const double waited = now > moved ? now - moved : 0.0;
    const double sleep = waited < 20000.0 ? 0.0 : (double)fw_pace_sleep((uint64_t)waited);

    return sleep * tasks_chance(s->tasks->seed + 1, s->draws++);
}

static void post(struct sim *s, double at, int kind, int node, enum letter letter, double a,
                 double b, uint64_t c)
{
    /* the letter shares a word with the node: kinds are few */
    heap_add(&s->heap, (struct event){ at, 0, kind + 8 * (int)letter, node, { a, b }, c });
}

/* -- Leaders ------------------------------------------------------------ */

/* Rank 0's own node has no letters: what it says is seen in the next pass. */
static void tell_root(struct sim *s, int node, enum letter letter, double a, double b, uint64_t c)
{
    struct leader *l = &s->leader[node];
    const struct costs *costs = &s->machine->costs;
    const double bytes = letter == RESULTS ? b : 0.0;

    if (node == 0) {
        post(s, l->flow.at, TO_ROOT, node, letter, a, b, c);
        return;
    }
    l->free_at = fmax(l->free_at, l->flow.at) + costs->handle + bytes * costs->byte;
    post(s, l->free_at + costs->latency, TO_ROOT, node, letter, a, b, c);
}

static void measure(struct leader *l)
{
    struct flow *flow = &l->flow;
    const double begun = floor(flow->given - flow->returned - flow->left);
    const double seconds = (flow->at - flow->measured_at) * 1e-9;
    double rate;

    if (seconds < 0.002 || begun <= flow->measured)
        return;
    rate = (begun - flow->measured) / seconds;
    flow->rate = flow->rate > 0 ? 0.5 * flow->rate + 0.5 * rate : rate;
    flow->measured_at = flow->at;
    flow->measured = begun;
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
    const double left = l->flow.left;

    if (!l->wanted && fw_pace_low((size_t)ceil(left), l->flow.workers, l->flow.rate)) {
        tell_root(s, node, WANTED, l->flow.rate, 0.0, l->heard);
        l->wanted = true;
        l->told_empty = false;
    } else if (!l->told_empty && left <= 0) {
        tell_root(s, node, WANTED, l->flow.rate, 1.0, l->heard);
        l->told_empty = l->wanted = true;
    }
}

/* The leader's next look at which something is to be done. */
static void plan_look(struct sim *s, int node)
{
    struct leader *l = &s->leader[node];
    const struct flow *flow = &l->flow;
    const double now = flow->at, low = fw_pace_low_mark(flow->workers, flow->rate);
    const double settled = flow_ended(flow) - l->shipped;
    double next = INFINITY;

    if (!l->wanted)
        next = now + flow_until(flow, low);
    if (!l->told_empty)
        next = fmin(next, now + (flow->left > 0 ? flow_until(flow, 0.0) : 0.0));
    if (node > 0)
        next = fmin(next, fmax(l->shipped_at + (double)fw_pace_ship(s->machine->nodes),
                               now + (settled >= 1 ? 0.0 : flow_next_end(flow))));
    if (flow->measured_at <= 0)
        next = fmin(next, now + 2e6);
    if (isfinite(next))
        post(s, fmax(next, now + 1000.0) + sleep_left(s, next, l->moved), LOOK, node, TASKS, 0, 0,
             ++l->look);
}

static void look(struct sim *s, int node, double now)
{
    struct leader *l = &s->leader[node];

    flow_advance(&l->flow, now);
    measure(l);
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
        begin + n >= (double)s->tasks->count) {
        const double wait = l->flow.left > 0 ? l->flow.left * l->flow.each / l->flow.busy : 0.0;

        l->flow.end_least =
            now + wait + s->tasks->mean * s->tasks->factor * model_stretch(s->machine);
    }
    l->wanted = l->told_empty = false;
    l->heard += node > 0;
}

/* All tasks of the node are over, and what was not sent is. */
static void end_node(struct sim *s, int node, double now)
{
    struct leader *l = &s->leader[node];
    double n;

    l->ended = true;
    flow_advance(&l->flow, now);
    s->outcome.ran += (size_t)llround(l->flow.given - l->flow.returned);
    n = l->flow.given - l->flow.returned - l->shipped;
    l->flow.at = fmax(now, flow_end(&l->flow, s->tasks, (uint64_t)node));
    l->flow.at += sleep_left(s, l->flow.at, now);
    if (node > 0 && n >= 1)
        tell_root(s, node, RESULTS, n, n * (double)(s->out_size + 1), 0);
    tell_root(s, node, BYE, 0, 0, 0);
}

static void notice(struct sim *s, int node, double now, const struct event *event)
{
    struct leader *l = &s->leader[node];
    double n;

    l->moved = now;
    switch ((enum letter)(event->kind / 8)) {
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
    look(s, node, now);
}

/* -- Rank 0 ------------------------------------------------------------- */

static void send_to(struct sim *s, int node, enum letter letter, double a, double b)
{
    if (node > 0) {
        s->free_at += s->machine->costs.handle;
        s->outcome.letters++;
    }
    post(s, s->free_at + (node > 0 ? s->machine->costs.latency : 0.0), TO_NODE, node, letter, a, b,
         0);
}

static bool give(struct sim *s, int node)
{
    struct view *v = &s->view[node];
    const int workers = s->machine->ranks;
    const size_t want = fw_pace_chunk(v->rate, workers, workers * s->machine->nodes,
                                      s->machine->nodes, fw_stock_left(&s->stock));
    struct fw_span span;

    if (!fw_stock_take(&s->stock, want, node == s->machine->nodes - 1, &span))
        return false;
    send_to(s, node, TASKS, (double)span.begin, (double)(span.end - span.begin));
    v->sent += node > 0;
    v->wants = v->empty = false;
    v->rest = s->free_at + (double)fw_pace_patience();
    return true;
}

static bool give_all(struct sim *s)
{
    bool some = false;

    for (int round = 0; round < 2; round++)
        for (int node = 0; node < s->machine->nodes; node++)
            if (s->view[node].wants && (round > 0 || s->view[node].empty))
                some |= give(s, node);
    return some;
}

/* False: nobody wants, or all that have were asked. *when: the earliest time at
 * which one more may be. */
static void ask_those_that_have(struct sim *s, double *when)
{
    bool wanted = false;
    int asked = 0;

    for (int node = 0; node < s->machine->nodes; node++)
        wanted |= s->view[node].empty;
    if (!wanted || fw_stock_left(&s->stock) > 0)
        return;
    for (int node = 0; node < s->machine->nodes && asked < FW_PACE_ASKED_MOST; node++) {
        struct view *v = &s->view[node];

        asked += v->asked;
        if (v->empty || v->asked)
            continue;
        if (s->free_at < v->rest) {
            *when = fmin(*when, v->rest);
            continue;
        }
        v->asked = true;
        send_to(s, node, RECALL, 0, 0);
        asked++;
    }
}

/* Tasks that come back have lost their indices: any of the same number do. */
static void take_back(struct sim *s, struct view *v, double n)
{
    const size_t begin = s->tasks->count;

    v->asked = false;
    if (n < 1)
        v->rest = s->free_at + (double)fw_pace_patience();
    else if (!fw_stock_return(&s->stock, (struct fw_span){ begin + 1, begin + 1 + (size_t)n }))
        exit(1);
    s->outcome.recalled += (uint64_t)n;
}

static void read_letter(struct sim *s, const struct event *event)
{
    struct view *v = &s->view[event->who];
    const struct costs *costs = &s->machine->costs;

    if (event->who > 0) {
        s->free_at +=
            costs->handle + (event->kind / 8 == RESULTS ? event->value[1] * costs->byte : 0.0);
        s->outcome.letters++;
    }
    switch ((enum letter)(event->kind / 8)) {
    case WANTED:
        if (event->number != v->sent)
            return;
        v->wants = true;
        v->empty = event->value[1] > 0;
        v->rate = event->value[0] > 0 ? event->value[0] : v->rate;
        return;
    case UNRUN:
        take_back(s, v, event->value[0]);
        return;
    case BYE:
        s->byes++;
        return;
    default:
        return;
    }
}

static bool is_over(const struct sim *s)
{
    if (fw_stock_left(&s->stock) > 0)
        return false;
    for (int node = 0; node < s->machine->nodes; node++)
        if (!s->view[node].empty || s->view[node].asked)
            return false;
    return true;
}

static void plan_pass(struct sim *s, double at)
{
    if (s->pass_due)
        return;
    s->pass_due = true;
    post(s, at, PASS, 0, TASKS, 0, 0, 0);
}

/* One turn of root.c's loop. */
static void pass(struct sim *s, double now)
{
    bool moved = s->head < s->tail;
    double when = INFINITY;

    s->pass_due = false;
    s->free_at = now;
    while (s->head < s->tail)
        read_letter(s, &s->inbox[s->head++]);
    s->head = s->tail = 0;
    if (!s->over) {
        s->free_at += s->machine->costs.look * s->machine->nodes;
        moved |= give_all(s);
        ask_those_that_have(s, &when);
        if (is_over(s)) {
            s->over = true;
            for (int node = 0; node < s->machine->nodes; node++)
                send_to(s, node, END, 0, 0);
        }
    }
    if (moved) {
        s->outcome.root_busy += s->free_at - now;
        s->moved = s->free_at;
    }
    if (s->byes == s->machine->nodes)
        s->done = s->free_at;
    else if (isfinite(when))
        plan_pass(s, when + sleep_left(s, when, s->moved));
}

/* A letter lies there until rank 0 is free, or wakes. */
static void arrive(struct sim *s, const struct event *event)
{
    if (s->tail == s->room) {
        s->room = s->room > 0 ? 2 * s->room : 1024;
        s->inbox = need(s->inbox, s->room * sizeof *s->inbox);
    }
    s->inbox[s->tail++] = *event;
    plan_pass(s,
              event->at < s->free_at ? s->free_at : event->at + sleep_left(s, event->at, s->moved));
}

/* -- The whole ---------------------------------------------------------- */

static void handle(struct sim *s, struct event *event)
{
    struct leader *l = &s->leader[event->who];

    switch ((enum kind)(event->kind % 8)) {
    case PASS:
        pass(s, event->at);
        return;
    case LOOK:
        if (event->number == l->look)
            look(s, event->who, event->at);
        return;
    case TO_ROOT:
        arrive(s, event);
        return;
    case TO_NODE:
        event->at = fmax(l->free_at,
                         event->at + (event->who > 0 ? sleep_left(s, event->at, l->moved) : 0.0));
        l->free_at = event->at + (event->who > 0 ? s->machine->costs.handle : 0.0);
        event->kind += NOTICED - TO_NODE;
        heap_add(&s->heap, *event);
        return;
    case NOTICED:
        notice(s, event->who, event->at, event);
        return;
    }
}

struct outcome model_nodes(const struct machine *machine, const struct tasks *tasks,
                           size_t out_size)
{
    struct sim s = { .machine = machine, .tasks = tasks, .out_size = out_size };
    struct event event;

    s.leader = need(NULL, (size_t)machine->nodes * sizeof *s.leader);
    s.view = need(NULL, (size_t)machine->nodes * sizeof *s.view);
    fw_stock_open(&s.stock, tasks->count, 1);
    for (int node = 0; node < machine->nodes; node++) {
        s.view[node] = (struct view){ .wants = true };
        s.leader[node] = (struct leader){ .wanted = true, .told_empty = true };
        flow_open(&s.leader[node].flow, machine, tasks);
    }
    plan_pass(&s, 0.0);
    while (heap_take(&s.heap, &event))
        handle(&s, &event);
    s.outcome.makespan = s.done + model_agreements(machine);
    model_judge(&s.outcome, machine, tasks);
    s.outcome.root_load = fmin(1.0, s.outcome.root_load);
    heap_close(&s.heap);
    fw_stock_close(&s.stock);
    free(s.leader);
    free(s.view);
    free(s.inbox);
    return s.outcome;
}
