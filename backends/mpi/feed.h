/* Jobs without callbacks where there are several nodes: chunks of tasks go from
 * rank 0 to the leaders of the nodes, ahead of need, and results come back.
 *
 * A leader puts what it gets into a line of its node's ranges that nobody runs
 * tasks from, where the node's workers find it by stealing. Its thread that may
 * call MPI runs no task. docs/mpi.md has the protocol. */
#ifndef FW_MPI_FEED_H
#define FW_MPI_FEED_H

#include "crew.h"
#include "haste.h"
#include "job.h"
#include "pace.h"

/* Runs the job on every rank, also on those without a worker. */
FW_MUST_CHECK furrow_status fw_feed_run(struct fw_job *job);

/* -- A node's tasks, kept by its leader (plot.c) -------------------------- */

/* Tasks that the node was given and whose results rank 0 has not got yet. */
struct fw_bed {
    struct fw_span span;
    size_t left;
};

struct fw_plot {
    struct fw_job *job;
    struct fw_common *common;
    struct fw_ranges *ranges;
    int line;                  /* that is fed: the last one */
    struct fw_span *queue;     /* owned: to be fed, the next one first */
    size_t nqueue, queue_room;
    struct fw_bed *bed;        /* owned; kept where results go elsewhere */
    size_t nbed, bed_room;
    uint64_t given, returned;  /* tasks, ever */
    struct fw_pace_rate rate;
    uint64_t shipped_at;
    bool ships;                /* results go to rank 0 by letter */
    bool staged;               /* workers wait while too many have not gone */
};

void fw_plot_open(struct fw_plot *plot, struct fw_job *job, bool ships);
void fw_plot_close(struct fw_plot *plot);

/* Tasks for this node. False: no memory. */
bool fw_plot_give(struct fw_plot *plot, struct fw_span span);

/* Feeds the line when it is empty; true: it was. */
bool fw_plot_tend(struct fw_plot *plot);

/* Tasks that nobody has claimed; measures the rate, too. */
size_t fw_plot_left(struct fw_plot *plot);

/* Nobody on the node has an unstarted task; asks those that have for theirs. */
bool fw_plot_empty(struct fw_plot *plot);

/* Up to half of what nobody has begun, one span; false: nothing is to be had. */
bool fw_plot_take_back(struct fw_plot *plot, struct fw_span *out);

/* Stops the node's workers. */
void fw_plot_stop(struct fw_plot *plot, enum fw_haste haste);

/* Of a node that stops. */
enum fw_haste fw_plot_haste(const struct fw_plot *plot);

/* Puts results into letters to rank 0 where it is time to, or `all`. */
FW_MUST_CHECK furrow_status fw_plot_ship(struct fw_plot *plot, struct fw_mail *mail, bool all);

/* -- Rank 0 (root.c) ------------------------------------------------------ */

/* Rank 0's tables, before all ranks agree to run the job; closing what was not
 * opened is harmless. */
FW_MUST_CHECK furrow_status fw_root_open(struct fw_job *job);
void fw_root_close(struct fw_job *job);

/* Gives and takes until all is done here and elsewhere; left(own): all ranks of
 * this node have run their tasks. */
FW_MUST_CHECK furrow_status fw_root_run(struct fw_job *job, struct fw_plot *plot, struct fw_crew_beside *crew,
                                        bool (*left)(void *own), void *own);

#endif
