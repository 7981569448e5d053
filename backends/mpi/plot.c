#include "feed.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "entry.h"
#include "pace.h"
#include "world.h"

/* Results go off every few ms, or when there are WORTH bytes. */
enum { LETTER = 1 << 20, SENDING_MOST = 8 << 20, WORTH = 2 << 20 };

void fw_plot_open(struct fw_plot *plot, struct fw_job *job, bool ships)
{
    *plot = (struct fw_plot){ .job = job,
                              .common = job->share.common,
                              .ranges = job->share.ranges,
                              .line = job->deal.node_workers,
                              .rate = { .at = fw_now() },
                              .ships = ships && job->outcome != NULL,
                              .staged = job->share.out != NULL &&
                                        job->card.count * job->card.out_size > job->share.stage_most };
}

void fw_plot_close(struct fw_plot *plot)
{
    fw_free(plot->queue);
    fw_free(plot->bed);
}

/* Room for one more element; false: no memory. */
static bool grow(void **array, size_t used, size_t *room, size_t size)
{
    void *more;

    if (used < *room)
        return true;
    more = fw_malloc((*room > 0 ? 2 * *room : 64) * size);
    if (more == NULL)
        return false;
    if (used > 0)
        memcpy(more, *array, used * size);
    fw_free(*array);
    *array = more;
    *room = *room > 0 ? 2 * *room : 64;
    return true;
}

static bool add_bed(struct fw_plot *plot, struct fw_span span)
{
    void *beds = plot->bed;

    if (!plot->ships || span.begin == span.end)
        return true;
    if (!grow(&beds, plot->nbed, &plot->bed_room, sizeof *plot->bed))
        return false;
    plot->bed = beds;
    plot->bed[plot->nbed++] = (struct fw_bed){ span, span.end - span.begin };
    return true;
}

bool fw_plot_give(struct fw_plot *plot, struct fw_span span)
{
    void *queue = plot->queue;

    if (!grow(&queue, plot->nqueue, &plot->queue_room, sizeof *plot->queue))
        return false;
    plot->queue = queue;
    plot->queue[plot->nqueue++] = span;
    plot->given += span.end - span.begin;
    return add_bed(plot, span);
}

bool fw_plot_tend(struct fw_plot *plot)
{
    if (plot->nqueue == 0 || fw_ranges_left(plot->ranges, plot->line) > 0)
        return false;
    fw_ranges_feed(plot->ranges, plot->line, plot->queue[0]);
    plot->nqueue--;
    memmove(plot->queue, plot->queue + 1, plot->nqueue * sizeof *plot->queue);
    fw_bell_ring(&plot->common->bell);
    return true;
}

size_t fw_plot_left(struct fw_plot *plot)
{
    size_t left = 0;

    for (int line = 0; line <= plot->line; line++)
        left += fw_ranges_left(plot->ranges, line);
    for (size_t i = 0; i < plot->nqueue; i++)
        left += plot->queue[i].end - plot->queue[i].begin;
    fw_pace_measure(&plot->rate, fw_now(), plot->given - plot->returned - left);
    return left;
}

bool fw_plot_empty(struct fw_plot *plot)
{
    return plot->nqueue == 0 && fw_ranges_left(plot->ranges, plot->line) == 0 &&
           fw_ranges_ask(plot->ranges, plot->line) == FW_HOPE_NONE;
}

enum fw_haste fw_plot_haste(const struct fw_plot *plot)
{
    return fw_haste_of(plot->common);
}

void fw_plot_stop(struct fw_plot *plot, enum fw_haste haste)
{
    fw_work_start_no_more(plot->common, plot->ranges);
    fw_haste_raise(plot->common, haste);
    fw_bell_ring(&plot->common->bell);
}

/* -- Giving back -------------------------------------------------------- */

static size_t count_left(const struct fw_plot *plot, struct fw_span span)
{
    size_t left = 0;

    for (size_t i = span.begin; i < span.end; i++)
        left += (__atomic_load_n(&plot->job->outcome[i], __ATOMIC_RELAXED) & FW_TAKEN) == 0;
    return left;
}

/* These tasks are no longer the node's. */
static bool forget(struct fw_plot *plot, struct fw_span span)
{
    for (size_t i = 0; i < plot->nbed; i++) {
        struct fw_span bed = plot->bed[i].span;

        if (span.begin < bed.begin || span.end > bed.end)
            continue;
        plot->bed[i] = plot->bed[--plot->nbed];
        if (!add_bed(plot, (struct fw_span){ bed.begin, span.begin }) ||
            !add_bed(plot, (struct fw_span){ span.end, bed.end }))
            return false;
        for (size_t b = 0; b < plot->nbed; b++)
            if (plot->bed[b].span.begin == bed.begin || plot->bed[b].span.begin == span.end)
                plot->bed[b].left = count_left(plot, plot->bed[b].span);
        return true;
    }
    return true; /* it lay across several: their results are awaited in vain, and harmless */
}

static bool take_half(struct fw_plot *plot, struct fw_span *out)
{
    const size_t here = fw_ranges_left(plot->ranges, plot->line);

    if (plot->nqueue > 0) {
        *out = plot->queue[--plot->nqueue];
        return true;
    }
    if (here == 0 && !fw_ranges_steal(plot->ranges, plot->line)) {
        (void)fw_ranges_ask(plot->ranges, plot->line); /* for the next time */
        return false;
    }
    if (!fw_ranges_claim(plot->ranges, plot->line, here > 0 ? here / 2 + 1 : SIZE_MAX / 2, out))
        return false;
    fw_ranges_close(plot->ranges, plot->line);
    return true;
}

bool fw_plot_take_back(struct fw_plot *plot, struct fw_span *out)
{
    if (!take_half(plot, out))
        return false;
    plot->returned += out->end - out->begin;
    return forget(plot, *out);
}

/* -- Results ------------------------------------------------------------ */

/* From `at` on, how many of at most `n` tasks are settled and not yet sent. */
static size_t settled(const unsigned char *at, size_t n)
{
    size_t length = 0;

    while (length < n) {
        const unsigned char byte = __atomic_load_n(&at[length], __ATOMIC_ACQUIRE);

        if (byte == FURROW_PENDING || (byte & FW_TAKEN) != 0)
            break;
        length++;
    }
    return length;
}

/* Tasks that fit what is left of a letter; at least one. */
static size_t that_fit(const struct fw_letter *letter, size_t n, size_t size)
{
    const size_t room = letter->used < LETTER ? LETTER - letter->used : 0, fit = room / (size + 1);

    return fit < 1 ? 1 : fit < n ? fit : n;
}

static void put_results(struct fw_plot *plot, struct fw_letter *letter, size_t begin, size_t n)
{
    const size_t size = plot->job->share.out != NULL ? (size_t)plot->job->card.out_size : 0;
    const struct fw_feed_results results = { begin, n, n * size };
    unsigned char *outcome = plot->job->outcome + begin;

    if (!fw_letter_begun(letter))
        fw_letter_begin(letter, FW_LETTER_RESULTS);
    (void)fw_letter_put(letter, &results, sizeof results);
    (void)fw_letter_put(letter, outcome, n);
    if (size > 0)
        (void)fw_letter_put(letter, plot->job->share.out + begin * size, n * size);
    fw_letter_count(letter);
    for (size_t i = 0; i < n; i++)
        outcome[i] |= FW_TAKEN;
    if (plot->staged)
        atomic_fetch_sub(&plot->common->stage.written, n * size);
}

/* Gives the pages of a whole bed back: outputs were sent, inputs used. */
static void give_pages_back(const struct fw_plot *plot, char *array, size_t size, struct fw_span span)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    uintptr_t begin, end;

    if (array == NULL || plot->job->window.base == NULL)
        return;
    begin = ((uintptr_t)array + span.begin * size + page) & ~page;
    end = ((uintptr_t)array + span.end * size) & ~page;
    if (end > begin)
        (void)madvise((void *)begin, end - begin, MADV_REMOVE);
}

static furrow_status ship_bed(struct fw_plot *plot, struct fw_bed *bed, struct fw_letter *letter, struct fw_mail *mail,
                              bool all)
{
    const size_t size = plot->job->share.out != NULL ? (size_t)plot->job->card.out_size : 0;
    furrow_status status = FURROW_OK;

    for (size_t i = bed->span.begin; i < bed->span.end && status == FURROW_OK;) {
        size_t n = settled(plot->job->outcome + i, bed->span.end - i);

        if (n == 0) {
            i++;
            continue;
        }
        if (!all && mail->sending >= SENDING_MOST)
            break;
        n = that_fit(letter, n, size);
        put_results(plot, letter, i, n);
        bed->left -= n;
        i += n;
        if (letter->used >= LETTER)
            status = fw_mail_send(mail, letter, 0);
    }
    return status;
}

static bool is_time(struct fw_plot *plot, bool all)
{
    const uint64_t now = fw_now();

    if (!plot->ships || plot->nbed == 0)
        return false;
    if (!all && now - plot->shipped_at < fw_pace_ship(fw_world.nodes) && atomic_load(&plot->common->stage.written) < WORTH)
        return false;
    plot->shipped_at = now;
    return true;
}

furrow_status fw_plot_ship(struct fw_plot *plot, struct fw_mail *mail, bool all)
{
    struct fw_letter letter = { NULL, 0, 0, false };
    furrow_status status = FURROW_OK;

    if (!is_time(plot, all))
        return FURROW_OK;
    for (size_t b = 0; b < plot->nbed && status == FURROW_OK;) {
        struct fw_bed *bed = &plot->bed[b];

        status = ship_bed(plot, bed, &letter, mail, all);
        if (bed->left > 0) {
            b++;
            continue;
        }
        give_pages_back(plot, plot->job->share.out, (size_t)plot->job->card.out_size, bed->span);
        give_pages_back(plot, plot->job->in, (size_t)plot->job->card.in_size, bed->span);
        *bed = plot->bed[--plot->nbed];
    }
    if (status == FURROW_OK && fw_letter_begun(&letter))
        status = fw_mail_send(mail, &letter, 0);
    fw_letter_drop(&letter);
    fw_bell_ring(&plot->common->bell);
    return status;
}
