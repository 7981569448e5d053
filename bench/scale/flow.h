/* A node as a flow: tasks begin at the rate at which its busy workers end them.
 * What it leaves out: that equally long tasks end together, and which worker has
 * which task. docs/scaling.md compares it with the node of node.c. */
#ifndef SCALE_FLOW_H
#define SCALE_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

struct flow {
    int workers;
    double each;          /* ns of a worker for a task, its part of a claim in it */
    double at;            /* all below is as of then */
    double left;          /* tasks that nobody has begun */
    double busy;          /* workers; once nothing is left they end one by one within `each` */
    double dry, dry_busy; /* when nothing was left last, and who was busy then */
    double given, returned;
    double end_least;                   /* of a straggler */
    double rate, measured_at, measured; /* as in backends/mpi/plot.c */
};

void flow_open(struct flow *flow, const struct machine *machine, const struct tasks *tasks);
void flow_advance(struct flow *flow, double now);
void flow_give(struct flow *flow, double now, double n);

/* Tasks that are given back: what a thief gets of the fullest of the workers'
 * ranges, which has about its share of what is left. */
double flow_take_back(struct flow *flow, double now);

/* Tasks that have ended. */
double flow_ended(const struct flow *flow);

/* How long until that many are left, or until the next one ends. Infinite: never. */
double flow_until(const struct flow *flow, double left);
double flow_next_end(const struct flow *flow);

/* When the last worker ends, once nothing is left nor comes. */
double flow_end(const struct flow *flow, const struct tasks *tasks, uint64_t stream);

#endif
