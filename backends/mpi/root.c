/* Rank 0, where there are several nodes: gives chunks to the leaders, takes
 * results, and finds out when all is done. */
#include <string.h>

#include "entry.h"
#include "feed.h"
#include "pace.h"
#include "stock.h"
#include "world.h"

/* A node as rank 0 sees it. */
struct view {
    int leader;        /* its rank */
    int workers;
    uint64_t sent;     /* letters of tasks */
    double rate;       /* tasks a second */
    bool wants, empty; /* since it got tasks last */
    bool asked;        /* to give back; the answer is due */
    uint64_t rest;     /* until then it is not asked: it just got tasks, or had nothing to give back */
};

struct fw_root {
    struct fw_job *job;
    struct fw_plot *plot;     /* of this node */
    struct fw_crew_beside *crew; /* of this rank */
    struct fw_stock stock;
    size_t *dear;             /* owned: the stock's lists; NULL: none */
    struct view *view;        /* owned: one per node; the first is this one */
    int *node_of;             /* owned: by rank */
    struct fw_mail *mail;     /* the job's */
    int turn;                 /* the node that is looked at first: not the one that gave back last */
    int byes;
    bool told_stop;
    enum fw_haste told_haste;
    furrow_status status;
};

enum { LETTER_INPUTS = 16 << 20 };

static void note(struct fw_root *r, furrow_status status)
{
    if (status == FURROW_OK || r->status != FURROW_OK)
        return;
    r->status = furrow_work_fail(r->job->work, status, "%s", furrow_message());
}

static bool stops(const struct fw_root *r)
{
    return atomic_load(&r->plot->common->stopping) != 0;
}

static void tell(struct fw_root *r, int node, enum fw_letter_kind kind, uint32_t n)
{
    if (!r->mail->broken)
        note(r, fw_mail_say(r->mail, kind, n, r->view[node].leader));
}

/* -- Giving ------------------------------------------------------------- */

static size_t chunk_of(const struct fw_root *r, const struct view *v)
{
    const size_t n = fw_pace_chunk(v->rate, v->workers, r->job->card.workers, fw_world.nodes,
                                   fw_stock_left(&r->stock));
    const size_t most = r->job->card.in_size > 0 ? LETTER_INPUTS / (size_t)r->job->card.in_size : n;

    return n < most ? n : most > 1 ? most : 1;
}

static void give_here(struct fw_root *r, struct fw_span span)
{
    if (!fw_plot_give(r->plot, span))
        note(r, fw_fail(FURROW_ENOMEM, "mpi: no memory for the list of a node's tasks"));
}

static void put_span(struct fw_root *r, struct fw_letter *letter, struct fw_span span)
{
    const size_t size = (size_t)r->job->card.in_size;
    const char *in = r->job->request->job.in;

    (void)fw_letter_put(letter, &span, sizeof span);
    if (in != NULL)
        (void)fw_letter_put(letter, in + span.begin * size, (span.end - span.begin) * size);
    fw_letter_count(letter);
}

/* Tasks in a letter: a chunk; of those that go first one a worker at least, and
 * no more before it is known how long tasks take there. */
static size_t letter_of(const struct fw_root *r, const struct view *v)
{
    const size_t chunk = chunk_of(r, v), workers = (size_t)v->workers;

    if (r->stock.dear_given == r->stock.ndear)
        return chunk;
    return v->rate > 0 && chunk > workers ? chunk : workers;
}

/* One letter's tasks, in as many spans as those that go first leave. False:
 * nothing is left. */
static bool give(struct fw_root *r, int node)
{
    struct view *v = &r->view[node];
    const bool high = node == fw_world.nodes - 1;
    const size_t want = letter_of(r, v);
    struct fw_letter letter;
    struct fw_span span;
    size_t given = 0;

    if (!fw_stock_take(&r->stock, want, high, &span))
        return false;
    fw_letter_begin(&letter, FW_LETTER_TASKS);
    do {
        if (node == 0)
            give_here(r, span);
        else
            put_span(r, &letter, span);
        given += span.end - span.begin;
    } while (given < want && fw_stock_take(&r->stock, want - given, high, &span));
    if (node == 0)
        fw_letter_drop(&letter);
    else
        note(r, fw_mail_send(r->mail, &letter, v->leader));
    v->sent += node > 0;
    v->wants = v->empty = false;
    v->rest = fw_now() + fw_pace_patience();
    return true;
}

/* Nodes that have nothing come before those that have little. A node that gave
 * back has nothing unstarted either, and would have it again: it comes last. */
static bool give_all(struct fw_root *r)
{
    bool some = false;

    for (int round = 0; round < 2; round++)
        for (int i = 0; i < fw_world.nodes && !stops(r); i++) {
            const int node = (r->turn + i) % fw_world.nodes;

            if (r->view[node].wants && r->view[node].workers > 0 && (round > 0 || r->view[node].empty))
                some |= give(r, node);
        }
    return some;
}

/* -- Asking back -------------------------------------------------------- */

static void take_back(struct fw_root *r, int node, struct fw_span span)
{
    r->turn = (node + 1) % fw_world.nodes;
    if (!fw_stock_return(&r->stock, span))
        note(r, fw_fail(FURROW_ENOMEM, "mpi: no memory for the list of tasks that were given back"));
}

static void ask_back(struct fw_root *r, int node, uint64_t now)
{
    struct view *v = &r->view[node];
    struct fw_span span;

    if (node > 0) {
        v->asked = true;
        tell(r, node, FW_LETTER_RECALL, 0);
    } else if (fw_plot_take_back(r->plot, &span)) {
        take_back(r, node, span);
    } else {
        v->rest = now + fw_pace_patience();
    }
}

/* Somebody wants tasks and there are none: those that have get asked. */
static void ask_those_that_have(struct fw_root *r)
{
    const uint64_t now = fw_now();
    bool wanted = false;
    int asked = 0;

    for (int node = 0; node < fw_world.nodes; node++)
        wanted |= r->view[node].empty && r->view[node].workers > 0;
    if (!wanted || stops(r) || fw_stock_left(&r->stock) > 0)
        return;
    for (int node = 0; node < fw_world.nodes && asked < FW_PACE_ASKED_MOST; node++) {
        const struct view *v = &r->view[node];

        asked += v->asked;
        if (v->empty || v->asked || now < v->rest)
            continue;
        ask_back(r, node, now);
        asked++;
    }
}

/* -- Receiving ---------------------------------------------------------- */

static bool read_state(struct fw_root *r, struct view *v, struct fw_post *post)
{
    const struct fw_feed_state *state = fw_post_take(post, sizeof *state);

    (void)r;
    if (state == NULL)
        return false;
    if (state->heard != v->sent)
        return true; /* tasks are on their way */
    v->wants = true;
    v->empty = state->empty != 0;
    if (state->rate > 0)
        v->rate = state->rate;
    return true;
}

static bool read_unrun(struct fw_root *r, struct view *v, struct fw_post *post)
{
    v->asked = false;
    if (post->head->n == 0)
        v->rest = fw_now() + fw_pace_patience();
    for (uint32_t i = 0; i < post->head->n; i++) {
        struct fw_span span;

        if (!fw_entry_span(post, r->job->card.count, &span))
            return false;
        take_back(r, r->node_of[post->from], span);
    }
    return true;
}

/* Outcomes and outputs go where the stage's collector brings those of this
 * node; marked as taken, so that it passes them over. */
static void keep_results(struct fw_root *r, const struct fw_feed_results *results, const unsigned char *outcome,
                         const char *outputs)
{
    const size_t size = (size_t)r->job->card.out_size;
    char *out = r->job->request->job.out;
    unsigned char *mine = r->job->outcome;

    for (size_t i = 0; i < results->n; i++) {
        const size_t index = (size_t)results->begin + i;

        if (outputs != NULL && out != NULL && outcome[i] == FURROW_DONE)
            memcpy(out + index * size, outputs + i * size, size);
        __atomic_store_n(&mine[index], (unsigned char)(outcome[i] | FW_TAKEN), __ATOMIC_RELEASE);
    }
}

static bool read_results(struct fw_root *r, struct fw_post *post)
{
    for (uint32_t i = 0; i < post->head->n; i++) {
        struct fw_feed_results results;
        const unsigned char *outcome;
        const char *outputs;

        if (r->job->outcome == NULL ||
            !fw_entry_results(post, r->job->card.count, r->job->card.out_size, &results, &outcome, &outputs))
            return false;
        keep_results(r, &results, outcome, outputs);
        if (r->job->work->progress.every_ns > 0)
            fw_progress_add(&r->job->work->progress, (size_t)results.n, fw_now());
    }
    return true;
}

static bool read_post(struct fw_root *r, struct fw_post *post)
{
    struct view *v = &r->view[r->node_of[post->from]];

    switch ((enum fw_letter_kind)post->head->kind) {
    case FW_LETTER_WANTED:
        return read_state(r, v, post);
    case FW_LETTER_UNRUN:
        return read_unrun(r, v, post);
    case FW_LETTER_RESULTS:
        return read_results(r, post);
    case FW_LETTER_STOPPED:
        fw_plot_stop(r->plot, (enum fw_haste)post->head->n);
        return true;
    case FW_LETTER_END:
        r->byes++;
        return true;
    default:
        return false;
    }
}

/* After an error, too: the leaders wait until their letters are received. */
static bool receive(struct fw_root *r)
{
    struct fw_post post;
    bool some = false;

    while (!r->mail->broken) {
        note(r, fw_mail_receive(r->mail, &post));
        if (post.head == NULL)
            break;
        some = true;
        if (r->status != FURROW_OK)
            r->byes += post.head->kind == FW_LETTER_END;
        else if (!read_post(r, &post))
            note(r, fw_fail(FURROW_ESYS, "mpi: a message of rank %d makes no sense; are all ranks of one build of furrow?",
                            post.from));
        fw_post_drop(&post);
    }
    note(r, fw_mail_push(r->mail));
    return some;
}

/* -- The job ------------------------------------------------------------ */

/* This node asks as the others do, without a letter. */
static bool look_after_own(struct fw_root *r)
{
    struct view *v = &r->view[0];
    bool moved = false;
    size_t left;

    while (fw_plot_tend(r->plot))
        moved = true;
    left = fw_plot_left(r->plot);
    v->rate = r->plot->rate.per_second > 0 ? r->plot->rate.per_second : v->rate;
    v->wants = fw_pace_low(left, v->workers, v->rate);
    v->empty = left == 0 && fw_plot_empty(r->plot);
    return moved;
}

static void pass_stop_on(struct fw_root *r)
{
    const enum fw_haste haste = fw_plot_haste(r->plot);

    if (!stops(r) || (r->told_stop && r->told_haste >= haste))
        return;
    for (int node = 1; node < fw_world.nodes; node++)
        tell(r, node, FW_LETTER_STOP, (uint32_t)haste);
    r->told_stop = true;
    r->told_haste = haste;
}

/* Nobody has an unstarted task, and none is on its way. */
static bool is_over(const struct fw_root *r)
{
    if (stops(r))
        return r->told_stop;
    if (fw_stock_left(&r->stock) > 0)
        return false;
    for (int node = 0; node < fw_world.nodes; node++)
        if (!r->view[node].empty || r->view[node].asked)
            return false;
    return true;
}

static void rule(struct fw_root *r)
{
    struct fw_pause pause = { 0, 0 };

    while (r->status == FURROW_OK && !is_over(r)) {
        bool moved = receive(r);

        moved |= look_after_own(r);
        moved |= give_all(r);
        ask_those_that_have(r);
        pass_stop_on(r);
        fw_crew_urge(r->crew);
        if (moved)
            pause = (struct fw_pause){ 0, 0 };
        else
            fw_pause(&pause);
    }
}

static void tell_end(struct fw_root *r)
{
    for (int node = 1; node < fw_world.nodes; node++)
        tell(r, node, FW_LETTER_END, 0);
}

/* No more tasks; what runs may still fail, and the others are told. */
static void finish(struct fw_root *r, bool (*left)(void *own), void *own)
{
    struct fw_pause pause = { 0, 0 };

    tell_end(r);
    atomic_store(&r->plot->common->more, 0);
    fw_bell_ring(&r->plot->common->bell);
    for (bool done = false; !done;) {
        const bool moved = receive(r);

        pass_stop_on(r);
        fw_crew_urge(r->crew);
        done = left(own) && (r->byes == fw_world.nodes - 1 || r->mail->broken);
        if (!moved)
            fw_pause(&pause);
    }
    tell_end(r);
    note(r, fw_mail_flush(r->mail));
}

static void see_nodes(struct fw_root *r)
{
    const int ranks = fw_world.size;
    int nodes = 0;

    memset(r->view, 0, (size_t)fw_world.nodes * sizeof *r->view);
    for (int rank = 0; rank < ranks; rank++) {
        const int leader = fw_world.peer[rank].leader;

        if (leader == rank) {
            const struct fw_share_of_rank share = fw_deal(fw_world.peer, ranks, rank, r->job->card.workers,
                                                          r->job->card.config.inner_threads);

            r->view[nodes] = (struct view){ .leader = rank, .workers = share.node_workers, .wants = true,
                                            .empty = share.node_workers == 0 };
            r->node_of[rank] = nodes++;
        } else {
            r->node_of[rank] = r->node_of[leader];
        }
    }
}

/* What is settled nowhere, when all have left. */
static bool fill_with_lost(struct fw_root *r)
{
    const size_t count = (size_t)r->job->card.count;
    const unsigned char *outcome = r->job->outcome;
    bool kept = true;

    r->stock.begin = r->stock.end;
    for (size_t i = 0; i < count && kept;) {
        size_t end = i;

        while (end < count && outcome[end] == FURROW_PENDING)
            end++;
        kept = fw_stock_return(&r->stock, (struct fw_span){ i, end });
        i = end + 1;
    }
    return kept;
}

static bool fill_stock(struct fw_root *r)
{
    const size_t n = (size_t)r->job->card.ndear;

    fw_stock_close(&r->stock);
    fw_stock_open(&r->stock, (size_t)r->job->card.count, r->plot->ranges->granule);
    if (r->job->again)
        return fill_with_lost(r);
    if (r->dear == NULL || r->stock.granule > 1)
        return true;
    (void)fw_dear_find(&r->job->request->job, r->job->card.workers, r->dear, r->dear + n);
    r->stock.dear = r->dear;
    r->stock.dear_sorted = r->dear + n;
    r->stock.ndear = n;
    return true;
}

furrow_status fw_root_open(struct fw_job *job)
{
    const size_t n = (size_t)job->card.ndear;
    struct fw_root *r = fw_malloc(sizeof *r);

    if (r != NULL)
        *r = (struct fw_root){ .job = job, .mail = &job->mail };
    job->root = r;
    if (r != NULL) {
        r->view = fw_malloc((size_t)fw_world.nodes * sizeof *r->view);
        r->node_of = fw_malloc((size_t)fw_world.size * sizeof *r->node_of);
        r->dear = n > 0 ? fw_malloc(2 * n * sizeof *r->dear) : NULL;
    }
    if (r == NULL || r->view == NULL || r->node_of == NULL || (n > 0 && r->dear == NULL))
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %d nodes", fw_world.nodes);
    return FURROW_OK;
}

void fw_root_close(struct fw_job *job)
{
    struct fw_root *r = job->root;

    if (r == NULL)
        return;
    fw_free(r->view);
    fw_free(r->node_of);
    fw_free(r->dear);
    fw_stock_close(&r->stock);
    fw_free(r);
    job->root = NULL;
}

/* For this run: the first one, or one more for tasks that were lost. */
static void begin(struct fw_root *r, struct fw_plot *plot, struct fw_crew_beside *crew)
{
    r->plot = plot;
    r->crew = crew;
    r->turn = r->byes = 0;
    r->told_stop = false;
    r->told_haste = FW_HASTE_NONE;
    r->status = FURROW_OK;
    see_nodes(r);
}

furrow_status fw_root_run(struct fw_job *job, struct fw_plot *plot, struct fw_crew_beside *crew,
                          bool (*left)(void *own), void *own)
{
    struct fw_root *r = job->root;

    begin(r, plot, crew);
    if (fill_stock(r))
        rule(r);
    else
        note(r, fw_fail(FURROW_ENOMEM, "mpi: no memory for the list of tasks that were lost"));
    finish(r, left, own);
    return r->status;
}
