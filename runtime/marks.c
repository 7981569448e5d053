#include "marks.h"

#include <stdlib.h>
#include <string.h>

#include "work.h"

/* -- Noting ---------------------------------------------------------------- */

/* What the byte of a task says that a run would say: outputs that went through a
 * ring are not on the stage. */
static unsigned char done_byte(const struct furrow_work *work, int worker)
{
    return fw_ring_is_open(work, worker) ? FURROW_DONE | FW_TAKEN : FURROW_DONE;
}

static void note_bytes(struct furrow_work *work, int worker, size_t low, size_t n)
{
    const bool backwards = fw_ranges_backwards(work->ranges, work->line + worker);
    const unsigned char byte = done_byte(work, worker);
    unsigned char *const outcome = work->outcome;

    /* Who sees DONE, in any of the bytes, sees the output. */
    atomic_thread_fence(memory_order_release);
    __atomic_store_n(&outcome[backwards ? low : low + n - 1], byte, __ATOMIC_RELAXED);
    atomic_signal_fence(memory_order_seq_cst);
    memset(&outcome[backwards ? low + 1 : low], byte, n - 1);
}

/* The same of a worker that died on the way: what it had noted may have been
 * taken meanwhile, and stays as it is. */
static void note_missing_bytes(struct furrow_work *work, int worker, size_t low, size_t n)
{
    const unsigned char byte = done_byte(work, worker);

    for (size_t i = low; i < low + n; i++)
        if (__atomic_load_n(&work->outcome[i], __ATOMIC_RELAXED) == FURROW_PENDING)
            __atomic_store_n(&work->outcome[i], byte, __ATOMIC_RELEASE);
}

static bool holds(const struct fw_mark *mark, size_t index)
{
    return index >= atomic_load_explicit(&mark->begin, memory_order_relaxed) &&
           index < atomic_load_explicit(&mark->end, memory_order_relaxed);
}

/* The run continues the last one; false: it does not. */
static bool extend(struct fw_mark *last, size_t low, size_t n)
{
    if (atomic_load_explicit(&last->end, memory_order_relaxed) == low)
        atomic_store_explicit(&last->end, low + n, memory_order_release);
    else if (atomic_load_explicit(&last->begin, memory_order_relaxed) == low + n)
        atomic_store_explicit(&last->begin, low, memory_order_release);
    else
        return false;
    return true;
}

static void append(struct fw_marks *marks, uint32_t count, size_t low, size_t n)
{
    atomic_store_explicit(&marks->run[count].begin, low, memory_order_relaxed);
    atomic_store_explicit(&marks->run[count].end, low + n, memory_order_relaxed);
    atomic_store_explicit(&marks->n, count + 1, memory_order_release);
}

/* Notes the run without bytes, where it can; false: it is for the bytes. */
static bool note_run(struct furrow_work *work, int worker, size_t low, size_t n)
{
    struct fw_marks *marks = work->marks != NULL ? &work->marks[worker] : NULL;
    const uint32_t count =
        marks != NULL ? atomic_load_explicit(&marks->n, memory_order_relaxed) : FW_MARKS;

    /* What was written to the stage, for want of a ring, is for the bytes. */
    if (marks == NULL || (work->ring != NULL && !fw_ring_is_open(work, worker)))
        return false;
    if (count > 0 && (holds(&marks->run[count - 1], low) || extend(&marks->run[count - 1], low, n)))
        return true;
    if (count == FW_MARKS)
        return false;
    append(marks, count, low, n);
    return true;
}

void fw_marks_note(struct furrow_work *work, int worker, size_t low, size_t n)
{
    if (!note_run(work, worker, low, n))
        note_bytes(work, worker, low, n);
}

void fw_marks_note_of_dead(struct furrow_work *work, int worker, size_t low, size_t n)
{
    if (!note_run(work, worker, low, n))
        note_missing_bytes(work, worker, low, n);
}

bool fw_marks_hold(const struct furrow_work *work, int worker, size_t index)
{
    const struct fw_marks *marks = work->marks != NULL ? &work->marks[worker] : NULL;
    const uint32_t count = marks != NULL ? atomic_load(&marks->n) : 0;

    for (uint32_t i = 0; i < count; i++)
        if (holds(&marks->run[i], index))
            return true;
    return work->outcome[index] != FURROW_PENDING;
}

/* -- The end --------------------------------------------------------------- */

void fw_marks_spill(struct furrow_work *work)
{
    const int byte = work->ring != NULL ? FURROW_DONE | FW_TAKEN : FURROW_DONE;

    for (int w = 0; work->marks != NULL && w < work->workers; w++) {
        struct fw_marks *marks = &work->marks[w];

        for (uint32_t i = 0; i < atomic_load(&marks->n); i++) {
            const size_t begin = atomic_load(&marks->run[i].begin);

            memset(&work->outcome[begin], byte, atomic_load(&marks->run[i].end) - begin);
        }
        atomic_store(&marks->n, 0);
    }
}

static int by_begin(const void *a, const void *b)
{
    const struct fw_span *x = a, *y = b;

    return (x->begin > y->begin) - (x->begin < y->begin);
}

size_t fw_marks_gather(struct furrow_work *work)
{
    size_t n = 0;

    for (int w = 0; work->marks != NULL && w < work->workers; w++)
        for (uint32_t i = 0; i < atomic_load(&work->marks[w].n); i++)
            work->runs[n++] = (struct fw_span){ atomic_load(&work->marks[w].run[i].begin),
                                                atomic_load(&work->marks[w].run[i].end) };
    if (n > 0)
        qsort(work->runs, n, sizeof *work->runs, by_begin);
    return n;
}
