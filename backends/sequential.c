/* The sequential backend: the calling thread runs all tasks, in order. What the
 * others are compared with, and the fallback that is always there. */
#include <furrow/backend.h>

extern const furrow_backend fw_sequential;

static int sequential_capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return 1;
}

static furrow_status sequential_run(const furrow_crew *crew, furrow_work *work)
{
    (void)crew;
    (void)furrow_work_run(work, 0);
    return FURROW_OK;
}

const furrow_backend fw_sequential = {
    .size = sizeof(furrow_backend),
    .name = "sequential",
    .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE | FURROW_CAP_NESTS,
    .capacity = sequential_capacity,
    .run = sequential_run,
};
