/* The model: a job, the machine it runs on, and what comes of it. */
#ifndef SCALE_MODEL_H
#define SCALE_MODEL_H

#include "costs.h"
#include "tasks.h"

struct machine {
    int nodes, ranks; /* >= 1; of a node */
    int cores;        /* of a node; more ranks share them evenly. 0: one a rank */
    struct costs costs;
};

struct outcome {
    double makespan;   /* ns, the agreements among them */
    double efficiency; /* sum of the tasks / (makespan x cores in use) */
    double root_busy;  /* ns that rank 0's thread spent on letters and looks */
    double root_load;  /* of the time between the agreements: 0 ... 1 */
    uint64_t letters;  /* received or sent by rank 0 */
    uint64_t recalled; /* tasks that were given back */
    size_t ran;        /* tasks; the count */
};

/* One node, claim by claim, on the library's own ranges and batches. */
struct outcome model_node(const struct machine *machine, const struct tasks *tasks);

/* Nodes that are fed by rank 0, letter by letter, with the library's stock and
 * pace; a node is a flow (flow.h). Also for one node. */
struct outcome model_nodes(const struct machine *machine, const struct tasks *tasks,
                           size_t out_size);

/* ns of the agreements around a job, and what a rank alone needs for one. */
double model_agreements(const struct machine *machine);

/* Time runs slower by this where ranks share cores. >= 1. */
double model_stretch(const struct machine *machine);

/* The figures that follow from the others. */
void model_judge(struct outcome *outcome, const struct machine *machine, const struct tasks *tasks);

#endif
