#include "mapped.h"

#include "harness.h"

int mapped_empty(furrow_task *task)
{
    (void)task;
    return 0;
}

int mapped_spin(furrow_task *task)
{
    const struct bench_loop *loop = task->shared;

    bench_spin(loop->turns_all);
    return 0;
}

int mapped_spins(furrow_task *task)
{
    const struct bench_loop *loop = task->shared;

    bench_spin(loop->turns[task->index]);
    return 0;
}
