/* A node as a flow: its workers get on with what is given to them at the rate of
 * one task each, and no work is lost or made. What it leaves out: which worker has
 * which task, but for the end. docs/scaling.md compares it with node.c. */
#ifndef SCALE_FLOW_H
#define SCALE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "pace.h"

struct flow {
    int workers;
    double each;    /* ns of a worker for a task, its part of a claim in it */
    double at;      /* all below is as of then */
    double backlog; /* tasks whose work is still to be done, begun or not; parts count */
    double busy;    /* workers that have a task; each of them until the backlog is done */
    double last_busy, idle_at; /* how many were, and when it was done last */
    double given, returned;
    double end_least; /* when what was given last can be over */
    bool held;        /* a worker has the straggler ... */
    double held_until;
    struct fw_pace_rate rate;
};

/* ns of a worker for a task: with its part of a claim, and of a core. */
double flow_each(const struct machine *machine, const struct tasks *tasks);

void flow_open(struct flow *flow, int workers, double each);
void flow_advance(struct flow *flow, double now);
void flow_give(struct flow *flow, double now, double n);

/* One of the tasks just given takes `length`, and begins when all others that are
 * there have: the latest that is possible. */
void flow_hold(struct flow *flow, double length);

/* Tasks that are given back: what a thief gets of the fullest of the workers'
 * ranges, which has about its share of what is left. */
double flow_take_back(struct flow *flow, double now);

/* Tasks that nobody has begun, and those that have ended; parts count. */
double flow_left(const struct flow *flow);
double flow_ended(const struct flow *flow);

/* How long until that many are left, or until the next one ends. Infinite: never. */
double flow_until(const struct flow *flow, double left);
double flow_next_end(const struct flow *flow);

/* When the last worker ends, once nothing is left nor comes. The node is taken to
 * have run the tasks from `first` on. */
double flow_end(const struct flow *flow, const struct tasks *tasks, size_t first);

#endif
