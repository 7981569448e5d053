#include "results.h"

#include <string.h>

#include "agree.h"
#include "world.h"

/* What the other ranks get of the report. */
struct end {
    furrow_report report;
    char backend[64];
};

static const char *backend_name(const char *name)
{
    const furrow_backend *list[FW_REGISTRY_MAX];
    int chosen;
    const int n = fw_registry_list(list, &chosen);

    for (int i = 0; i < n; i++)
        if (strcmp(list[i]->name, name) == 0)
            return list[i]->name;
    return "none";
}

furrow_status fw_results_report(furrow_report *report)
{
    struct end end;
    furrow_status status;

    memset(&end, 0, sizeof end);
    if (fw_world_is_root()) {
        end.report = *report;
        fw_text_copy(end.backend, sizeof end.backend, report->backend);
    }
    status = fw_agree_bytes(&end, sizeof end, 0);
    if (status != FURROW_OK)
        return fw_report_refuse(report, status);
    if (!fw_world_is_root()) {
        *report = end.report;
        report->backend = backend_name(end.backend);
    }
    return report->status != FURROW_OK ? fw_fail(report->status, "%s", report->message) : FURROW_OK;
}

/* Outputs of DONE tasks in `from` to the array of this rank. */
static void keep_done(const struct fw_job *job, const unsigned char *outcome, const char *from, size_t first, size_t n)
{
    const size_t size = job->card.out_size;
    char *out = job->request->job.out;

    for (size_t i = 0; i < n; i++)
        if (outcome[first + i] == FURROW_DONE)
            memcpy(out + (first + i) * size, from + i * size, size);
}

static bool gives_everywhere(const struct fw_job *job)
{
    return (job->card.flags & FW_CARD_EVERYWHERE) != 0 && (job->card.flags & FW_CARD_OUT) != 0;
}

/* Outputs that go to all ranks at once. */
static size_t piece_of(const struct fw_job *job)
{
    const size_t most = (size_t)4 << 20, size = job->card.out_size;

    return size < most ? most / size : 1;
}

furrow_status fw_results_open(struct fw_job *job)
{
    if (!gives_everywhere(job) || fw_world_is_root())
        return FURROW_OK;
    job->piece = fw_malloc(piece_of(job) * job->card.out_size);
    return job->piece != NULL ? FURROW_OK : fw_fail(FURROW_ENOMEM, "mpi: no memory for a piece of the outputs, %zu bytes",
                                                    piece_of(job) * (size_t)job->card.out_size);
}

/* job.everywhere: rank 0's outputs to the arrays of all ranks, in pieces. A task
 * that is not DONE leaves its slot as it is. */
static furrow_status share_outputs(struct fw_job *job, const unsigned char *outcome)
{
    const size_t size = job->card.out_size, count = (size_t)job->card.count, piece = piece_of(job);
    furrow_status status = FURROW_OK;

    for (size_t first = 0; first < count && status == FURROW_OK; first += piece) {
        const size_t n = count - first < piece ? count - first : piece;
        char *slots = (char *)job->request->job.out + first * size;
        const bool done = memchr(outcome + first, FURROW_SKIPPED, n) == NULL && job->report->done == count;
        char *at = fw_world_is_root() || done ? slots : job->piece;

        status = fw_agree_bytes(at, n * size, 0);
        if (status == FURROW_OK && at == job->piece)
            keep_done(job, outcome, job->piece, first, n);
    }
    return status;
}

furrow_status fw_results_share(struct fw_job *job)
{
    const bool everywhere = gives_everywhere(job);
    unsigned char *outcome = job->request->job.outcome, *made = NULL;
    furrow_status status = FURROW_OK;
    bool unused = false;

    if ((!everywhere && !job->wants_outcomes) || fw_world.size == 1 || job->card.count == 0)
        return FURROW_OK;
    if (outcome == NULL)
        outcome = made = fw_malloc((size_t)job->card.count);
    if (outcome == NULL)
        status = fw_fail(FURROW_ENOMEM, "mpi: no memory for %llu outcomes", (unsigned long long)job->card.count);
    status = fw_agree_status(status, &unused, &unused);
    if (status == FURROW_OK)
        status = fw_agree_bytes(outcome, (size_t)job->card.count, 0);
    if (status == FURROW_OK && everywhere)
        status = share_outputs(job, outcome);
    fw_free(made);
    return status;
}
