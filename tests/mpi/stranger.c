/* Served by a rank with another program: it is refused by its rank and host, and
 * nobody waits. The two programs differ by this number. */
#include "ranks.h"

static int add_number(furrow_task *task)
{
    *(int *)task->out = (int)task->index + STRANGER;
    return 0;
}

static int fold(size_t begin, size_t end, void *acc, const void *shared)
{
    (void)shared;
    *(size_t *)acc += (end - begin) * STRANGER;
    return 0;
}

static void combine(void *acc, const void *later, const void *shared)
{
    (void)shared;
    *(size_t *)acc += *(const size_t *)later;
}

/* Its tasks are furrow's own, of one build; what they call is not. */
static void check_reduction(const furrow_config *config, const char *name)
{
    size_t result = 0;
    furrow_reduction reduction = { .count = 100, .fold = fold, .combine = combine, .result = &result,
                                   .size = sizeof result };

    CHECK_STATUS(furrow_reduce(&reduction, config, NULL), FURROW_EINVAL);
    CHECK_SAYS(furrow_message(), name);
    CHECK_SAYS(furrow_message(), "the build of the program");
    CHECK(result == 0);
}

int main(int argc, char **argv)
{
    int out[100];
    char name[20];
    furrow_config config = on_mpi();
    furrow_job job = { .run = add_number, .count = 100, .out = out, .out_size = sizeof *out };

    begin(&argc, &argv);
    CHECK_STATUS(furrow_mpi_serve(), FURROW_OK);
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_EINVAL);
    snprintf(name, sizeof name, "rank %d (", ranks - 1);
    CHECK_SAYS(furrow_message(), name);
    CHECK_SAYS(furrow_message(), "the build of the program");
    check_reduction(&config, name);
    config.backend = "sequential";
    CHECK_STATUS(furrow_map(&job, &config, NULL), FURROW_OK);
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    return wrong > 0;
}
