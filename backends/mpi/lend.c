/* Rank 0 of a job with callbacks. */
#include "stream.h"

#include <string.h>

#include "crew.h"
#include "entry.h"
#include "world.h"

/* One rank as rank 0 sees it. */
struct borrower {
    int workers;
    int most;            /* tasks it may have at a time */
    int lent;            /* it has */
    bool asked;          /* to give back; the answer is due */
    uint64_t heard;      /* when a result of it came last */
    uint64_t refused;    /* when it gave nothing back last */
    struct fw_letter letter; /* of tasks, being written */
    char host[FURROW_HOST];
};

struct fw_lending {
    struct fw_job *job;
    struct furrow_work *work;
    struct fw_mail *mail;   /* the job's */
    struct borrower *rank;  /* owned: one per rank; that of rank 0 is not used */
    int *owner;             /* owned: by slot, the rank that has its task; 0: none */
    int lent;               /* at all ranks together */
    int byes;               /* ranks that have said their last word */
    double mean;            /* seconds of a task, smoothed; 0: none came back yet */
    bool told_stop;
    enum fw_haste told_haste;
    furrow_status status;   /* of messages; the job is lost where it is not FURROW_OK */
};

enum { LETTER = 1 << 20 }; /* bytes from which on a letter goes off */
static const double ahead = 0.002;       /* seconds of work that a rank has beside what it runs */
static const uint64_t patience = 5000000; /* ns without a result, until tasks are asked back */

/* -- Sending ------------------------------------------------------------ */

static void note(struct fw_lending *l, furrow_status status)
{
    if (status == FURROW_OK || l->status != FURROW_OK)
        return;
    l->status = furrow_work_fail(l->work, status, "%s", furrow_message());
}

static void tell_all(struct fw_lending *l, enum fw_letter_kind kind, uint32_t n)
{
    for (int r = 1; r < fw_world.size && !l->mail->broken; r++)
        note(l, fw_mail_say(l->mail, kind, n, r));
}

static void send_tasks(struct fw_lending *l, int rank)
{
    struct borrower *b = &l->rank[rank];

    if (fw_letter_begun(&b->letter))
        note(l, fw_mail_send(l->mail, &b->letter, rank));
}

static void lend(struct fw_lending *l, int rank, uint32_t s)
{
    struct borrower *b = &l->rank[rank];
    const struct fw_slot *slot = &l->work->stream->slot[s];
    const struct fw_lent_task task = { slot->index, s, slot->attempt };
    const void *in = fw_stream_input(l->work, s);
    const size_t size = (size_t)l->job->card.in_size;

    if (!fw_letter_begun(&b->letter))
        fw_letter_begin(&b->letter, FW_LETTER_TASKS);
    (void)fw_letter_put(&b->letter, &task, sizeof task);
    if (in != NULL && size > 0)
        (void)fw_letter_put(&b->letter, in, size);
    fw_letter_count(&b->letter);
    l->owner[s] = rank;
    b->lent++;
    l->lent++;
    if (b->letter.used >= LETTER)
        send_tasks(l, rank);
}

/* Tasks a rank may have now: two for each worker, and as many short ones as
 * last for a while. */
static int credit(const struct fw_lending *l, const struct borrower *b)
{
    const double more = l->mean > 0 ? ahead / l->mean : 0;
    const double all = (double)b->workers * (2.0 + (more < 1e6 ? more : 1e6));

    return all < (double)b->most ? (int)all : b->most;
}

/* Round after round, each rank one more, so that few tasks are spread. */
static bool lend_all(struct fw_lending *l)
{
    bool some = false, more = !fw_work_stops(l->work) && l->status == FURROW_OK;

    while (more) {
        more = false;
        for (int r = 1; r < fw_world.size; r++) {
            struct borrower *b = &l->rank[r];
            const int now = credit(l, b);
            const int share = now / 8 + 1; /* of a round, so that letters have more than one */
            uint32_t s;

            for (int i = 0; i < share && b->lent < now && fw_stream_lend(l->work, l->work->workers + r, &s); i++) {
                lend(l, r, s);
                some = more = true;
            }
        }
    }
    for (int r = 1; r < fw_world.size; r++)
        send_tasks(l, r);
    return some;
}

/* -- Asking back -------------------------------------------------------- */

static bool somebody_idles(const struct fw_lending *l)
{
    const struct fw_stream *stream = l->work->stream;
    const int here = (int)(stream->slots - stream->nfree - stream->nheld) - l->lent;

    if (here < l->work->workers)
        return true;
    for (int r = 1; r < fw_world.size; r++)
        if (l->rank[r].lent < l->rank[r].workers)
            return true;
    return false;
}

/* A rank with tasks behind long ones gives them back for those that have none. */
static void ask_back(struct fw_lending *l)
{
    const uint64_t now = fw_now();

    if (l->lent == 0 || fw_work_stops(l->work) || !somebody_idles(l))
        return;
    for (int r = 1; r < fw_world.size; r++) {
        struct borrower *b = &l->rank[r];

        if (b->asked || b->lent <= b->workers || now - b->heard < patience || now - b->refused < 4 * patience)
            continue;
        b->asked = true;
        note(l, fw_mail_say(l->mail, FW_LETTER_RECALL, (uint32_t)(b->lent - b->workers), r));
    }
}

/* -- Receiving ---------------------------------------------------------- */

/* The slot that a rank speaks of; false: it has no such task. */
static bool returned(struct fw_lending *l, int rank, uint32_t s)
{
    if (l->owner[s] != rank)
        return false;
    l->owner[s] = 0;
    l->rank[rank].lent--;
    l->lent--;
    return true;
}

/* What ranks have, one or all (0), comes back no more. */
static void forget_lent(struct fw_lending *l, int rank)
{
    for (uint32_t s = 0; s < l->work->stream->slots; s++) {
        const int owner = l->owner[s];

        if (owner != 0 && (rank == 0 || owner == rank) && returned(l, owner, s))
            fw_stream_drop(l->work, s);
    }
}

/* False: no memory for it. */
static bool take_output(struct fw_lending *l, const struct fw_lent_result *result, const struct fw_lent_parts *parts)
{
    struct fw_stream *stream = l->work->stream;
    void *output = parts->output != NULL ? fw_stream_output(l->work, result->slot) : NULL;

    if (output != NULL)
        memcpy(output, parts->output, (size_t)l->job->card.out_size);
    return !result->replied ||
           fw_replies_give(&stream->replies, &stream->slot[result->slot].reply, parts->reply, (size_t)result->reply);
}

static void settle(struct fw_lending *l, int rank, const struct fw_lent_result *result, const struct fw_lent_parts *parts)
{
    struct fw_slot *slot = &l->work->stream->slot[result->slot];
    const bool failed = result->outcome != FURROW_DONE;

    if (!take_output(l, result, parts)) { /* without it the result is none */
        note(l, fw_fail(FURROW_ENOMEM, "mpi: no memory for a reply of %llu bytes; reply less at a time",
                        (unsigned long long)result->reply));
        fw_stream_drop(l->work, result->slot);
        return;
    }
    slot->outcome = (furrow_outcome)result->outcome;
    slot->code = result->code;
    slot->attempt = result->attempt;
    slot->seconds = result->seconds;
    slot->worker = result->worker - l->work->number;
    slot->host = l->rank[rank].host;
    memcpy(slot->words, parts->words, result->words);
    slot->words[result->words] = '\0';
    if (failed && !l->job->card.config.keep_going)
        fw_stream_stop(l->work, FW_HASTE_SOON);
    fw_stream_give_back(l->work, l->work->workers + rank, result->slot);
    if (l->work->progress.every_ns > 0)
        fw_progress_add(&l->work->progress, 1, fw_now());
}

static bool read_result(struct fw_lending *l, struct fw_post *post)
{
    struct fw_lent_result result;
    struct fw_lent_parts parts;

    if (!fw_entry_result(post, l->work->stream->slots, l->job->card.out_size, &result, &parts) ||
        !returned(l, post->from, result.slot))
        return false;
    l->mean = l->mean > 0 ? 0.9 * l->mean + 0.1 * result.seconds : result.seconds;
    settle(l, post->from, &result, &parts);
    return true;
}

static bool read_results(struct fw_lending *l, struct fw_post *post)
{
    struct borrower *b = &l->rank[post->from];
    const char *host = fw_post_take(post, FURROW_HOST);
    bool right = host != NULL;

    if (right)
        fw_text_copy(b->host, sizeof b->host, host);
    for (uint32_t i = 0; i < post->head->n && right && l->status == FURROW_OK; i++)
        right = read_result(l, post);
    b->heard = fw_now();
    return right;
}

static bool read_unrun(struct fw_lending *l, struct fw_post *post)
{
    struct borrower *b = &l->rank[post->from];

    if (b->asked && post->head->n == 0)
        b->refused = fw_now();
    b->asked = false;
    for (uint32_t i = 0; i < post->head->n; i++) {
        uint32_t s;

        if (!fw_entry_slot(post, l->work->stream->slots, &s) || !returned(l, post->from, s))
            return false;
        if (fw_work_stops(l->work))
            fw_stream_drop(l->work, s);
        else
            fw_stream_unlend(l->work, s);
    }
    return true;
}

static bool read_post(struct fw_lending *l, struct fw_post *post)
{
    switch ((enum fw_letter_kind)post->head->kind) {
    case FW_LETTER_RESULTS:
        return read_results(l, post);
    case FW_LETTER_UNRUN:
        return read_unrun(l, post);
    case FW_LETTER_STOPPED:
        fw_stream_stop(l->work, (enum fw_haste)post->head->n);
        return true;
    case FW_LETTER_LOST:
        forget_lent(l, post->from);
        fw_stream_stop(l->work, FW_HASTE_SOON);
        return true;
    case FW_LETTER_END:
        l->byes++;
        return true;
    default:
        return false;
    }
}

/* After an error, too: the others wait until their letters are received. Then
 * only the last ones mean something. */
static bool receive(struct fw_lending *l)
{
    struct fw_post post;
    bool some = false;

    while (!l->mail->broken) {
        note(l, fw_mail_receive(l->mail, &post));
        if (post.head == NULL)
            break;
        some = true;
        if (l->status != FURROW_OK)
            l->byes += post.head->kind == FW_LETTER_END;
        else if (!read_post(l, &post))
            note(l, fw_fail(FURROW_ESYS, "mpi: a message of rank %d makes no sense; are all ranks of one build of furrow?",
                            post.from));
        fw_post_drop(&post);
    }
    note(l, fw_mail_push(l->mail));
    return some;
}

/* -- The job ------------------------------------------------------------ */

static void pass_stop_on(struct fw_lending *l)
{
    const enum fw_haste haste = fw_haste_of(l->work->common);

    if (!fw_work_stops(l->work) || (l->told_stop && l->told_haste >= haste))
        return;
    tell_all(l, FW_LETTER_STOP, (uint32_t)haste);
    l->told_stop = true;
    l->told_haste = haste;
}

static void serve(struct fw_lending *l)
{
    struct fw_stream *stream = l->work->stream;
    struct fw_pause pause = { 0, 0 };
    bool more = true;

    while (more) {
        const bool stops = fw_work_stops(l->work);
        bool moved;
        uint64_t ns;

        if (l->status != FURROW_OK && l->lent > 0)
            forget_lent(l, 0);
        more = fw_stream_step(l->work, &moved);
        moved |= lend_all(l);
        if (!moved || atomic_load(&stream->replies.untaken) < stream->untaken_most)
            moved |= receive(l);
        pass_stop_on(l);
        if (moved || !more) {
            pause = (struct fw_pause){ 0, 0 };
            continue;
        }
        ask_back(l);
        ns = fw_pause_next(&pause);
        fw_stream_wait(l->work, stops, ns > 0 ? ns : 1000);
    }
}

/* After the last result: the others leave, and have nothing more to say. */
static void dismiss(struct fw_lending *l)
{
    struct fw_pause pause = { 0, 0 };

    tell_all(l, FW_LETTER_END, 0);
    while (l->byes < fw_world.size - 1 && !l->mail->broken)
        if (!receive(l))
            fw_pause(&pause);
    note(l, fw_mail_flush(l->mail));
}

int fw_stream_most(const struct fw_card *card, int workers)
{
    enum { BYTES = 16 << 20, EACH = 256 };
    const uint64_t bytes = card->in_size + card->out_size;
    const uint64_t fit = bytes > 0 ? BYTES / bytes : EACH * (uint64_t)workers;
    const uint64_t least = 2 * (uint64_t)workers, most = EACH * (uint64_t)workers;

    return (int)(fit < least ? least : fit > most ? most : fit);
}

/* Not more than its part of what may be on the way. */
static int most_of(const struct fw_lending *l, int workers)
{
    const int64_t part = (int64_t)l->work->stream->most * workers / l->job->card.workers + 1;
    const int most = workers > 0 ? fw_stream_most(&l->job->card, workers) : 0;

    return most < part ? most : (int)part;
}

static void see_ranks(struct fw_lending *l)
{
    const int size = fw_world.size;

    memset(l->rank, 0, (size_t)size * sizeof *l->rank);
    memset(l->owner, 0, l->work->stream->slots * sizeof *l->owner);
    for (int r = 1; r < size; r++) {
        const struct fw_share_of_rank share = fw_deal(fw_world.peer, size, r, l->job->card.workers,
                                                      l->job->card.config.inner_threads);

        l->rank[r].workers = share.own;
        l->rank[r].most = most_of(l, share.own);
        l->rank[r].heard = fw_now();
    }
}

furrow_status fw_lend_open(struct fw_job *job)
{
    struct fw_lending *l = fw_malloc(sizeof *l);

    if (l == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for what rank 0 knows of the others");
    *l = (struct fw_lending){ .job = job, .work = job->work, .mail = &job->mail, .status = FURROW_OK };
    job->lending = l;
    l->rank = fw_malloc((size_t)fw_world.size * sizeof *l->rank);
    l->owner = fw_malloc(job->work->stream->slots * sizeof *l->owner);
    if (l->rank == NULL || l->owner == NULL) {
        fw_free(l->rank);
        l->rank = NULL;
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %d ranks", fw_world.size);
    }
    see_ranks(l);
    return FURROW_OK;
}

void fw_lend_close(struct fw_job *job)
{
    struct fw_lending *l = job->lending;

    if (l == NULL)
        return;
    for (int r = 0; l->rank != NULL && r < fw_world.size; r++)
        fw_letter_drop(&l->rank[r].letter);
    fw_free(l->rank);
    fw_free(l->owner);
    fw_free(l);
    job->lending = NULL;
}

furrow_status fw_lend_run(struct fw_job *job)
{
    struct fw_lending *l = job->lending;
    struct fw_crew_beside crew;
    furrow_status status = fw_crew_start(&crew, job->work, 0);

    serve(l);
    dismiss(l);
    atomic_store(&job->work->stream->closed, 1);
    fw_bell_ring(&job->work->common->bell);
    fw_crew_join(&crew);
    return l->status != FURROW_OK ? l->status : status;
}
