/* fork_stack [deep]: a task has the stack of the main thread. `deep`: in a process
 * started without a limit, where the main thread's grows without end. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault.h"

/* Uses so many MiB, a page at a time. */
static int use(size_t pages)
{
    volatile char page[4096];

    memset((void *)page, 1, sizeof page);
    return pages > 0 ? use(pages - 1) + page[pages % sizeof page] : 0;
}

static int use_stack(furrow_task *task)
{
    const size_t mib = *(const size_t *)task->shared;
    const int sum = use(mib * 220); /* a frame is more than a page */

    return sum == (int)(mib * 220) ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct rlimit without = { RLIM_INFINITY, RLIM_INFINITY };
    const bool deep = argc > 1 && strcmp(argv[1], "deep") == 0;
    struct rlimit limit;
    size_t mib;
    const furrow_config config = fault_config(2);
    furrow_job job = { .run = use_stack, .count = 8, .shared = &mib };
    furrow_report report;

    if (argc > 1 && !deep) { /* as `ulimit -s unlimited` in a shell */
        if (setrlimit(RLIMIT_STACK, &without) != 0)
            fault_skip("the stack is limited here");
        (void)execl(argv[0], argv[0], "deep", (char *)NULL);
        return 1;
    }
    CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    CHECK_EQ(deep, limit.rlim_cur == RLIM_INFINITY);
    if (limit.rlim_cur == RLIM_INFINITY)
        mib = FAULT_SANITIZED ? 100 : 600;
    else
        mib = (size_t)(limit.rlim_cur >> 20) * (FAULT_SANITIZED ? 1 : 3) / 4;
    CHECK_EQ(furrow_map(&job, &config, &report), FURROW_OK);
    CHECK_EQ(report.done, 8);
    return fault_end();
}
