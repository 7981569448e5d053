#include "given.h"

#include <string.h>

#include "world.h"

#include "runtime/reducing.h"

static size_t padded(size_t size)
{
    return (size + FW_CACHE_LINE - 1) / FW_CACHE_LINE * FW_CACHE_LINE;
}

/* Ranks that all started the reduction have what it needs themselves. */
static bool reduction_travels(const struct fw_request *request)
{
    return request->reducing != NULL && fw_world.serves;
}

static int list_reduction(const struct fw_reducing *r, struct fw_given part[FW_GIVEN_MOST])
{
    part[0] = (struct fw_given){ r->identity, r->cut.size, 0 };
    part[1] = (struct fw_given){ r->shared, r->shared_size, padded(r->cut.size) };
    return r->shared_size > 0 ? 2 : 1;
}

int fw_given_list(const struct fw_request *request, struct fw_given part[FW_GIVEN_MOST])
{
    if (reduction_travels(request))
        return list_reduction(request->reducing, part);
    part[0] = (struct fw_given){ request->job.shared, request->job.shared_size, 0 };
    return request->job.shared_size > 0 ? 1 : 0;
}

size_t fw_given_bytes(const struct fw_request *request)
{
    struct fw_given part[FW_GIVEN_MOST];
    const int n = fw_given_list(request, part);

    if (n == 0)
        return 0;
    if (part[n - 1].size > SIZE_MAX - part[n - 1].offset)
        return SIZE_MAX;
    return part[n - 1].offset + part[n - 1].size;
}

void fw_given_copy(const struct fw_request *request, char *copy)
{
    struct fw_given part[FW_GIVEN_MOST];
    const int n = fw_given_list(request, part);

    for (int i = 0; i < n; i++)
        memcpy(copy + part[i].offset, part[i].at, part[i].size);
}

void fw_given_take(struct fw_job *job, struct fw_request *request, const char *copy)
{
    struct fw_given part[FW_GIVEN_MOST];
    int n;

    if (!reduction_travels(request)) {
        request->job.shared = copy;
        return;
    }
    n = fw_given_list(request, part);
    job->reducing.identity = copy + part[0].offset;
    job->reducing.shared = n > 1 ? copy + part[1].offset : NULL;
    request->job.shared = &job->reducing;
}
