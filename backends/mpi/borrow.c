/* Another rank in a job with callbacks: an ordinary stream, whose source is
 * rank 0. */
#include "stream.h"

#include <string.h>

#include "crew.h"
#include "mail.h"
#include "world.h"

/* Bytes from which on a letter goes off. */
enum { LETTER = 1 << 20 };

struct borrowing {
    struct fw_job *job;
    struct furrow_work *work;   /* NULL: no worker here */
    struct fw_mail mail;
    struct fw_letter results;   /* being written */
    struct fw_post inbox[1];    /* the letter whose tasks are being drawn */
    uint32_t left;              /* in it */
    struct fw_post waiting[8];  /* letters behind it, oldest first */
    int nwaiting;
    uint32_t *lender;           /* owned: by slot here, rank 0's slot + 1; 0: none */
    uint32_t slots;
    bool ended;                 /* rank 0 has no more tasks */
    bool told;                  /* rank 0 knows that the job stops, and with this haste */
    enum fw_haste told_haste;
    furrow_status status;
};

/* The callbacks of fw_source know the work alone: one job of mpi at a time. */
static struct borrowing *now;

static void note(struct borrowing *b, furrow_status status)
{
    if (status == FURROW_OK || b->status != FURROW_OK)
        return;
    b->status = status;
    if (b->work != NULL)
        (void)furrow_work_fail(b->work, status, "%s", furrow_message());
}

/* -- Tasks -------------------------------------------------------------- */

static bool next_letter(struct borrowing *b)
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

/* The next task of the letters that came; NULL: none is there. */
static const struct fw_lent_task *next_task(struct borrowing *b, const void **in)
{
    const struct fw_lent_task *task = NULL;
    const size_t size = (size_t)b->job->card.in_size;

    *in = NULL;
    while (task == NULL && (b->left > 0 || next_letter(b))) {
        b->left--;
        task = fw_post_take(b->inbox, sizeof *task);
        if (task != NULL && size > 0)
            *in = fw_post_take(b->inbox, size);
        if (task == NULL || (size > 0 && *in == NULL)) {
            note(b, fw_fail(FURROW_ESYS, "mpi: a message of rank 0 makes no sense; are all ranks of one build of furrow?"));
            b->left = 0;
            return NULL;
        }
    }
    return task;
}

static int draw(struct furrow_work *work, uint32_t s, void *in)
{
    struct borrowing *b = now;
    const void *input;
    const struct fw_lent_task *task = next_task(b, &input);

    if (task == NULL)
        return b->ended ? FURROW_NEXT_END : FURROW_NEXT_LATER;
    work->stream->slot[s].index = (size_t)task->index;
    work->stream->slot[s].attempt = task->attempt;
    if (in != NULL && input != NULL)
        memcpy(in, input, (size_t)b->job->card.in_size);
    b->lender[s] = task->slot + 1;
    return FURROW_NEXT_ONE;
}

/* -- Results ------------------------------------------------------------ */

static void send_results(struct borrowing *b)
{
    if (fw_letter_entries(&b->results) > 0)
        note(b, fw_mail_send(&b->mail, &b->results, 0));
}

static const void *bytes_of(const struct furrow_work *work, uint32_t s, struct fw_lent_result *result, size_t out_size)
{
    struct fw_slot *slot = &work->stream->slot[s];
    const void *out = fw_stream_output(work, s);

    if (slot->reply.given) {
        result->replied = 1;
        result->bytes = slot->reply.size;
        return fw_replies_take(&work->stream->replies, &slot->reply);
    }
    result->bytes = out != NULL && slot->outcome == FURROW_DONE ? out_size : 0;
    return out;
}

static int take(struct furrow_work *work, uint32_t s)
{
    struct borrowing *b = now;
    const struct fw_slot *slot = &work->stream->slot[s];
    struct fw_lent_result result = { .seconds = slot->seconds,
                                     .slot = b->lender[s] - 1,
                                     .attempt = slot->attempt,
                                     .outcome = slot->outcome,
                                     .code = slot->code,
                                     .worker = fw_work_number(work, slot->worker),
                                     .words = (uint32_t)strlen(slot->words) };
    const void *bytes = bytes_of(work, s, &result, (size_t)b->job->card.out_size);

    b->lender[s] = 0;
    if (fw_letter_entries(&b->results) == 0) {
        fw_letter_begin(&b->results, FW_LETTER_RESULTS);
        (void)fw_letter_put(&b->results, fw_world.host, FURROW_HOST);
    }
    (void)fw_letter_put(&b->results, &result, sizeof result);
    (void)fw_letter_put(&b->results, slot->words, result.words);
    (void)fw_letter_put(&b->results, bytes, (size_t)result.bytes);
    fw_letter_count(&b->results);
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
static void give_back(struct borrowing *b, uint32_t most)
{
    struct fw_letter letter;
    const struct fw_lent_task *task;
    const void *in;
    uint32_t s;

    fw_letter_begin(&letter, FW_LETTER_UNRUN);
    while (fw_letter_entries(&letter) < most && (task = next_task(b, &in)) != NULL)
        put_unrun(&letter, task->slot);
    while (b->work != NULL && fw_letter_entries(&letter) < most && fw_stream_recall(b->work, &s)) {
        put_unrun(&letter, b->lender[s] - 1);
        b->lender[s] = 0;
        fw_stream_drop(b->work, s);
    }
    note(b, fw_mail_send(&b->mail, &letter, 0));
}

/* The job stops here: what nobody runs is not run. */
static void give_all_back(struct borrowing *b)
{
    struct fw_letter letter;
    const struct fw_lent_task *task;
    const void *in;

    fw_letter_begin(&letter, FW_LETTER_UNRUN);
    while ((task = next_task(b, &in)) != NULL)
        put_unrun(&letter, task->slot);
    for (uint32_t s = 0; s < b->slots; s++) {
        if (b->lender[s] == 0 || (atomic_load(&b->work->stream->slot[s].state) & 3u) != FW_SLOT_FREE)
            continue;
        put_unrun(&letter, b->lender[s] - 1);
        b->lender[s] = 0;
    }
    if (fw_letter_entries(&letter) > 0)
        note(b, fw_mail_send(&b->mail, &letter, 0));
    else
        fw_letter_drop(&letter);
}

/* Rank 0 learns that the job stops; why is in this rank's tally. */
static void tell_stop(struct borrowing *b)
{
    const enum fw_haste haste = fw_haste_of(b->work->common);
    struct fw_letter letter;

    if (b->told && b->told_haste >= haste)
        return;
    b->told = true;
    b->told_haste = haste;
    fw_letter_begin(&letter, FW_LETTER_STOPPED);
    for (int i = 0; i < (int)haste; i++)
        fw_letter_count(&letter);
    note(b, fw_mail_send(&b->mail, &letter, 0));
}

/* -- Receiving ---------------------------------------------------------- */

void fw_stream_stop(struct furrow_work *work, enum fw_haste haste)
{
    fw_haste_raise(work->common, haste);
    fw_work_stop(work, FW_CAUSE_NONE, FURROW_OK, 0, FW_NO_TASK, NULL);
}

static void stop_here(struct borrowing *b, enum fw_haste haste)
{
    b->told = true;
    b->told_haste = haste > b->told_haste ? haste : b->told_haste;
    if (b->work != NULL)
        fw_stream_stop(b->work, haste);
}

/* A letter of tasks is kept until they are drawn: rank 0 sends no more than it
 * gives credit for, so that there are few. */
static void keep(struct borrowing *b, struct fw_post *post)
{
    if (b->work == NULL || b->nwaiting == (int)(sizeof b->waiting / sizeof b->waiting[0]))
        return;
    b->waiting[b->nwaiting++] = *post;
    post->head = NULL;
}

static void read_post(struct borrowing *b, struct fw_post *post)
{
    switch ((enum fw_letter_kind)post->head->kind) {
    case FW_LETTER_TASKS:
        keep(b, post);
        break;
    case FW_LETTER_RECALL:
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

static bool can_keep(const struct borrowing *b)
{
    return b->nwaiting < (int)(sizeof b->waiting / sizeof b->waiting[0]);
}

static bool receive(struct borrowing *b)
{
    struct fw_post post;
    bool some = false;

    while (b->status == FURROW_OK && !b->ended && can_keep(b)) {
        note(b, fw_mail_receive(&b->mail, &post));
        if (post.head == NULL)
            break;
        some = true;
        read_post(b, &post);
        fw_post_drop(&post);
    }
    note(b, fw_mail_push(&b->mail));
    return some;
}

/* -- The job ------------------------------------------------------------ */

/* One round of this rank's stream; false: nothing of it is left. */
static bool step(struct borrowing *b, bool *moved)
{
    const bool stops = fw_work_stops(b->work);
    bool more = true;

    *moved = false;
    if (b->mail.sending == 0 || b->mail.sending < b->work->stream->untaken_most)
        more = fw_stream_step(b->work, moved);
    send_results(b);
    if (stops) {
        tell_stop(b);
        give_all_back(b);
    }
    return more;
}

/* After a stop rank 0 may still send tasks, until it knows. */
static void await_end(struct borrowing *b)
{
    struct fw_pause pause = { 0, 0 };

    while (!b->ended && b->status == FURROW_OK) {
        if (!receive(b))
            fw_pause(&pause);
        else if (b->work != NULL)
            give_all_back(b);
    }
}

static void work_on(struct borrowing *b)
{
    struct fw_pause pause = { 0, 0 };
    bool more = true;

    while (more && b->status == FURROW_OK) {
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
}

static void say_goodbye(struct borrowing *b)
{
    struct fw_letter letter;

    fw_letter_begin(&letter, FW_LETTER_END);
    note(b, fw_mail_send(&b->mail, &letter, 0));
    if (b->status == FURROW_OK)
        note(b, fw_mail_flush(&b->mail));
}

static void drop_letters(struct borrowing *b)
{
    while (next_letter(b))
        ;
    fw_letter_drop(&b->results);
    fw_free(b->lender);
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

furrow_status fw_borrow_run(struct fw_job *job)
{
    struct borrowing b = { .job = job, .work = job->work, .status = FURROW_OK };
    struct fw_crew_beside crew = { .work = job->work };
    furrow_status status = FURROW_OK;

    now = &b;
    if (b.work != NULL) {
        b.slots = b.work->stream->slots;
        b.lender = fw_malloc(b.slots * sizeof *b.lender);
        if (b.lender != NULL)
            memset(b.lender, 0, b.slots * sizeof *b.lender);
        else
            note(&b, fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %u tasks", b.slots));
        status = fw_crew_start(&crew, b.work, 0);
        work_on(&b);
        if (fw_work_stops(b.work))
            give_all_back(&b);
        atomic_store(&b.work->stream->closed, 1);
        fw_bell_ring(&b.work->common->bell);
    }
    await_end(&b);
    say_goodbye(&b);
    fw_crew_join(&crew);
    drop_letters(&b);
    now = NULL;
    return b.status != FURROW_OK ? b.status : status;
}
