/* The CPUs that one job may lease, from its start to its end. */
#ifndef FW_ALLOT_H
#define FW_ALLOT_H

#include <stdbool.h>

#include <furrow/furrow.h>

#include "message.h"

struct fw_context;

enum { FW_ALLOT_FEW = 64 };

/* On the stack of who starts the job; not copied. */
struct fw_allotment {
    int *at;    /* their places in fw_cpus(); `few`, owned, or the caller's lease */
    int count;  /* >= 1 */
    int held;   /* of them, so many are to be released */
    int *owned; /* NULL: nothing to free */
    int few[FW_ALLOT_FEW];
};

/* Of `cpus` a job's share, where `team` threads of a parallel region may each
 * start one: at least 1. */
int fw_allot_share(int cpus, int team);

/* Inside a task its lease; outside, CPUs that no other job holds (rule 7), which
 * are held until released. FURROW_ENOMEM: nothing is held. */
FW_MUST_CHECK furrow_status fw_allot_open(struct fw_allotment *allotment, const struct fw_context *caller, int team);

/* No other job held CPUs that this one might have had. */
bool fw_allot_is_whole(const struct fw_allotment *allotment, const struct fw_context *caller, int team);

/* Others may hold them; `at` stays as it is. */
void fw_allot_release(struct fw_allotment *allotment);

/* Releases what is held, and frees. */
void fw_allot_close(struct fw_allotment *allotment);

#endif
