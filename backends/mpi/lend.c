/* Rank 0 of a job with callbacks. */
#include "stream.h"

#include <string.h>

#include "crew.h"
#include "mail.h"
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

struct lending {
    struct fw_job *job;
    struct furrow_work *work;
    struct fw_mail mail;
    struct borrower *rank;  /* owned: one per rank; that of rank 0 is not used */
    int *owner;             /* owned: by slot, the rank that has its task; 0: none */
    int lent;               /* at all ranks together */
    int byes;               /* ranks that have said their last word */
    double mean;            /* seconds of a task, smoothed; 0: none came back yet */
    bool told_stop;
    enum fw_haste told_haste;
    furrow_status status;   /* of MPI; the job is lost where it is not FURROW_OK */
};

enum { LETTER = 1 << 20 }; /* bytes from which on a letter goes off */
static const double ahead = 0.002;       /* seconds of work that a rank has beside what it runs */
static const uint64_t patience = 5000000; /* ns without a result, until tasks are asked back */

/* -- Sending ------------------------------------------------------------ */

static void note(struct lending *l, furrow_status status)
{
    if (status == FURROW_OK || l->status != FURROW_OK)
        return;
    l->status = furrow_work_fail(l->work, status, "%s", furrow_message());
}

static void tell(struct lending *l, int rank, enum fw_letter_kind kind, uint32_t n)
{
    struct fw_letter letter;

    fw_letter_begin(&letter, kind);
    for (uint32_t i = 0; i < n; i++)
        fw_letter_count(&letter);
    note(l, fw_mail_send(&l->mail, &letter, rank));
}

static void tell_all(struct lending *l, enum fw_letter_kind kind, uint32_t n)
{
    for (int r = 1; r < fw_world.size; r++)
        tell(l, r, kind, n);
}

static void send_tasks(struct lending *l, int rank)
{
    struct borrower *b = &l->rank[rank];

    if (fw_letter_entries(&b->letter) > 0)
        note(l, fw_mail_send(&l->mail, &b->letter, rank));
}

static void lend(struct lending *l, int rank, uint32_t s)
{
    struct borrower *b = &l->rank[rank];
    const struct fw_slot *slot = &l->work->stream->slot[s];
    const struct fw_lent_task task = { slot->index, s, slot->attempt };
    const void *in = fw_stream_input(l->work, s);
    const size_t size = (size_t)l->job->card.in_size;

    if (fw_letter_entries(&b->letter) == 0)
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
static int credit(const struct lending *l, const struct borrower *b)
{
    const double more = l->mean > 0 ? ahead / l->mean : 0;
    const double all = (double)b->workers * (2.0 + (more < 1e6 ? more : 1e6));

    return all < (double)b->most ? (int)all : b->most;
}

/* Round after round, each rank one more, so that few tasks are spread. */
static bool lend_all(struct lending *l)
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

static bool somebody_idles(const struct lending *l)
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
static void ask_back(struct lending *l)
{
    const uint64_t now = fw_now();

    if (l->lent == 0 || fw_work_stops(l->work) || !somebody_idles(l))
        return;
    for (int r = 1; r < fw_world.size; r++) {
        struct borrower *b = &l->rank[r];

        if (b->asked || b->lent <= b->workers || now - b->heard < patience || now - b->refused < 4 * patience)
            continue;
        b->asked = true;
        tell(l, r, FW_LETTER_RECALL, (uint32_t)(b->lent - b->workers));
    }
}

/* -- Receiving ---------------------------------------------------------- */

/* The slot that a rank speaks of; false: it has no such task. */
static bool returned(struct lending *l, int rank, uint32_t s)
{
    if (s >= l->work->stream->slots || l->owner[s] != rank)
        return false;
    l->owner[s] = 0;
    l->rank[rank].lent--;
    l->lent--;
    return true;
}

static void take_output(struct lending *l, uint32_t s, const struct fw_lent_result *result, const void *bytes)
{
    struct fw_stream *stream = l->work->stream;
    struct fw_slot *slot = &stream->slot[s];

    if (result->replied) {
        if (!fw_replies_give(&stream->replies, &slot->reply, bytes, (size_t)result->bytes))
            note(l, fw_fail(FURROW_ENOMEM, "mpi: no memory for a reply of %llu bytes; reply less at a time",
                            (unsigned long long)result->bytes));
    } else if (result->bytes > 0 && fw_stream_output(l->work, s) != NULL) {
        memcpy(fw_stream_output(l->work, s), bytes, (size_t)result->bytes);
    }
}

static void settle(struct lending *l, int rank, const struct fw_lent_result *result, const char *words, const void *bytes)
{
    struct fw_slot *slot = &l->work->stream->slot[result->slot];
    const bool failed = result->outcome != FURROW_DONE;

    slot->outcome = (furrow_outcome)result->outcome;
    slot->code = result->code;
    slot->attempt = result->attempt;
    slot->seconds = result->seconds;
    slot->worker = result->worker - l->work->number;
    slot->host = l->rank[rank].host;
    memcpy(slot->words, words, result->words);
    slot->words[result->words] = '\0';
    take_output(l, result->slot, result, bytes);
    if (failed && !l->job->card.config.keep_going)
        fw_stream_stop(l->work, FW_HASTE_SOON);
    fw_stream_give_back(l->work, l->work->workers + rank, result->slot);
    if (l->work->progress.every_ns > 0)
        fw_progress_add(&l->work->progress, 1, fw_now());
}

static bool read_result(struct lending *l, struct fw_post *post)
{
    const struct fw_lent_result *result = fw_post_take(post, sizeof *result);
    const char *words = result != NULL ? fw_post_take(post, result->words) : NULL;
    const void *bytes = words != NULL ? fw_post_take(post, (size_t)result->bytes) : NULL;

    if (bytes == NULL || result->words >= FURROW_MESSAGE || !returned(l, post->from, result->slot))
        return false;
    l->mean = l->mean > 0 ? 0.9 * l->mean + 0.1 * result->seconds : result->seconds;
    settle(l, post->from, result, words, bytes);
    return true;
}

static bool read_results(struct lending *l, struct fw_post *post)
{
    struct borrower *b = &l->rank[post->from];
    const char *host = fw_post_take(post, FURROW_HOST);
    bool right = host != NULL;

    if (right)
        memcpy(b->host, host, FURROW_HOST);
    for (uint32_t i = 0; i < post->head->n && right; i++)
        right = read_result(l, post);
    b->heard = fw_now();
    return right;
}

static bool read_unrun(struct lending *l, struct fw_post *post)
{
    struct borrower *b = &l->rank[post->from];

    if (b->asked && post->head->n == 0)
        b->refused = fw_now();
    b->asked = false;
    for (uint32_t i = 0; i < post->head->n; i++) {
        const uint64_t *s = fw_post_take(post, sizeof *s);

        if (s == NULL || !returned(l, post->from, (uint32_t)*s))
            return false;
        if (fw_work_stops(l->work))
            fw_stream_drop(l->work, (uint32_t)*s);
        else
            fw_stream_unlend(l->work, (uint32_t)*s);
    }
    return true;
}

static bool read_post(struct lending *l, struct fw_post *post)
{
    switch ((enum fw_letter_kind)post->head->kind) {
    case FW_LETTER_RESULTS:
        return read_results(l, post);
    case FW_LETTER_UNRUN:
        return read_unrun(l, post);
    case FW_LETTER_STOPPED:
        fw_stream_stop(l->work, (enum fw_haste)post->head->n);
        return true;
    case FW_LETTER_END:
        l->byes++;
        return true;
    default:
        return false;
    }
}

static bool receive(struct lending *l)
{
    struct fw_post post;
    bool some = false;

    while (l->status == FURROW_OK) {
        note(l, fw_mail_receive(&l->mail, &post));
        if (post.head == NULL)
            break;
        some = true;
        if (!read_post(l, &post))
            note(l, fw_fail(FURROW_ESYS, "mpi: a message of rank %d makes no sense; are all ranks of one build of furrow?",
                            post.from));
        fw_post_drop(&post);
    }
    note(l, fw_mail_push(&l->mail));
    return some;
}

/* -- The job ------------------------------------------------------------ */

static void pass_stop_on(struct lending *l)
{
    const enum fw_haste haste = fw_haste_of(l->work->common);

    if (!fw_work_stops(l->work) || (l->told_stop && l->told_haste >= haste))
        return;
    tell_all(l, FW_LETTER_STOP, (uint32_t)haste);
    l->told_stop = true;
    l->told_haste = haste;
}

static void serve(struct lending *l)
{
    struct fw_stream *stream = l->work->stream;
    struct fw_pause pause = { 0, 0 };
    bool more = true;

    while (more && l->status == FURROW_OK) {
        const bool stops = fw_work_stops(l->work);
        bool moved;
        uint64_t ns;

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
static void dismiss(struct lending *l)
{
    struct fw_pause pause = { 0, 0 };

    tell_all(l, FW_LETTER_END, 0);
    while (l->byes < fw_world.size - 1 && l->status == FURROW_OK)
        if (!receive(l))
            fw_pause(&pause);
    if (l->status == FURROW_OK)
        note(l, fw_mail_flush(&l->mail));
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
static int most_of(const struct lending *l, int workers)
{
    const int64_t part = (int64_t)l->work->stream->most * workers / l->job->card.workers + 1;
    const int most = workers > 0 ? fw_stream_most(&l->job->card, workers) : 0;

    return most < part ? most : (int)part;
}

static bool open_ranks(struct lending *l)
{
    const int size = fw_world.size;
    const uint32_t slots = l->work->stream->slots;

    l->rank = fw_malloc((size_t)size * sizeof *l->rank);
    l->owner = fw_malloc(slots * sizeof *l->owner);
    if (l->rank == NULL || l->owner == NULL)
        return false;
    memset(l->rank, 0, (size_t)size * sizeof *l->rank);
    memset(l->owner, 0, slots * sizeof *l->owner);
    for (int r = 1; r < size; r++) {
        const struct fw_share_of_rank share = fw_deal(fw_world.peer, size, r, l->job->card.workers,
                                                      l->job->card.config.inner_threads);

        l->rank[r].workers = share.own;
        l->rank[r].most = most_of(l, share.own);
        l->rank[r].heard = fw_now();
    }
    return true;
}

static void close_ranks(struct lending *l)
{
    for (int r = 0; l->rank != NULL && r < fw_world.size; r++)
        fw_letter_drop(&l->rank[r].letter);
    fw_free(l->rank);
    fw_free(l->owner);
}

furrow_status fw_lend_run(struct fw_job *job)
{
    struct lending l = { .job = job, .work = job->work, .status = FURROW_OK };
    struct fw_crew_beside crew;
    furrow_status status = fw_crew_start(&crew, job->work, 0);

    if (open_ranks(&l)) {
        serve(&l);
        dismiss(&l);
    } else {
        note(&l, fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %d ranks", fw_world.size));
    }
    atomic_store(&job->work->stream->closed, 1);
    fw_bell_ring(&job->work->common->bell);
    fw_crew_join(&crew);
    close_ranks(&l);
    return l.status != FURROW_OK ? l.status : status;
}
