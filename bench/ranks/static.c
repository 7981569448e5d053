/* The limit: an equal share of the indices each, and one reduction. */
#include "ranks.h"

static size_t run_static(const struct bench_loop *loop)
{
    const size_t rank = (size_t)ranks_rank, size = (size_t)ranks_size;
    const size_t begin = loop->count * rank / size, end = loop->count * (rank + 1) / size;

    ranks_call(loop, begin, end);
    return ranks_sum(end - begin);
}

const struct scheme ranks_static = { .name = "static", .run = run_static };
