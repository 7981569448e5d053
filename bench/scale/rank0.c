/* Rank 0, letter by letter: backends/mpi/root.c with another clock. The stock and
 * the pace are the library's. */
#include <math.h>
#include <stdlib.h>

#include "nodes.h"
#include "pace.h"

/* Sets a flag of a view and counts those that are set: most turns have no need of
 * a look at each view, whatever they are charged for it. */
static void say(int *count, bool *flag, bool value)
{
    *count += value - *flag;
    *flag = value;
}

static void send_to(struct sim *s, int node, enum letter letter, double a, double b)
{
    if (node > 0) {
        s->free_at += s->machine->costs.handle;
        s->outcome.letters++;
    }
    sim_post(s, s->free_at + (node > 0 ? s->machine->costs.latency : 0.0), TO_NODE, node, letter, a,
             b, 0);
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
    say(&s->wants, &v->wants, false);
    say(&s->empty, &v->empty, false);
    v->rest = s->free_at + (double)fw_pace_patience();
    return true;
}

static bool give_all(struct sim *s)
{
    bool some = false;

    for (int round = s->empty > 0 ? 0 : 1; round < 2 && s->wants > 0; round++)
        for (int i = 0; i < s->machine->nodes && fw_stock_left(&s->stock) > 0; i++) {
            const int node = (s->turn + i) % s->machine->nodes;

            if (s->view[node].wants && (round > 0 || s->view[node].empty))
                some |= give(s, node);
        }
    return some;
}

/* False: nobody wants, or all that have were asked. *when: the earliest time at
 * which one more may be. */
static void ask_those_that_have(struct sim *s, double *when)
{
    int asked = 0;

    if (s->empty == 0 || s->empty == s->machine->nodes || fw_stock_left(&s->stock) > 0)
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
        say(&s->asked, &v->asked, true);
        send_to(s, node, RECALL, 0, 0);
        asked++;
    }
}

/* Tasks that come back have lost their indices: any of the same number do. */
static void take_back(struct sim *s, int node, double n)
{
    const size_t begin = s->tasks->count;
    struct view *v = &s->view[node];

    say(&s->asked, &v->asked, false);
    if (n < 1)
        v->rest = s->free_at + (double)fw_pace_patience();
    else if (!fw_stock_return(&s->stock, (struct fw_span){ begin + 1, begin + 1 + (size_t)n }))
        exit(1);
    if (n >= 1)
        s->turn = (node + 1) % s->machine->nodes;
    s->outcome.recalled += (uint64_t)n;
}

static void read_letter(struct sim *s, const struct event *event)
{
    struct view *v = &s->view[event->who];
    const struct costs *costs = &s->machine->costs;

    if (event->who > 0) {
        s->free_at +=
            costs->handle + (sim_letter(event) == RESULTS ? event->value[1] * costs->byte : 0.0);
        s->outcome.letters++;
    }
    switch (sim_letter(event)) {
    case WANTED:
        if (event->number != v->sent)
            return;
        say(&s->wants, &v->wants, true);
        say(&s->empty, &v->empty, event->value[1] > 0);
        v->rate = event->value[0] > 0 ? event->value[0] : v->rate;
        return;
    case UNRUN:
        take_back(s, event->who, event->value[0]);
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
    return fw_stock_left(&s->stock) == 0 && s->empty == s->machine->nodes && s->asked == 0;
}

void rank0_plan_pass(struct sim *s, double at)
{
    if (s->pass_due)
        return;
    s->pass_due = true;
    sim_post(s, at, PASS, 0, TASKS, 0, 0, 0);
}

/* One turn of root.c's loop. */
void rank0_pass(struct sim *s, double now)
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
        rank0_plan_pass(s, when + sim_sleep_left(s, when, s->moved));
}

/* A letter lies there until rank 0 is free, or wakes. */
void rank0_arrive(struct sim *s, const struct event *event)
{
    if (s->tail == s->room) {
        s->room = s->room > 0 ? 2 * s->room : 1024;
        s->inbox = sim_need(s->inbox, s->room * sizeof *s->inbox);
    }
    s->inbox[s->tail++] = *event;
    rank0_plan_pass(s, event->at < s->free_at ? s->free_at
                                              : event->at + sim_sleep_left(s, event->at, s->moved));
}
