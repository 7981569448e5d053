/* What messages, claims and agreements cost: a table that was measured on some
 * machine, or is assumed for a network. */
#ifndef SCALE_COSTS_H
#define SCALE_COSTS_H

#include <stdbool.h>

/* All in ns. The names of costs.tsv. */
struct costs {
    double claim;   /* one claim with its two looks at the clock */
    double steal;   /* half of another line, found and moved; a line looked at */
    double look;    /* a worker's line, or rank 0's view of a node, in one pass */
    double job;     /* a job on one rank: plan, work block, report */
    double round;   /* what one more level of the agreements' trees adds to a job */
    double handle;  /* CPU of rank 0 or a leader for a letter, received or sent */
    double byte;    /* the same for a byte */
    double latency; /* of a letter on its way */
};

/* Reads "name <tab> value" lines over *costs; '#' begins a comment. False: `why`
 * (of 200 bytes) has a sentence. */
bool costs_read(const char *path, struct costs *costs, char *why);

/* One of them by name; false: there is no such cost, or the value is none. */
bool costs_set(struct costs *costs, const char *name, double value);

#endif
