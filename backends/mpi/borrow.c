/* Another rank in a job with callbacks: an ordinary stream, whose source is
 * rank 0. */
#include "stream.h"

#include <string.h>

#include "crew.h"
#include "entry.h"
#include "world.h"

/* Bytes from which on a letter goes off. */
enum { LETTER = 1 << 20 };

struct fw_borrowing {
    struct fw_job *job;
    struct furrow_work *work;   /* NULL: no worker here */
    struct fw_mail *mail;       /* the job's */
    struct fw_letter results;   /* being written */
    struct fw_post inbox[1];    /* the letter whose tasks are being drawn */
    uint32_t left;              /* in it */
    struct fw_post waiting[8];  /* letters behind it, oldest first */
    int nwaiting;
    uint32_t *lender;           /* owned: by slot here, rank 0's slot + 1; 0: none */
    uint32_t slots;
    bool ended;                 /* rank 0 has no more tasks */
    bool told_lost;             /* rank 0 expects nothing back any more */
    bool told;                  /* rank 0 knows that the job stops, and with this haste */
    enum fw_haste told_haste;
    furrow_status status;
};

/* The callbacks of fw_source know the work alone: one job of mpi at a time. */
static struct fw_borrowing *now;

static void note(struct fw_borrowing *b, furrow_status status)
{
    if (status == FURROW_OK || b->status != FURROW_OK)
        return;
    b->status = status;
    if (b->work != NULL)
        (void)furrow_work_fail(b->work, status, "%s", furrow_message());
}

/* -- Tasks -------------------------------------------------------------- */

static bool next_letter(struct fw_borrowing *b)
{
    if (b->inbox->head != NULL)
        fw_post_drop(b->inbox);
    b->left = 0;
    if (b->nwaiting == 0)
        return false;
    *b->inbox = b->waiting[0];
    b->left = b->inbox->head->n;
    b->nwaiting--;
    memmove(b->waiting, b->waiting + 1, (size_t)b->nwaiting * sizeof b->waiting[0]);
    return true;
}

/* The next task of the letters that came; false: none is there. */
static bool next_task(struct fw_borrowing *b, struct fw_lent_task *out, const void **in)
{
    if (b->left == 0 && !next_letter(b))
        return false;
    b->left--;
    if (fw_entry_lent(b->inbox, b->job->card.in_size, out, in))
        return true;
    note(b, fw_fail(FURROW_ESYS, "mpi: a message of rank 0 makes no sense; are all ranks of one build of furrow?"));
    b->left = 0;
    return false;
}

static int draw(struct furrow_work *work, uint32_t s, void *in)
{
    struct fw_borrowing *b = now;
    const void *input;
    struct fw_lent_task task;

    if (b->status != FURROW_OK)
        return FURROW_NEXT_END;
    if (!next_task(b, &task, &input))
        return b->ended ? FURROW_NEXT_END : FURROW_NEXT_LATER;
    work->stream->slot[s].index = (size_t)task.index;
    work->stream->slot[s].attempt = task.attempt;
    if (in != NULL && input != NULL)
        memcpy(in, input, (size_t)b->job->card.in_size);
    b->lender[s] = task.slot + 1;
    return FURROW_NEXT_ONE;
}

/* -- Results ------------------------------------------------------------ */

static void send_results(struct fw_borrowing *b)
{
    if (fw_letter_begun(&b->results))
        note(b, fw_mail_send(b->mail, &b->results, 0));
}

static void put_result(struct fw_borrowing *b, struct fw_slot *slot, const struct fw_lent_result *result,
                       const void *output)
{
    const void *reply = fw_replies_take(&b->work->stream->replies, &slot->reply); /* it can be: handover.c */

    (void)fw_letter_put(&b->results, result, sizeof *result);
    (void)fw_letter_put(&b->results, slot->words, result->words);
    (void)fw_letter_put(&b->results, reply, (size_t)result->reply);
    if (result->output)
        (void)fw_letter_put(&b->results, output, (size_t)b->job->card.out_size);
    fw_letter_count(&b->results);
}

static int take(struct furrow_work *work, uint32_t s)
{
    struct fw_borrowing *b = now;
    struct fw_slot *slot = &work->stream->slot[s];
    const void *output = slot->outcome == FURROW_DONE ? fw_stream_output(work, s) : NULL;
    const struct fw_lent_result result = { .reply = slot->reply.size,
                                           .seconds = slot->seconds,
                                           .slot = b->lender[s] - 1,
                                           .attempt = slot->attempt,
                                           .outcome = slot->outcome,
                                           .code = slot->code,
                                           .worker = fw_work_number(work, slot->worker),
                                           .words = (uint32_t)strlen(slot->words),
                                           .replied = slot->reply.given,
                                           .output = output != NULL };

    b->lender[s] = 0;
    if (b->status != FURROW_OK) /* rank 0 wants nothing any more */
        return 0;
    if (!fw_letter_begun(&b->results)) {
        fw_letter_begin(&b->results, FW_LETTER_RESULTS);
        (void)fw_letter_put(&b->results, fw_world.host, FURROW_HOST);
    }
    put_result(b, slot, &result, output);
    if (b->results.used >= LETTER)
        send_results(b);
    return 0;
}

const struct fw_source fw_borrow_source = { draw, take };

/* -- Giving back -------------------------------------------------------- */

static void put_unrun(struct fw_letter *letter, uint64_t slot)
{
    (void)fw_letter_put(letter, &slot, sizeof slot);
    fw_letter_count(letter);
}

/* Up to `most` tasks that no worker has begun. */
static void give_back(struct fw_borrowing *b, uint32_t most)
{
    struct fw_letter letter;
    struct fw_lent_task task;
    const void *in;
    uint32_t s;

    fw_letter_begin(&letter, FW_LETTER_UNRUN);
    while (!letter.short_of_memory && fw_letter_entries(&letter) < most && next_task(b, &task, &in))
        put_unrun(&letter, task.slot);
    while (b->work != NULL && !letter.short_of_memory && fw_letter_entries(&letter) < most &&
           fw_stream_recall(b->work, &s)) {
        put_unrun(&letter, b->lender[s] - 1);
        b->lender[s] = 0;
        fw_stream_drop(b->work, s);
    }
    note(b, fw_mail_send(b->mail, &letter, 0));
}

/* The job stops here: what nobody runs is not run. */
static void give_all_back(struct fw_borrowing *b)
{
    struct fw_letter letter;
    struct fw_lent_task task;
    const void *in;

    fw_letter_begin(&letter, FW_LETTER_UNRUN);
    while (next_task(b, &task, &in))
        put_unrun(&letter, task.slot);
    for (uint32_t s = 0; s < b->slots; s++) {
        if (b->lender[s] == 0 || (atomic_load(&b->work->stream->slot[s].state) & 3u) != FW_SLOT_FREE)
            continue;
        put_unrun(&letter, b->lender[s] - 1);
        b->lender[s] = 0;
    }
    if (letter.short_of_memory || fw_letter_entries(&letter) > 0)
        note(b, fw_mail_send(b->mail, &letter, 0));
    else
        fw_letter_drop(&letter);
}

/* Rank 0 learns that the job stops; why is in this rank's tally. */
static void tell_stop(struct fw_borrowing *b)
{
    const enum fw_haste haste = fw_haste_of(b->work->common);

    if (b->told && b->told_haste >= haste)
        return;
    b->told = true;
    b->told_haste = haste;
    note(b, fw_mail_say(b->mail, FW_LETTER_STOPPED, (uint32_t)haste, 0));
}

/* After an error: nothing is given back one by one, which might need memory. */
static void tell_lost(struct fw_borrowing *b)
{
    while (next_letter(b))
        ;
    fw_letter_drop(&b->results);
    if (b->told_lost || b->mail->broken)
        return;
    b->told_lost = true;
    note(b, fw_mail_say(b->mail, FW_LETTER_LOST, 0, 0));
}

/* What is left of a job that stops goes back to rank 0. */
static void give_up(struct fw_borrowing *b)
{
    if (b->status == FURROW_OK)
        tell_stop(b);
    if (b->status == FURROW_OK)
        give_all_back(b);
    if (b->status != FURROW_OK)
        tell_lost(b);
}

/* -- Receiving ---------------------------------------------------------- */

void fw_stream_stop(struct furrow_work *work, enum fw_haste haste)
{
    fw_work_stop(work, FW_CAUSE_NONE, FURROW_OK, 0, FW_NO_TASK, NULL);
    fw_haste_raise(work->common, haste);
}

static void stop_here(struct fw_borrowing *b, enum fw_haste haste)
{
    b->told = true;
    b->told_haste = haste > b->told_haste ? haste : b->told_haste;
    if (b->work != NULL)
        fw_stream_stop(b->work, haste);
}

/* A letter of tasks is kept until they are drawn: rank 0 sends no more than it
 * gives credit for, so that there are few. */
static void keep(struct fw_borrowing *b, struct fw_post *post)
{
    if (b->work == NULL || b->nwaiting == (int)(sizeof b->waiting / sizeof b->waiting[0]))
        return;
    if (!post->owned) {
        note(b, fw_fail(FURROW_ENOMEM, "mpi: no memory for a message of rank 0; run fewer or smaller tasks at a time"));
        return;
    }
    b->waiting[b->nwaiting++] = *post;
    post->head = NULL;
}

static void read_post(struct fw_borrowing *b, struct fw_post *post)
{
    switch ((enum fw_letter_kind)post->head->kind) {
    case FW_LETTER_TASKS:
        if (b->status == FURROW_OK)
            keep(b, post);
        break;
    case FW_LETTER_RECALL:
        if (b->status == FURROW_OK)
            give_back(b, post->head->n);
        break;
    case FW_LETTER_STOP:
        stop_here(b, (enum fw_haste)post->head->n);
        break;
    case FW_LETTER_END:
        b->ended = true;
        break;
    default:
        note(b, fw_fail(FURROW_ESYS, "mpi: a message of rank 0 makes no sense; are all ranks of one build of furrow?"));
    }
}

static bool can_keep(const struct fw_borrowing *b)
{
    return b->nwaiting < (int)(sizeof b->waiting / sizeof b->waiting[0]);
}

/* After an error, too: rank 0 waits until its letters are received. */
static bool receive(struct fw_borrowing *b)
{
    struct fw_post post;
    bool some = false;

    while (!b->mail->broken && !b->ended && can_keep(b)) {
        note(b, fw_mail_receive(b->mail, &post));
        if (post.head == NULL)
            break;
        some = true;
        read_post(b, &post);
        fw_post_drop(&post);
    }
    note(b, fw_mail_push(b->mail));
    return some;
}

/* -- The job ------------------------------------------------------------ */

/* One round of this rank's stream; false: nothing of it is left. */
static bool step(struct fw_borrowing *b, bool *moved)
{
    const bool stops = fw_work_stops(b->work);
    bool more = true;

    *moved = false;
    if (b->mail->sending == 0 || b->mail->sending < b->work->stream->untaken_most)
        more = fw_stream_step(b->work, moved);
    send_results(b);
    if (stops || b->status != FURROW_OK)
        give_up(b);
    return more;
}

static void work_on(struct fw_borrowing *b)
{
    struct fw_pause pause = { 0, 0 };
    bool more = true;

    while (more) {
        const bool stops = fw_work_stops(b->work);
        bool moved, heard = receive(b);
        uint64_t ns;

        more = step(b, &moved);
        if (moved || heard || !more) {
            pause = (struct fw_pause){ 0, 0 };
            continue;
        }
        ns = fw_pause_next(&pause);
        fw_stream_wait(b->work, stops, ns > 0 ? ns : 1000);
    }
    if (fw_work_stops(b->work))
        give_up(b);
}

/* After a stop rank 0 may still send tasks, until it knows. */
static void await_end(struct fw_borrowing *b)
{
    struct fw_pause pause = { 0, 0 };

    while (!b->ended && !b->mail->broken) {
        const bool some = receive(b);

        if (b->work != NULL && (some || b->status != FURROW_OK))
            give_up(b);
        if (!some)
            fw_pause(&pause);
    }
}

static void say_goodbye(struct fw_borrowing *b)
{
    if (!b->mail->broken)
        note(b, fw_mail_say(b->mail, FW_LETTER_END, 0, 0));
    note(b, fw_mail_flush(b->mail));
}

/* Stand for callbacks, which are rank 0's: the source comes first. */
static int no_next(void *in, void *user)
{
    (void)in, (void)user;
    return FURROW_NEXT_END;
}

static int no_result(const furrow_result *result, void *user)
{
    (void)result, (void)user;
    return 0;
}

void fw_borrow_request(const struct fw_job *job, struct fw_request *request)
{
    request->job.next = no_next;
    request->job.on_result = (job->card.flags & FW_CARD_RESULTS) != 0 ? no_result : NULL;
    request->job.ordered = false;
    request->job.in = NULL;
    request->job.out = NULL;
    request->job.count = 0;
    request->job.outcome = NULL;
    request->config.pre_dispatch = (size_t)fw_stream_most(&job->card, job->deal.own > 0 ? job->deal.own : 1);
}

furrow_status fw_borrow_open(struct fw_job *job)
{
    struct fw_borrowing *b = fw_malloc(sizeof *b);

    if (b == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for tasks of rank 0");
    *b = (struct fw_borrowing){ .job = job, .work = job->work, .mail = &job->mail, .status = FURROW_OK };
    job->borrowing = b;
    if (b->work == NULL)
        return FURROW_OK;
    b->slots = b->work->stream->slots;
    b->lender = fw_malloc(b->slots * sizeof *b->lender);
    if (b->lender == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %u tasks", b->slots);
    memset(b->lender, 0, b->slots * sizeof *b->lender);
    return FURROW_OK;
}

void fw_borrow_close(struct fw_job *job)
{
    struct fw_borrowing *b = job->borrowing;

    if (b == NULL)
        return;
    while (next_letter(b))
        ;
    fw_letter_drop(&b->results);
    fw_free(b->lender);
    fw_free(b);
    job->borrowing = NULL;
}

furrow_status fw_borrow_run(struct fw_job *job)
{
    struct fw_borrowing *b = job->borrowing;
    struct fw_crew_beside crew = { .work = job->work };
    furrow_status status = FURROW_OK;

    now = b;
    if (b->work != NULL) {
        status = fw_crew_start(&crew, b->work, 0);
        work_on(b);
        atomic_store(&b->work->stream->closed, 1);
        fw_bell_ring(&b->work->common->bell);
    }
    await_end(b);
    say_goodbye(b);
    fw_crew_join(&crew);
    now = NULL;
    return b->status != FURROW_OK ? b->status : status;
}
