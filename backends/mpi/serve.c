#include "serve.h"

#include <stdlib.h>
#include <string.h>

#include <furrow/mpi.h>

#include "job.h"
#include "world.h"

/* That of this process; NULL: the job has none, or it is the first *missing one. */
static fw_function *find(const struct fw_identity *identity, const struct fw_identity **missing)
{
    fw_function *function = fw_identity_find(identity);

    if (function == NULL && identity->set && *missing == NULL)
        *missing = identity;
    return function;
}

/* The functions of the job, as they are in this process. */
static furrow_status find_functions(struct fw_job *job)
{
    const struct fw_card *card = &job->card;
    const struct fw_identity *missing = NULL;
    furrow_job *own = &job->request->job;

    own->run = (furrow_task_fn)find(&card->run, &missing);
    own->worker_begin = (furrow_worker_fn)find(&card->begin, &missing);
    own->worker_end = (furrow_worker_fn)find(&card->end, &missing);
    job->reducing.fold = (fw_fold_fn)find(&card->reduction.fold, &missing);
    job->reducing.combine = (fw_combine_fn)find(&card->reduction.combine, &missing);
    if (missing == NULL)
        return FURROW_OK;
    return fw_fail(FURROW_EINVAL, "has not the build of %s that rank 0 runs; start the same program and libraries on all "
                   "ranks", missing->module[0] != '\0' ? missing->module : "the program");
}

/* The job as a program on this rank would have given it. */
static void take_over(struct fw_job *job)
{
    furrow_job *own = &job->request->job;
    const struct fw_card *card = &job->card;
    const bool reduces = (card->flags & FW_CARD_REDUCES) != 0;

    *own = (furrow_job){ .name = (card->flags & FW_CARD_NAMED) != 0 ? card->name : NULL,
                         .count = (size_t)card->count,
                         .in_size = (size_t)card->in_size,
                         .out_size = (size_t)card->out_size,
                         .shared_size = reduces ? 0 : (size_t)card->shared_size,
                         .seed = card->seed,
                         .shared_memory = (card->flags & FW_CARD_SHARED_MEMORY) != 0,
                         .isolate = (card->flags & FW_CARD_ISOLATE) != 0,
                         .ordered = (card->flags & FW_CARD_ORDERED) != 0 };
    job->request->scratch = (size_t)card->scratch;
    job->reducing.cut = card->reduction.cut;
    job->reducing.shared_size = (size_t)card->reduction.shared_size;
    job->request->reducing = reduces ? &job->reducing : NULL;
}

/* One job; false: there are no more. */
static bool serve_one(void)
{
    struct fw_request request = { .refused = FURROW_OK };
    furrow_report report;
    struct fw_job job = { .request = &request, .report = &report, .given = FURROW_CONFIG_DEFAULT, .window = { NULL, 0, -1 } };
    furrow_status status;

    fw_report_clear(&report);
    if (fw_job_listen(&job.card) != FURROW_OK || job.card.kind == FW_CARD_END)
        return false;
    take_over(&job);
    status = job.card.refused == FURROW_OK ? find_functions(&job) : FURROW_OK;
    (void)fw_job_follow(&job, status);
    return true;
}

void fw_serve(void)
{
    furrow_status status;
    int over = 0;

    while (serve_one())
        ;
    fw_world.ended = true;
    status = furrow_mpi_finalize();
    if (MPI_Finalized(&over) == MPI_SUCCESS && !over) /* the program began MPI, and its end is not reached */
        (void)MPI_Finalize();
    exit(status == FURROW_OK ? EXIT_SUCCESS : EXIT_FAILURE);
}
