#include "deadline.h"

#include <math.h>
#include <time.h>

#include "cpus.h"

static const double ns_per_s = 1e9;

void fw_deadline_open(struct fw_deadline *deadline, double margin, double left, uint64_t now)
{
    const double start_within = left - margin; /* seconds */

    deadline->at = 0;
    deadline->margin = margin;
    atomic_init(&deadline->longest, 0);
    if (margin < 0.0 || !isfinite(start_within))
        return;
    /* Past it already: a moment that was. A century from now is none. */
    if (start_within <= 0.0)
        deadline->at = 1;
    else if (start_within < 3e9)
        deadline->at = now + (uint64_t)(start_within * ns_per_s) + 1;
}

void fw_deadline_note(struct fw_deadline *deadline, size_t tasks, uint64_t ns)
{
    const uint64_t each = tasks > 0 ? ns / tasks + 1 : 0;
    uint64_t longest = atomic_load_explicit(&deadline->longest, memory_order_relaxed);

    while (each > longest && !atomic_compare_exchange_weak(&deadline->longest, &longest, each))
        ;
}

size_t fw_deadline_fits(const struct fw_deadline *deadline, uint64_t now)
{
    const uint64_t longest = atomic_load_explicit(&deadline->longest, memory_order_relaxed);
    uint64_t fits;

    if (deadline->at == 0)
        return SIZE_MAX;
    if (now >= deadline->at)
        return 0;
    fits = longest > 0 ? (deadline->at - now) / longest : 1;
    return fits < SIZE_MAX ? (size_t)fits : SIZE_MAX;
}

void fw_deadline_tell(const struct fw_deadline *deadline, uint64_t now, char out[FURROW_MESSAGE])
{
    const double longest = (double)atomic_load(&deadline->longest) / ns_per_s;
    const double left = now < deadline->at ? (double)(deadline->at - now) / ns_per_s : 0.0;

    if (deadline->at == 1)
        fw_message_append(out, "the end of the allocation: less than FURROW_DEADLINE_MARGIN=%g s were left "
                          "when the job started", deadline->margin);
    else if (longest > 0.0)
        fw_message_append(out, "the end of the allocation: %.3g s were left before FURROW_DEADLINE_MARGIN=%g s, "
                          "and a task took up to %.3g s", left, deadline->margin, longest);
    else
        fw_message_append(out, "the end of the allocation: only FURROW_DEADLINE_MARGIN=%g s are left",
                          deadline->margin);
}

double furrow_allocation_seconds_left(void)
{
    const struct fw_grant *grant = fw_cpus_grant();
    struct timespec now;

    if (!grant->here || grant->ends == 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
        return INFINITY;
    return fmax(0.0, (double)(grant->ends - (int64_t)now.tv_sec) - (double)now.tv_nsec * 1e-9);
}

void fw_deadline_of_process(struct fw_deadline *deadline, uint64_t now)
{
    const double margin = fw_env()->deadline_margin;
    const struct fw_grant *grant;

    if (margin < 0.0) {
        deadline->at = 0;
        return;
    }
    fw_deadline_open(deadline, margin, furrow_allocation_seconds_left(), now);
    grant = fw_cpus_grant();
    if (deadline->at == 0 && grant->here && grant->ends == 0)
        fw_log_once("no end", "FURROW_DEADLINE_MARGIN=%g has no effect: nothing tells when this %s allocation ends; "
                    "set SLURM_JOB_END_TIME in the batch script as slurm/ does", margin, grant->system);
}
