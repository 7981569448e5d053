#include "allot.h"

#include <stddef.h>

#include "context.h"
#include "cpus.h"
#include "lease.h"
#include "memory.h"

int fw_allot_share(int cpus, int team)
{
    return cpus / team > 1 ? cpus / team : 1;
}

static bool all_cpus(struct fw_allotment *allotment)
{
    const int count = fw_cpus()->count;

    allotment->at = allotment->few;
    if (count > FW_ALLOT_FEW)
        allotment->at = allotment->owned = fw_malloc((size_t)count * sizeof *allotment->owned);
    for (int i = 0; i < count && allotment->at != NULL; i++)
        allotment->at[i] = i;
    allotment->count = count;
    return allotment->at != NULL;
}

furrow_status fw_allot_open(struct fw_allotment *allotment, const struct fw_context *caller, int team)
{
    allotment->held = 0;
    allotment->owned = NULL;
    if (caller->at != NULL) {
        allotment->at = (int *)caller->at; /* nobody writes it while held is 0 */
        allotment->count = fw_allot_share(caller->cpus, team);
        return FURROW_OK;
    }
    if (!all_cpus(allotment))
        return fw_fail(FURROW_ENOMEM, "no memory for the list of %d CPUs; give the program more memory",
                       fw_cpus()->count);
    allotment->count = allotment->held = fw_lease_hold(fw_allot_share(allotment->count, team), allotment->at);
    return FURROW_OK;
}

bool fw_allot_is_whole(const struct fw_allotment *allotment, const struct fw_context *caller, int team)
{
    return caller->at != NULL || (allotment->count == fw_allot_share(fw_cpus()->count, team) &&
                                  allotment->at[allotment->count - 1] == allotment->count - 1);
}

void fw_allot_release(struct fw_allotment *allotment)
{
    if (allotment->held > 0)
        fw_lease_release(allotment->at, allotment->held);
    allotment->held = 0;
}

void fw_allot_close(struct fw_allotment *allotment)
{
    fw_allot_release(allotment);
    fw_free(allotment->owned);
}
