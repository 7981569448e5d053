/* furrow_reduce(): blocks of indices, folded in order and joined as a binary
 * tree by block number.
 *
 * The tree is the one of pairing neighbours level by level, an odd one out
 * rising to the next level. A task does a whole subtree: 2^k neighbouring
 * blocks, so that few accumulators are kept whatever the number of blocks.
 * Neither k nor who runs a task changes what is combined with what. Joining by
 * a stack, as the carries of a binary counter do it, needs one accumulator a
 * level (Knuth, The Art of Computer Programming 3, 5.2.4: list merge sort). */
#include <string.h>

#include "job.h"
#include "map.h"
#include "memory.h"
#include "report.h"

enum {
    DEFAULT_BLOCKS = 4096,
    TASKS_MOST = 1024,                  /* subtrees: enough for stealing on some hundred workers */
    BYTES_MOST = 64 * 1024 * 1024,      /* of their accumulators, where that leaves TASKS_LEAST */
    TASKS_LEAST = 64,
    LEVELS = 8 * sizeof(size_t) + 1
};

/* What all tasks need; lives as long as the job. */
struct reducing {
    const furrow_reduction *reduction;
    const void *identity;
    size_t grain, blocks;
    unsigned depth;  /* a task does 2^depth blocks */
    size_t step;     /* bytes from one accumulator to the next */
};

/* A stack of subtrees of rising size from top to bottom. */
struct stack {
    const struct reducing *what;
    char *acc;                  /* borrowed: one accumulator a level */
    unsigned level[LEVELS];     /* 2^level blocks, where whole */
    int top;                    /* entries in use */
};

static void *entry(const struct stack *stack, int i)
{
    return stack->acc + (size_t)i * stack->what->step;
}

/* Joins the two topmost subtrees. */
static void join(struct stack *stack)
{
    const furrow_reduction *r = stack->what->reduction;

    r->combine(entry(stack, stack->top - 2), entry(stack, stack->top - 1), r->shared);
    stack->top--;
    stack->level[stack->top - 1]++;
}

/* The topmost entry is complete: carries as long as its left neighbour is as large. */
static void carry(struct stack *stack)
{
    while (stack->top > 1 && stack->level[stack->top - 2] == stack->level[stack->top - 1])
        join(stack);
}

/* What is left on the stack at the end becomes one tree. */
static void *finish(struct stack *stack)
{
    while (stack->top > 1)
        join(stack);
    return entry(stack, 0);
}

/* -- A task ------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int fold_block(struct stack *stack, size_t block)
{
    const struct reducing *what = stack->what;
    const furrow_reduction *r = what->reduction;
    const size_t begin = block * what->grain, end = begin + smaller(what->grain, r->count - begin);
    void *acc = entry(stack, stack->top);

    memcpy(acc, what->identity, r->size);
    stack->level[stack->top++] = 0;
    return r->fold(begin, end, acc, r->shared);
}

static int fold_subtree(furrow_task *task)
{
    const struct reducing *what = task->shared;
    struct stack stack = { .what = what, .acc = task->state };
    const size_t first = task->index << what->depth;
    const size_t last = first + smaller((size_t)1 << what->depth, what->blocks - first);

    for (size_t block = first; block < last; block++) {
        const int code = fold_block(&stack, block);

        if (code != 0)
            return furrow_task_fail(task, code, "fold of the indices %zu to %zu returned %d",
                                    block * what->grain,
                                    smaller((block + 1) * what->grain, what->reduction->count) - 1, code);
        carry(&stack);
    }
    memcpy(task->out, finish(&stack), what->reduction->size);
    return 0;
}

/* A worker's accumulators: one for each level that can be on the stack. */
static size_t stack_bytes(const struct reducing *what)
{
    return what->step * (what->depth + 1);
}

/* -- The job ------------------------------------------------------------ */

static size_t rounded_up(size_t n, size_t by)
{
    return n / by + (n % by != 0);
}

static void cut(struct reducing *what, const furrow_reduction *r)
{
    const size_t bytes = BYTES_MOST / r->size;
    const size_t most = smaller(TASKS_MOST, bytes > TASKS_LEAST ? bytes : TASKS_LEAST);

    what->reduction = r;
    what->identity = r->result;
    what->grain = r->grain > 0 ? r->grain : rounded_up(r->count, DEFAULT_BLOCKS);
    what->blocks = rounded_up(r->count, what->grain);
    what->depth = 0;
    while ((what->blocks - 1) >> what->depth >= most)
        what->depth++;
    what->step = rounded_up(r->size, FW_CACHE_LINE) * FW_CACHE_LINE;
}

/* Joins what the tasks left in `part`, in place of a stack of copies. */
static void join_parts(const struct reducing *what, char *part, size_t parts)
{
    const furrow_reduction *r = what->reduction;

    for (size_t width = 1; width < parts; width *= 2)
        for (size_t i = 0; i + width < parts; i += 2 * width)
            r->combine(part + i * what->step, part + (i + width) * what->step, r->shared);
    memcpy(r->result, part, r->size);
}

static furrow_status run(const struct reducing *what, const furrow_config *config, furrow_report *report)
{
    const furrow_reduction *r = what->reduction;
    const size_t parts = rounded_up(what->blocks, (size_t)1 << what->depth);
    char *part = fw_block_alloc(parts * what->step, false);
    struct fw_request request = { .job = { .name = r->name,
                                           .run = fold_subtree,
                                           .count = parts,
                                           .out = part,
                                           .out_size = what->step,
                                           .shared = what,
                                           .everywhere = true }, /* each rank joins the parts by itself */
                                  .scratch = stack_bytes(what) };
    furrow_status status;

    if (part == NULL)
        return fw_report_refuse(report, fw_fail(FURROW_ENOMEM, "no memory for %zu accumulators of %zu bytes; "
                                                               "use a smaller result", parts, r->size));
    status = fw_map_run(&request, config, report);
    if (status == FURROW_OK)
        join_parts(what, part, parts);
    fw_block_free(part, parts * what->step, false);
    return status;
}

furrow_status furrow_reduce(const furrow_reduction *reduction, const furrow_config *config,
                            furrow_report *report)
{
    furrow_report unwanted;
    struct reducing what;
    furrow_status status;

    if (report == NULL)
        report = &unwanted;
    fw_report_clear(report);
    fw_message_clear();
    status = fw_reduction_check(reduction);
    if (status != FURROW_OK)
        return fw_report_refuse(report, status);
    if (reduction->count == 0) { /* the identity; the config is looked at all the same */
        struct fw_request nothing = { .job = { .name = reduction->name, .run = fold_subtree } };

        return fw_map_run(&nothing, config, report);
    }
    cut(&what, reduction);
    return run(&what, config, report);
}
