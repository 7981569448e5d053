#include "outcome.h"

#include "work.h"

/* Keeps the entries of lowest index, sorted; the new one comes with its count,
 * after it is whole. */
static void keep_failure(struct furrow_work *work, int worker, const furrow_failure *new)
{
    struct fw_worker *w = &work->worker[worker];
    furrow_failure *kept = work->blame[worker].failure;
    int at = w->nfailures;

    if (at == FURROW_FAILURES) {
        if (kept[at - 1].index < new->index)
            return;
        at--;
    }
    for (; at > 0 && kept[at - 1].index > new->index; at--)
        kept[at] = kept[at - 1];
    kept[at] = *new;
    if (w->nfailures < FURROW_FAILURES)
        w->nfailures++;
}

static void count_failure(struct fw_worker *w, furrow_outcome outcome)
{
    w->failed += outcome == FURROW_FAILED;
    w->timed_out += outcome == FURROW_TIMED_OUT;
    w->crashed += outcome == FURROW_CRASHED;
}

void fw_work_outcome(struct furrow_work *work, int worker, size_t index, furrow_outcome outcome,
                     int code, const char *words)
{
    furrow_failure failure = { .index = index, .outcome = outcome, .code = code,
                               .worker = fw_work_number(work, worker) };

    if (work->outcome != NULL)
        __atomic_store_n(&work->outcome[index], (unsigned char)outcome, __ATOMIC_RELEASE);
    if (outcome == FURROW_DONE)
        return;
    fw_text_copy(failure.host, sizeof failure.host, work->host);
    fw_text_copy(failure.message, sizeof failure.message, words);
    keep_failure(work, worker, &failure);
    count_failure(&work->worker[worker], outcome);
    if (!work->request.config.keep_going)
        fw_work_stop(work, FW_CAUSE_TASK, FURROW_OK, code, index, NULL);
}
