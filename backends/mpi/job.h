/* The way of a job on mpi: agreement, run, second agreement. docs/mpi.md has it
 * as a picture. */
#ifndef FW_MPI_JOB_H
#define FW_MPI_JOB_H

#include "card.h"
#include "deal.h"
#include "mail.h"
#include "window.h"

#include "runtime/reducing.h"

/* One job, as this rank sees it; on its stack. */
struct fw_job {
    struct fw_request *request; /* borrowed; completed from the card */
    furrow_report *report;
    furrow_config given;        /* the config before the environment */
    struct fw_card card;        /* rank 0's */
    bool invalid;               /* the job of this rank has no meaning */
    bool wants_outcomes;        /* some rank has an array for them */
    unsigned char *made;        /* owned: outcomes of rank 0 where the program wants none */
    char *piece;                /* owned: room for a part of the outputs that come from rank 0; NULL: none come */
    struct fw_share_of_rank deal;

    /* This rank's part of the work. */
    int *at;                    /* owned: the CPUs it holds */
    int cpus;                   /* how many; 0: none held */
    struct fw_plan plan;        /* rank 0: of the job; with `workers` and `cpus` of this rank */
    struct fw_share share;
    struct fw_request own;      /* the request as this rank's workers see it */
    struct fw_reducing reducing; /* a serving rank's, of a reduction */
    struct furrow_work *work;   /* NULL: no worker here */
    uint64_t start;
    uint32_t deaths;            /* of workers, when tasks were dealt again last */
    bool again;                 /* tasks that dying workers lost are run now */

    /* Where tasks go by message; opened before all ranks agree to run the job. */
    struct fw_mail mail;
    struct fw_lending *lending;     /* owned, as the next two: lend.c's; NULL: none, as of these */
    struct fw_borrowing *borrowing; /* borrow.c's */
    struct fw_root *root;           /* root.c's */

    /* What the ranks of the node share. */
    struct fw_window window;    /* of this job alone; empty where a kept one does */
    unsigned char *outcome;
    char *in, *shared;          /* copies of rank 0's; NULL: none */
};

/* The job has callbacks: tasks travel one by one. */
static inline bool fw_job_streams(const struct fw_job *job)
{
    return (job->card.flags & (FW_CARD_NEXT | FW_CARD_RESULTS)) != 0;
}

/* Tasks run in forked processes of the ranks. */
static inline bool fw_job_forks(const struct fw_job *job)
{
    return (job->card.flags & FW_CARD_ISOLATE) != 0 || job->card.config.timeout > 0;
}

/* As furrow_map() and furrow_plan() (struct fw_remote). */
furrow_status fw_job_map(struct fw_request *request, const furrow_config *config, furrow_report *report);
furrow_status fw_job_plan(struct fw_request *request, furrow_report *report);

/* The next card of rank 0; on the other ranks. FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_job_listen(struct fw_card *card);

/* Takes part in the job of `job->card`, which was listened to; `status` and this
 * thread's sentence say what this rank found wrong. */
furrow_status fw_job_follow(struct fw_job *job, furrow_status status);

/* No more jobs on this communicator. Collective; a job that rank 0 starts
 * meanwhile is refused. */
furrow_status fw_job_end(void);

#endif
