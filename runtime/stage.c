/* The stage is looked at in sheets of about a MiB. What the collector has taken
 * is marked in the outcome byte, which nobody else writes once it is not
 * PENDING; a sheet whose tasks are all taken gives its pages back. Anything
 * finished can be taken, whatever its neighbours do, so that waiting for room
 * always ends. */
#include "stage.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "share.h"

uint64_t fw_stage_most = (uint64_t)256 << 20;

enum { SHEET = 1 << 20 };

/* Taking is worth a look from here on. */
static uint64_t worth(const struct fw_stage *stage)
{
    return stage->most / 8 + 1;
}

/* -- Copying -------------------------------------------------------------- */

/* From `at` on, how many of at most `n` tasks have this outcome byte. */
static size_t run_of(const unsigned char *at, unsigned char byte, size_t n)
{
    size_t length = 0;

    while (length < n && __atomic_load_n(&at[length], __ATOMIC_ACQUIRE) == byte)
        length++;
    return length;
}

void fw_stage_copy(struct furrow_work *work, size_t first, size_t n)
{
    const size_t size = work->request.job.out_size;

    if (work->out != NULL && work->out != work->request.job.out)
        fw_bulk_copy((char *)work->request.job.out + first * size, work->out + first * size, n * size);
}

/* -- The collector -------------------------------------------------------- */

static size_t sheet_begin(const struct furrow_work *work, size_t sheet)
{
    const size_t count = work->request.job.count, begin = sheet * work->stage.per_sheet;

    return begin < count ? begin : count;
}

static bool sheet_taken(const struct fw_stage *stage, size_t sheet)
{
    return stage->left[sheet] == 0;
}

/* Gives back the pages of a sheet that was taken; one that it shares with a
 * neighbour goes with the later of the two. */
static void give_back(struct furrow_work *work, size_t sheet)
{
    const struct fw_stage *stage = &work->stage;
    const size_t size = work->request.job.out_size;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    uintptr_t begin = (uintptr_t)work->out + sheet_begin(work, sheet) * size;
    uintptr_t end = (uintptr_t)work->out + sheet_begin(work, sheet + 1) * size;

    begin = sheet > 0 && sheet_taken(stage, sheet - 1) ? begin & ~page : (begin + page) & ~page;
    end = sheet + 1 < stage->sheets && sheet_taken(stage, sheet + 1) ? (end + page) & ~page
                                                                     : end & ~page;
    if (end > begin)
        (void)madvise((void *)begin, end - begin, MADV_REMOVE);
}

/* Takes what has finished in a sheet. */
static void take_sheet(struct furrow_work *work, size_t sheet)
{
    struct fw_stage *stage = &work->stage;
    const size_t end = sheet_begin(work, sheet + 1);
    unsigned char *outcome = work->outcome;

    for (size_t i = sheet_begin(work, sheet); i < end;) {
        const unsigned char byte = __atomic_load_n(&outcome[i], __ATOMIC_ACQUIRE);
        const size_t n = run_of(&outcome[i], byte, end - i);

        if (byte != FURROW_PENDING && (byte & FW_TAKEN) == 0) {
            if (byte == FURROW_DONE)
                fw_stage_copy(work, i, n);
            memset(&outcome[i], byte | FW_TAKEN, n);
            stage->left[sheet] -= (uint32_t)n;
        }
        i += n > 0 ? n : 1; /* 0: it changed meanwhile, and is for the next time */
    }
    if (sheet_taken(stage, sheet))
        give_back(work, sheet);
}

static void take_all(struct furrow_work *work)
{
    struct fw_stage *stage = &work->stage;
    const uint64_t before = atomic_load(&work->common->stage.written);

    for (size_t sheet = 0; sheet < stage->sheets; sheet++)
        if (!sheet_taken(stage, sheet))
            take_sheet(work, sheet);
    atomic_fetch_sub(&work->common->stage.written, before);
    fw_bell_ring(&work->common->bell);
}

static bool nothing_to_take(const struct furrow_work *work)
{
    const struct fw_stage_level *level = &work->common->stage;

    return atomic_load(&level->written) < worth(&work->stage) && atomic_load(&level->closed) == 0;
}

static void *collect(void *argument)
{
    struct furrow_work *work = argument;
    struct fw_stage_level *level = &work->common->stage;

    while (atomic_load(&level->closed) == 0) {
        const uint32_t ticket = fw_bell_listen(&level->bell);

        if (nothing_to_take(work))
            fw_bell_sleep(&level->bell, ticket, 0);
        else
            fw_bell_ignore(&level->bell);
        if (atomic_load(&level->closed) == 0 && !nothing_to_take(work))
            take_all(work);
    }
    return NULL;
}

/* Signals are for the program's own threads. */
static bool start_collector(struct furrow_work *work)
{
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&work->stage.collector, NULL, collect, work);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

void fw_stage_open(struct furrow_work *work)
{
    struct fw_stage *stage = &work->stage;
    const furrow_job *job = &work->request.job;

    if (work->ring != NULL) {
        stage->claim_most = fw_ring_run_most(work);
        return;
    }
    if (work->out == NULL || work->out == job->out || job->count * job->out_size <= stage->most)
        return;
    work->marks = NULL; /* who collects looks at bytes */
    stage->claim_most = (size_t)(stage->most / 8 / (uint64_t)work->workers / job->out_size) + 1;
    if (work->request.share != NULL && !work->request.share->receives) {
        stage->emptied = true; /* by another process */
        return;
    }
    stage->per_sheet = job->out_size < SHEET ? SHEET / job->out_size : 1;
    stage->sheets = (job->count - 1) / stage->per_sheet + 1;
    stage->left = fw_malloc(stage->sheets * sizeof *stage->left);
    if (stage->left == NULL) {
        atomic_store(&work->common->stage.off, 1);
        return;
    }
    for (size_t sheet = 0; sheet < stage->sheets; sheet++)
        stage->left[sheet] = (uint32_t)(sheet_begin(work, sheet + 1) - sheet_begin(work, sheet));
    stage->emptied = stage->collects = start_collector(work);
    atomic_store(&work->common->stage.off, !stage->collects);
}

/* -- The end -------------------------------------------------------------- */

static void stop_collector(struct furrow_work *work)
{
    struct fw_stage *stage = &work->stage;

    if (stage->collects) {
        atomic_store(&work->common->stage.closed, 1);
        fw_bell_ring(&work->common->stage.bell);
        (void)pthread_join(stage->collector, NULL);
    }
    stage->emptied = stage->collects = false;
    fw_free(stage->left);
    stage->left = NULL;
}

void fw_stage_take(struct furrow_work *work, size_t begin, size_t end)
{
    unsigned char *outcome = work->outcome;
    const bool staged = work->out != NULL && work->out != work->request.job.out;

    /* Outcomes that nobody asked for are not looked through: 2^32 of them take long. */
    if (!work->stage.taken && !staged && (work->request.share == NULL || work->request.job.outcome == NULL))
        return;
    for (size_t i = begin; i < end;) {
        const size_t n = run_of(&outcome[i], outcome[i], end - i);

        if (outcome[i] == FURROW_DONE)
            fw_stage_copy(work, i, n);
        if (outcome[i] == (FURROW_DONE | FW_TAKEN))
            fw_ring_copy(work, i, n);
        if ((outcome[i] & FW_TAKEN) != 0)
            memset(&outcome[i], outcome[i] & ~FW_TAKEN, n);
        i += n;
    }
}

void fw_stage_close(struct furrow_work *work)
{
    work->stage.taken = work->stage.emptied;
    stop_collector(work);
}

void fw_stage_drop(struct furrow_work *work)
{
    stop_collector(work);
}

/* -- Workers -------------------------------------------------------------- */

void fw_stage_note(struct furrow_work *work, size_t tasks)
{
    struct fw_stage_level *level = &work->common->stage;
    const uint64_t bytes = (uint64_t)tasks * work->request.job.out_size;

    if (atomic_fetch_add(&level->written, bytes) + bytes >= worth(&work->stage))
        fw_bell_ring(&level->bell);
}

bool fw_stage_full(const struct furrow_work *work)
{
    const struct fw_stage_level *level = &work->common->stage;

    return atomic_load(&level->written) > work->stage.most && atomic_load(&level->off) == 0;
}
