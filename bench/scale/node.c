/* One node, claim by claim: the workers run the library's ranges and batches, and
 * only the clock is ours. A claim is one event; a worker that is asked puts back
 * at its next task, as in runtime/loop.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/batch.h"
#include "heap.h"
#include "model.h"
#include "runtime/ranges.h"

struct worker {
    struct fw_batch batch;
    struct fw_span claim; /* empty: none */
    double since;         /* when it was made */
    uint64_t number;      /* of its event; an older one means nothing */
    bool left, waits;
};

struct node {
    const struct machine *machine;
    const struct tasks *tasks;
    struct fw_ranges *ranges;
    struct worker *worker;
    struct heap heap;
    double stretch, end;
    size_t ran;
};

static void *need(size_t bytes)
{
    /* fw_ranges are aligned to a cache line */
    void *memory =
        aligned_alloc(FW_CACHE_LINE, (bytes + FW_CACHE_LINE - 1) / FW_CACHE_LINE * FW_CACHE_LINE);

    if (memory == NULL) {
        fprintf(stderr, "scale: no memory for the workers of a node; take fewer ranks\n");
        exit(1);
    }
    return memory;
}

/* The last worker walks from high to low. */
static size_t nth(const struct node *node, int w, struct fw_span claim, size_t n)
{
    return fw_ranges_backwards(node->ranges, w) ? claim.end - 1 - n : claim.begin + n;
}

static void plan_event(struct node *node, int w, double at)
{
    heap_add(&node->heap, (struct event){ .at = at, .who = w, .number = ++node->worker[w].number });
}

/* When the claim is over, made at `since`. */
static double end_of(const struct node *node, struct fw_span claim, double since)
{
    double length = node->machine->costs.claim;

    for (size_t i = claim.begin; i < claim.end; i++)
        length += tasks_length(node->tasks, i);
    return since + length * node->stretch;
}

/* Tasks of its claim that a worker has begun by `now`: at least one. *next: when
 * it begins the next one. */
static size_t begun(const struct node *node, int w, double now, double *next)
{
    const struct worker *me = &node->worker[w];
    const size_t n = me->claim.end - me->claim.begin;
    double at = me->since + node->machine->costs.claim * node->stretch;
    size_t k = 0;

    while (k < n && (k == 0 || at <= now))
        at += tasks_length(node->tasks, nth(node, w, me->claim, k++)) * node->stretch;
    *next = at;
    return k;
}

/* The lines say what runs, for those who ask. */
static void show_running(struct node *node, double now)
{
    double next;

    for (int v = 0; v < node->ranges->workers; v++) {
        const size_t k = begun(node, v, now, &next);

        if (k > 0)
            atomic_store(&node->ranges->line[v].running,
                         nth(node, v, node->worker[v].claim, k - 1));
    }
}

/* A worker that was asked puts back behind the task that it starts next. Returns
 * when that is. */
static double put_back(struct node *node, int w, double now)
{
    struct worker *me = &node->worker[w];
    double next;
    const size_t k = begun(node, w, now, &next);

    atomic_fetch_and(&node->ranges->line[w].attention, ~(uint32_t)FW_HUNGRY);
    if (k > 0 && k < me->claim.end - me->claim.begin &&
        fw_ranges_put_back(node->ranges, w, nth(node, w, me->claim, k), &me->claim))
        plan_event(node, w, end_of(node, me->claim, me->since));
    return next;
}

static void wake(struct node *node, double now)
{
    for (int w = 0; w < node->ranges->workers; w++)
        if (node->worker[w].waits) {
            node->worker[w].waits = false;
            plan_event(node, w, now);
        }
}

/* False: its range is empty. */
static bool claim(struct node *node, int w, double now)
{
    struct worker *me = &node->worker[w];
    const size_t left = fw_ranges_left(node->ranges, w);

    me->claim = (struct fw_span){ 0, 0 };
    if (!fw_ranges_claim(node->ranges, w, left > 0 ? fw_batch_limit(&me->batch, left) : 1,
                         &me->claim))
        return false;
    me->since = now;
    plan_event(node, w, end_of(node, me->claim, now));
    return true;
}

/* Until the one that was asked has put back, or anybody ends a claim. */
static void await_put_back(struct node *node, int w, double now, double looked)
{
    double at = looked;

    node->worker[w].waits = true;
    for (int v = 0; v < node->ranges->workers; v++)
        if ((atomic_load(&node->ranges->line[v].attention) & FW_HUNGRY) != 0)
            at = fmax(at, put_back(node, v, now));
    for (int v = 0; v < node->ranges->workers; v++)
        if (fw_ranges_left(node->ranges, v) > 0) {
            wake(node, at);
            return;
        }
}

/* Nothing of its own: a steal, a wait, or the end. */
static void look_elsewhere(struct node *node, int w, double now)
{
    const struct costs *costs = &node->machine->costs;
    const double looked =
        now + (costs->steal + costs->look * node->ranges->workers) * node->stretch;

    if (fw_ranges_steal(node->ranges, w) && claim(node, w, looked))
        return;
    show_running(node, now);
    switch (fw_ranges_ask(node->ranges, w)) {
    case FW_HOPE_STEAL:
        plan_event(node, w, looked);
        return;
    case FW_HOPE_ASKED:
        await_put_back(node, w, now, looked);
        return;
    case FW_HOPE_NONE:
        node->worker[w].left = true;
    }
}

static void end_claim(struct node *node, int w, double now)
{
    struct worker *me = &node->worker[w];
    const size_t n = me->claim.end - me->claim.begin;

    if (n == 0)
        return;
    fw_ranges_close(node->ranges, w);
    fw_batch_note(&me->batch, n, (uint64_t)(now - me->since));
    node->ran += n;
    node->end = now;
    me->claim.begin = me->claim.end;
    wake(node, now);
}

static void turn(struct node *node, int w, double now)
{
    end_claim(node, w, now);
    if (!claim(node, w, now))
        look_elsewhere(node, w, now);
}

struct outcome model_node(const struct machine *machine, const struct tasks *tasks)
{
    struct node node = { .machine = machine, .tasks = tasks, .stretch = model_stretch(machine) };
    struct outcome outcome = { 0 };
    struct event event;

    node.ranges = need(fw_ranges_bytes(machine->ranks));
    node.worker = need((size_t)machine->ranks * sizeof *node.worker);
    fw_ranges_init(node.ranges, tasks->count, machine->ranks);
    for (int w = 0; w < machine->ranks; w++) {
        node.worker[w] = (struct worker){ .number = 0 };
        fw_batch_init(&node.worker[w].batch, 0, (uint64_t)machine->costs.claim);
        plan_event(&node, w, 0.0);
    }
    while (heap_take(&node.heap, &event))
        if (event.number == node.worker[event.who].number && !node.worker[event.who].left)
            turn(&node, event.who, event.at);
    outcome.ran = node.ran;
    outcome.makespan = node.end + model_agreements(machine);
    model_judge(&outcome, machine, tasks);
    heap_close(&node.heap);
    free(node.ranges);
    free(node.worker);
    return outcome;
}
