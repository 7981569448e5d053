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
#include "reducing.h"
#include "remote.h"
#include "report.h"

enum {
    DEFAULT_BLOCKS = 4096,
    TASKS_MOST = 1024,                  /* subtrees: enough for stealing on some hundred workers */
    BYTES_MOST = 64 * 1024 * 1024,      /* of their accumulators, where that leaves TASKS_LEAST */
    TASKS_LEAST = 64,
    LEVELS = 8 * sizeof(size_t) + 1
};

/* A stack of subtrees of rising size from top to bottom. */
struct stack {
    const struct fw_reducing *what;
    char *acc;                  /* borrowed: one accumulator a level */
    unsigned level[LEVELS];     /* 2^level blocks, where whole */
    int top;                    /* entries in use */
};

static void *entry(const struct stack *stack, int i)
{
    return stack->acc + (size_t)i * stack->what->cut.step;
}

/* Joins the two topmost subtrees. */
static void join(struct stack *stack)
{
    const struct fw_reducing *what = stack->what;

    what->combine(entry(stack, stack->top - 2), entry(stack, stack->top - 1), what->shared);
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
    const struct fw_reducing *what = stack->what;
    const struct fw_cut *cut = &what->cut;
    const size_t begin = block * cut->grain, end = begin + smaller(cut->grain, cut->count - begin);
    void *acc = entry(stack, stack->top);

    memcpy(acc, what->identity, cut->size);
    stack->level[stack->top++] = 0;
    return what->fold(begin, end, acc, what->shared);
}

static int fold_subtree(furrow_task *task)
{
    const struct fw_reducing *what = task->shared;
    const struct fw_cut *cut = &what->cut;
    struct stack stack = { .what = what, .acc = task->state };
    const size_t first = task->index << cut->depth;
    const size_t last = first + smaller((size_t)1 << cut->depth, cut->blocks - first);

    for (size_t block = first; block < last; block++) {
        const int code = fold_block(&stack, block);

        if (code != 0)
            return furrow_task_fail(task, code, "fold of the indices %zu to %zu returned %d",
                                    block * cut->grain,
                                    smaller((block + 1) * cut->grain, cut->count) - 1, code);
        carry(&stack);
    }
    memcpy(task->out, finish(&stack), cut->size);
    return 0;
}

/* A worker's accumulators: one for each level that can be on the stack. */
static size_t stack_bytes(const struct fw_cut *cut)
{
    return cut->step * (cut->depth + 1);
}

/* -- The job ------------------------------------------------------------ */

static size_t rounded_up(size_t n, size_t by)
{
    return n / by + (n % by != 0);
}

/* Of no indices: no blocks. */
static struct fw_cut cut_of(const furrow_reduction *r)
{
    const size_t bytes = BYTES_MOST / r->size;
    const size_t most = smaller(TASKS_MOST, bytes > TASKS_LEAST ? bytes : TASKS_LEAST);
    struct fw_cut cut = { .count = r->count, .size = r->size };

    cut.grain = r->grain > 0 ? r->grain : rounded_up(r->count, DEFAULT_BLOCKS);
    cut.blocks = r->count > 0 ? rounded_up(r->count, cut.grain) : 0;
    while (cut.blocks > 0 && (cut.blocks - 1) >> cut.depth >= most)
        cut.depth++;
    cut.step = rounded_up(r->size, FW_CACHE_LINE) * FW_CACHE_LINE;
    return cut;
}

/* Joins what the tasks left in `part`, in place of a stack of copies. */
static void join_parts(const struct fw_reducing *what, char *part, size_t parts, void *result)
{
    const size_t step = what->cut.step;

    for (size_t width = 1; width < parts; width *= 2)
        for (size_t i = 0; i + width < parts; i += 2 * width)
            what->combine(part + i * step, part + (i + width) * step, what->shared);
    memcpy(result, part, what->cut.size);
}

static struct fw_request request_of(const struct fw_reducing *what, const char *name)
{
    return (struct fw_request){ .job = { .name = name,
                                         .run = fold_subtree,
                                         .count = rounded_up(what->cut.blocks, (size_t)1 << what->cut.depth),
                                         .out_size = what->cut.step,
                                         .shared = what,
                                         .everywhere = true }, /* each rank joins the parts by itself */
                                .reducing = what,
                                .scratch = stack_bytes(&what->cut) };
}

/* Where several processes start the job together, the others must learn of it. */
static furrow_status refuse(const furrow_config *config, furrow_report *report, furrow_status status)
{
    struct fw_request request = { .job = { .run = fold_subtree }, .refused = status };

    if (fw_remote_for(fw_context_here(), config, false) == NULL)
        return fw_report_refuse(report, status);
    return fw_map_run(&request, config, report);
}

static furrow_status run(const struct fw_reducing *what, const furrow_reduction *r, const furrow_config *config,
                         furrow_report *report)
{
    struct fw_request request = request_of(what, r->name);
    const size_t parts = request.job.count;
    char *part = fw_block_alloc(parts * what->cut.step, false);
    furrow_status status;

    if (part == NULL)
        return refuse(config, report, fw_fail(FURROW_ENOMEM, "no memory for %zu accumulators of %zu bytes; use a smaller "
                                                             "result", parts, r->size));
    request.job.out = part;
    status = fw_map_run(&request, config, report);
    if (status == FURROW_OK)
        join_parts(what, part, parts, r->result);
    fw_block_free(part, parts * what->cut.step, false);
    return status;
}

/* The result is the identity; the config is looked at all the same. */
static furrow_status run_nothing(const struct fw_reducing *what, const char *name, const furrow_config *config,
                                 furrow_report *report)
{
    struct fw_request request = { .job = { .name = name, .run = fold_subtree, .everywhere = true }, .reducing = what };

    return fw_map_run(&request, config, report);
}

furrow_status furrow_reduce(const furrow_reduction *reduction, const furrow_config *config,
                            furrow_report *report)
{
    furrow_report unwanted;
    struct fw_reducing what;
    furrow_status status;

    if (report == NULL)
        report = &unwanted;
    fw_report_clear(report);
    fw_message_clear();
    status = fw_reduction_check(reduction);
    if (status != FURROW_OK)
        return refuse(config, report, status);
    what = (struct fw_reducing){ .cut = cut_of(reduction),
                                 .fold = reduction->fold,
                                 .combine = reduction->combine,
                                 .identity = reduction->result,
                                 .shared = reduction->shared,
                                 .shared_size = reduction->shared_size };
    if (reduction->count == 0)
        return run_nothing(&what, reduction->name, config, report);
    return run(&what, reduction, config, report);
}
