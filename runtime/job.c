#include "job.h"

#include <float.h>
#include <stdio.h>

static furrow_status check_reserved(const char *what, const uint64_t *reserved, int n)
{
    for (int i = 0; i < n; i++)
        if (reserved[i] != 0)
            return fw_fail(FURROW_EINVAL, "%s.reserved[%d] is %llu; it must be 0: start from `= { 0 }`",
                           what, i, (unsigned long long)reserved[i]);
    return FURROW_OK;
}

static furrow_status check_array(const char *field, const void *array, size_t size, size_t count)
{
    size_t bytes;

    if (array != NULL && size == 0 && count > 0)
        return fw_fail(FURROW_EINVAL, "job.%s_size is 0 but job.%s is set; give the bytes of one element", field, field);
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return fw_fail(FURROW_EINVAL, "job.count x job.%s_size is %zu x %zu bytes, more than memory can hold; "
                       "use fewer or smaller elements", field, count, size);
    return FURROW_OK;
}

static furrow_status check_next(const furrow_job *job)
{
    if (job->next == NULL)
        return FURROW_OK;
    if (job->in != NULL)
        return fw_fail(FURROW_EINVAL, "job.in is set and job.next too; inputs come from one of them, set the other to NULL");
    if (job->cost != NULL)
        return fw_fail(FURROW_EINVAL, "job.cost is set and job.next too; inputs made one by one have no costs, set it to NULL");
    if (job->count == 0 && job->out != NULL)
        return fw_fail(FURROW_EINVAL, "job.out is set but job.count is 0 with job.next; "
                       "give the most tasks there may be, or take outputs in on_result");
    if (job->count == 0 && job->outcome != NULL)
        return fw_fail(FURROW_EINVAL, "job.outcome is set but job.count is 0 with job.next; "
                       "give the most tasks there may be, or take outcomes in on_result");
    return FURROW_OK;
}

static furrow_status check_sizes(const furrow_job *job)
{
    furrow_status status;

    if (job->in_size > 0 && job->in == NULL && job->next == NULL)
        return fw_fail(FURROW_EINVAL, "job.in_size is %zu but job.in is NULL; set job.in, or in_size to 0", job->in_size);
    if (job->out_size > 0 && job->out == NULL && job->on_result == NULL)
        return fw_fail(FURROW_EINVAL, "job.out_size is %zu but job.out is NULL and there is no on_result to take "
                       "the output; set job.out, or out_size to 0", job->out_size);
    if (job->shared_size > 0 && job->shared == NULL)
        return fw_fail(FURROW_EINVAL, "job.shared_size is %zu but job.shared is NULL; set job.shared, or shared_size to 0",
                       job->shared_size);
    status = check_array("in", job->in, job->in_size, job->next == NULL ? job->count : 0);
    if (status == FURROW_OK)
        status = check_array("out", job->out, job->out_size, job->out != NULL ? job->count : 0);
    return status;
}

/* Negative, infinite or not a number. No branch: many are looked at side by side. */
static bool is_no_cost(float cost)
{
    return (cost < 0) | !(cost <= FLT_MAX);
}

enum { CHUNK = 16 }; /* costs that are */

static bool all_are_costs(const float *cost)
{
    int wrong = 0;

    for (int k = 0; k < CHUNK; k++)
        wrong += is_no_cost(cost[k]);
    return wrong == 0;
}

static furrow_status check_cost(const furrow_job *job)
{
    size_t i = 0;

    if (job->cost == NULL)
        return FURROW_OK;
    while (job->count - i >= CHUNK && all_are_costs(job->cost + i))
        i += CHUNK;
    for (; i < job->count; i++)
        if (is_no_cost(job->cost[i]))
            return fw_fail(FURROW_EINVAL, "job.cost[%zu] is %g; costs are finite and not negative", i, (double)job->cost[i]);
    return FURROW_OK;
}

furrow_status fw_job_check(const furrow_job *job)
{
    furrow_status status;

    if (job == NULL)
        return fw_fail(FURROW_EINVAL, "job is NULL; pass a job");
    if (job->run == NULL)
        return fw_fail(FURROW_EINVAL, "job.run is NULL; set it to the task function");
    if (job->shared_memory && job->isolate)
        return fw_fail(FURROW_EINVAL, "job.shared_memory and job.isolate are both true; a task in a process of its own "
                       "can't write to the caller's memory: choose one");
    if (job->ordered && job->on_result == NULL)
        return fw_fail(FURROW_EINVAL, "job.ordered is true but job.on_result is NULL; set on_result, or ordered to false");
    status = check_next(job);
    if (status == FURROW_OK)
        status = check_sizes(job);
    if (status == FURROW_OK)
        status = check_cost(job);
    if (status == FURROW_OK)
        status = check_reserved("job", job->reserved, 4);
    return status;
}

furrow_status fw_reduction_check(const furrow_reduction *r)
{
    if (r == NULL)
        return fw_fail(FURROW_EINVAL, "reduction is NULL; pass a reduction");
    if (r->fold == NULL)
        return fw_fail(FURROW_EINVAL, "reduction.fold is NULL; set it to the function that adds a range");
    if (r->combine == NULL)
        return fw_fail(FURROW_EINVAL, "reduction.combine is NULL; set it to the function that joins two results");
    if (r->result == NULL)
        return fw_fail(FURROW_EINVAL, "reduction.result is NULL; point it to the identity, where the result goes too");
    if (r->size == 0)
        return fw_fail(FURROW_EINVAL, "reduction.size is 0; give the bytes of the result");
    if (r->size > SIZE_MAX >> 16)
        return fw_fail(FURROW_EINVAL, "reduction.size is %zu bytes, of which memory can't hold enough; use a smaller result",
                       r->size);
    if (r->shared_size > 0 && r->shared == NULL)
        return fw_fail(FURROW_EINVAL, "reduction.shared_size is %zu but reduction.shared is NULL; set it, or shared_size to 0",
                       r->shared_size);
    return check_reserved("reduction", r->reserved, 4);
}
