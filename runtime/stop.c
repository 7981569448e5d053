#include "stop.h"

#include <sched.h>
#include <unistd.h>

#include "clock.h"
#include "stream.h"
#include "work.h"

/* The first stop of its kind says what there is to say. */
static void note_stop(struct fw_stop *stop, furrow_status status, int code, size_t index,
                      const char *words)
{
    uint32_t free = 0;

    if (!atomic_compare_exchange_strong(&stop->taken, &free, 1))
        return;
    stop->status = status;
    stop->when = fw_clock_wall();
    stop->code = code;
    stop->index = index;
    if (words != NULL)
        fw_text_copy(stop->words, sizeof stop->words, words);
}

/* Workers that are killed in it must not be waited for: they are not counted. */
static void wake_backend(struct furrow_work *work)
{
    const bool own = !work->shared_home || work->caller_pid == getpid();

    if (work->backend->wake == NULL)
        return;
    if (own)
        atomic_fetch_add(&work->wakers, 1);
    work->backend->wake(work);
    if (own)
        atomic_fetch_sub(&work->wakers, 1);
}

void fw_work_stop(struct furrow_work *work, enum fw_cause cause, furrow_status status, int code,
                  size_t index, const char *words)
{
    uint32_t none = FW_CAUSE_NONE;

    note_stop(&work->stop[cause], status, code, index, words);
    (void)atomic_compare_exchange_strong(&work->cause, &none, (uint32_t)cause);
    fw_work_start_no_more(work->common, work->ranges);
    if (cause != FW_CAUSE_DRAIN && cause != FW_CAUSE_NONE) /* a task that returns for it is its worker's last */
        atomic_store(&work->common->hurry, 1);
    fw_bell_ring(&work->common->bell);
    if (work->stream != NULL)
        fw_bell_ring(&work->stream->caller);
    wake_backend(work);
}

void fw_work_cancel(struct furrow_work *work)
{
    if (atomic_load(&work->stop[FW_CAUSE_CANCEL].taken) != 0)
        atomic_store(&work->common->urgent, 1);
    fw_work_stop(work, FW_CAUSE_CANCEL, FURROW_ECANCELLED, 0, FW_NO_TASK, NULL);
}

void fw_work_drain(struct furrow_work *work, const char *words)
{
    if (work->outermost)
        fw_work_stop(work, FW_CAUSE_DRAIN, FURROW_ECANCELLED, 0, FW_NO_TASK, words);
}

bool fw_work_hurries(const struct furrow_work *work)
{
    return atomic_load_explicit(&work->common->hurry, memory_order_acquire) != 0;
}

bool furrow_work_stopping(const furrow_work *work)
{
    return atomic_load(&work->common->stopping) != 0;
}

bool furrow_work_urgent(const furrow_work *work)
{
    return atomic_load(&work->common->urgent) != 0;
}

void furrow_work_attach(furrow_work *work, void *own)
{
    atomic_store(&work->attached, own);
    while (atomic_load(&work->wakers) > 0)
        (void)sched_yield();
}

void *furrow_work_attached(const furrow_work *work)
{
    return atomic_load(&work->attached);
}

furrow_status furrow_work_fail(furrow_work *work, furrow_status status, const char *format, ...)
{
    char words[FURROW_MESSAGE];
    va_list args;

    va_start(args, format);
    fw_message_format(words, format, args);
    va_end(args);
    fw_work_stop(work, FW_CAUSE_BACKEND, status, 0, FW_NO_TASK, words);
    return status;
}

void furrow_work_note(furrow_work *work, const char *format, ...)
{
    char words[FURROW_MESSAGE];
    va_list args;

    va_start(args, format);
    fw_message_format(words, format, args);
    va_end(args);
    fw_message_append(work->note, "%s", words);
}
