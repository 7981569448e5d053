/* The nodes of a job: letters and looks in the order of their times. */
#include "nodes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pace.h"

void *sim_need(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes);

    if (memory == NULL) {
        fprintf(stderr, "scale: no memory for so many nodes\n");
        exit(1);
    }
    return memory;
}

double sim_sleep_left(struct sim *s, double now, double moved)
{
    const double waited = now > moved ? now - moved : 0.0;
    const double sleep = waited < 20000.0 ? 0.0 : (double)fw_pace_sleep((uint64_t)waited);

    return sleep * tasks_chance(s->tasks->seed + 1, s->draws++);
}

/* A letter shares a word with the kind of event. */
enum { KINDS = 8 };

void sim_post(struct sim *s, double at, int kind, int node, enum letter letter, double a, double b,
              uint64_t c)
{
    heap_add(&s->heap, (struct event){ at, 0, kind + KINDS * (int)letter, node, { a, b }, c });
}

enum letter sim_letter(const struct event *event)
{
    return (enum letter)(event->kind / KINDS);
}

static void handle(struct sim *s, struct event *event)
{
    struct leader *l = &s->leader[event->who];

    switch ((enum kind)(event->kind % KINDS)) {
    case PASS:
        rank0_pass(s, event->at);
        return;
    case LOOK:
        if (event->number == l->look)
            leader_look(s, event->who, event->at);
        return;
    case TO_ROOT:
        rank0_arrive(s, event);
        return;
    case TO_NODE:
        event->at =
            fmax(l->free_at,
                 event->at + (event->who > 0 ? sim_sleep_left(s, event->at, l->moved) : 0.0));
        l->free_at = event->at + (event->who > 0 ? s->machine->costs.handle : 0.0);
        event->kind += NOTICED - TO_NODE;
        heap_add(&s->heap, *event);
        return;
    case NOTICED:
        leader_notice(s, event->who, event->at, event);
        return;
    }
}

struct outcome model_nodes(const struct machine *machine, const struct tasks *tasks,
                           size_t out_size)
{
    struct sim s = { .machine = machine, .tasks = tasks, .out_size = out_size };
    const double each = flow_each(machine, tasks);
    struct event event;

    s.wants = machine->nodes;
    s.leader = sim_need(NULL, (size_t)machine->nodes * sizeof *s.leader);
    s.view = sim_need(NULL, (size_t)machine->nodes * sizeof *s.view);
    fw_stock_open(&s.stock, tasks->count, 1);
    for (int node = 0; node < machine->nodes; node++) {
        s.view[node] = (struct view){ .wants = true };
        s.leader[node] = (struct leader){ .wanted = true };
        flow_open(&s.leader[node].flow, machine->ranks, each);
        sim_post(&s, 0.0, LOOK, node, TASKS, 0, 0, 0); /* it says that it is empty */
    }
    rank0_plan_pass(&s, 0.0);
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
