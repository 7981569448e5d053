/* The leader of a node that gets its tasks from rank 0, and the ranks beside
 * it. */
#include "feed.h"

#include <string.h>

#include "entry.h"
#include "pace.h"
#include "world.h"

struct feeding {
    struct fw_job *job;
    struct fw_plot plot;
    struct fw_mail *mail;      /* the job's */
    struct fw_crew_beside crew;
    bool wanted, told_empty;   /* rank 0 knows */
    uint64_t heard;            /* letters of tasks */
    enum fw_haste told_haste;
    bool told_stop;            /* rank 0 knows, with told_haste */
    int ends;                  /* letters that said so: no more tasks, then no more letters */
    MPI_Request barrier;       /* all ranks of the node have run their tasks */
    bool at_barrier, passed;
    furrow_status status;
};

static void note(struct feeding *f, furrow_status status)
{
    if (status == FURROW_OK || f->status != FURROW_OK)
        return;
    f->status = status;
    if (f->job->work != NULL)
        (void)furrow_work_fail(f->job->work, status, "%s", furrow_message());
    fw_plot_stop(&f->plot, FW_HASTE_SOON);
}

static bool stops(const struct feeding *f)
{
    return atomic_load(&f->plot.common->stopping) != 0;
}

/* -- Letters from rank 0 -------------------------------------------------- */

static bool read_tasks(struct feeding *f, struct fw_post *post)
{
    const size_t size = f->job->in != NULL ? (size_t)f->job->card.in_size : 0;

    for (uint32_t i = 0; i < post->head->n; i++) {
        struct fw_span span;
        const void *in;

        if (!fw_entry_tasks(post, f->job->card.count, size, &span, &in))
            return false;
        if (in != NULL)
            memcpy(f->job->in + span.begin * size, in, (span.end - span.begin) * size);
        if (!fw_plot_give(&f->plot, span))
            note(f, fw_fail(FURROW_ENOMEM, "mpi: no memory for the list of a node's tasks"));
    }
    f->wanted = f->told_empty = false;
    f->heard++;
    return true;
}

static void give_back(struct feeding *f)
{
    struct fw_letter letter;
    struct fw_span span;

    fw_letter_begin(&letter, FW_LETTER_UNRUN);
    if (fw_plot_take_back(&f->plot, &span)) {
        (void)fw_letter_put(&letter, &span, sizeof span);
        fw_letter_count(&letter);
    }
    note(f, fw_mail_send(f->mail, &letter, 0));
}

static bool read_post(struct feeding *f, struct fw_post *post)
{
    switch ((enum fw_letter_kind)post->head->kind) {
    case FW_LETTER_TASKS:
        return read_tasks(f, post);
    case FW_LETTER_RECALL:
        give_back(f);
        return true;
    case FW_LETTER_STOP:
        f->told_stop = true;
        if (f->told_haste < (enum fw_haste)post->head->n)
            f->told_haste = (enum fw_haste)post->head->n;
        fw_plot_stop(&f->plot, (enum fw_haste)post->head->n);
        return true;
    case FW_LETTER_END:
        f->ends++;
        return true;
    default:
        return false;
    }
}

/* After an error, too: rank 0 waits until its letters are received. Then only
 * the last ones mean something. */
static bool receive(struct feeding *f)
{
    struct fw_post post;
    bool some = false;

    while (!f->mail->broken && f->ends < 2) {
        note(f, fw_mail_receive(f->mail, &post));
        if (post.head == NULL)
            break;
        some = true;
        if (f->status != FURROW_OK)
            f->ends += post.head->kind == FW_LETTER_END;
        else if (!read_post(f, &post))
            note(f, fw_fail(FURROW_ESYS, "mpi: a message of rank 0 makes no sense; are all ranks of one build of furrow?"));
        fw_post_drop(&post);
    }
    note(f, fw_mail_push(f->mail));
    return some;
}

/* -- Letters to rank 0 ---------------------------------------------------- */

static void tell_state(struct feeding *f, size_t left, bool empty)
{
    const struct fw_feed_state state = { f->plot.rate.per_second, left, empty, f->heard };
    struct fw_letter letter;

    fw_letter_begin(&letter, FW_LETTER_WANTED);
    (void)fw_letter_put(&letter, &state, sizeof state);
    note(f, fw_mail_send(f->mail, &letter, 0));
    f->wanted = true;
    f->told_empty = empty;
}

static void ask(struct feeding *f)
{
    const size_t left = fw_plot_left(&f->plot);

    if (!f->wanted && fw_pace_low(left, f->job->deal.node_workers, f->plot.rate.per_second))
        tell_state(f, left, false);
    else if (!f->told_empty && left == 0 && fw_plot_empty(&f->plot))
        tell_state(f, 0, true);
}

/* Again when running tasks are concerned more. */
static void tell_stop(struct feeding *f)
{
    const enum fw_haste haste = fw_plot_haste(&f->plot);

    if (!stops(f) || f->mail->broken || (f->told_stop && f->told_haste >= haste))
        return;
    f->told_stop = true;
    f->told_haste = haste;
    note(f, fw_mail_say(f->mail, FW_LETTER_STOPPED, (uint32_t)haste, 0));
}

/* -- The leader --------------------------------------------------------- */

static void feed(struct feeding *f)
{
    struct fw_pause pause = { 0, 0 };

    while (f->ends == 0 && !f->mail->broken) {
        bool moved = receive(f);

        while (fw_plot_tend(&f->plot))
            moved = true;
        if (f->status == FURROW_OK)
            note(f, fw_plot_ship(&f->plot, f->mail, false));
        if (!stops(f))
            ask(f);
        tell_stop(f);
        fw_crew_urge(&f->crew);
        if (moved)
            pause = (struct fw_pause){ 0, 0 };
        else
            fw_pause(&pause);
    }
}

/* True when all ranks of the node have run their tasks. */
static bool node_is_done(bool here, MPI_Request *barrier, bool *at, bool *passed)
{
    int done = 0;

    if (!*at && here)
        *at = MPI_Ibarrier(fw_world.node, barrier) == MPI_SUCCESS;
    if (*at && !*passed && MPI_Test(barrier, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS)
        *passed = done != 0;
    return *passed;
}

/* Rank 0 may say that the job stops until it has heard that all have left. */
static void await_end(struct feeding *f)
{
    struct fw_pause pause = { 0, 0 };

    while (f->ends < 2 && !f->mail->broken)
        if (!receive(f))
            fw_pause(&pause);
}

static void finish(struct feeding *f)
{
    struct fw_pause pause = { 0, 0 };

    atomic_store(&f->plot.common->more, 0);
    fw_bell_ring(&f->plot.common->bell);
    while (!node_is_done(fw_crew_left(&f->crew), &f->barrier, &f->at_barrier, &f->passed)) {
        (void)receive(f);
        if (f->status == FURROW_OK)
            note(f, fw_plot_ship(&f->plot, f->mail, false));
        tell_stop(f);
        fw_crew_urge(&f->crew);
        fw_pause(&pause);
    }
    if (f->status == FURROW_OK)
        note(f, fw_plot_ship(&f->plot, f->mail, true));
    if (!f->mail->broken)
        note(f, fw_mail_say(f->mail, FW_LETTER_END, 0, 0));
    await_end(f);
    note(f, fw_mail_flush(f->mail));
}

static furrow_status lead_node(struct fw_job *job)
{
    struct feeding f = { .job = job, .mail = &job->mail, .status = FURROW_OK, .crew = { .work = job->work } };
    furrow_status status = FURROW_OK;

    fw_plot_open(&f.plot, job, true);
    if (job->work != NULL)
        status = fw_crew_start(&f.crew, job->work, 0);
    feed(&f);
    finish(&f);
    fw_crew_join(&f.crew);
    fw_plot_close(&f.plot);
    return f.status != FURROW_OK ? f.status : status;
}

/* -- Rank 0 and the others ------------------------------------------------ */

/* What rank 0 waits for on its own node. */
struct own_node {
    struct fw_crew_beside crew;
    MPI_Request barrier;
    bool at, passed;
};

static bool own_node_left(void *own)
{
    struct own_node *node = own;

    return node_is_done(fw_crew_left(&node->crew), &node->barrier, &node->at, &node->passed);
}

static furrow_status lead_all(struct fw_job *job)
{
    struct own_node node = { .crew = { .work = job->work } };
    struct fw_plot plot;
    furrow_status status = fw_crew_start(&node.crew, job->work, 0), run;

    fw_plot_open(&plot, job, false);
    run = fw_root_run(job, &plot, &node.crew, own_node_left, &node);
    fw_crew_join(&node.crew);
    fw_plot_close(&plot);
    return run != FURROW_OK ? run : status;
}

static furrow_status work_beside(struct fw_job *job)
{
    furrow_status status = job->work != NULL ? fw_crew_run(job->work) : FURROW_OK;
    MPI_Request barrier;
    int code = MPI_Ibarrier(fw_world.node, &barrier);

    if (code == MPI_SUCCESS)
        code = fw_mpi_wait(&barrier);
    return status != FURROW_OK ? status : fw_mpi_check(code, "MPI_Ibarrier");
}

furrow_status fw_feed_run(struct fw_job *job)
{
    if (fw_world.rank == 0)
        return lead_all(job);
    return fw_world_leads() ? lead_node(job) : work_beside(job);
}
