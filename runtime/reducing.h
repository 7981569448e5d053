/* A reduction as its tasks see it (reduce.c). */
#ifndef FW_REDUCING_H
#define FW_REDUCING_H

#include <stddef.h>

typedef int (*fw_fold_fn)(size_t begin, size_t end, void *acc, const void *shared);
typedef void (*fw_combine_fn)(void *acc, const void *later, const void *shared);

/* How the indices become blocks, and these become tasks: plain numbers, the same
 * wherever the tasks run. */
struct fw_cut {
    size_t count;  /* indices */
    size_t grain;  /* of them in a block */
    size_t blocks;
    size_t depth;  /* a task does 2^depth blocks */
    size_t size;   /* bytes of an accumulator */
    size_t step;   /* bytes from one accumulator to the next */
};

/* What all tasks need; pointers of the process that runs them. Lives as long as
 * the job. */
struct fw_reducing {
    struct fw_cut cut;
    fw_fold_fn fold;
    fw_combine_fn combine;
    const void *identity; /* cut.size bytes */
    const void *shared;
    size_t shared_size;   /* as in furrow_job */
};

#endif
