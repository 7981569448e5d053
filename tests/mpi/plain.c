/* One job, of which the log tells the plan. */
#include "ranks.h"

static int nothing(furrow_task *task)
{
    (void)task;
    return 0;
}

int main(int argc, char **argv)
{
    const furrow_job job = { .name = "plain", .run = nothing, .count = 100 };
    furrow_config config = on_mpi();

    setenv("FURROW_LOG", "info", 1);
    begin(&argc, &argv);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    return end();
}
