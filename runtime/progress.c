#include "progress.h"

#include "log.h"

void fw_progress_open(struct fw_progress *progress, struct fw_progress_level *level, const char *name, size_t count,
                      double every, uint64_t now)
{
    progress->every_ns = (uint64_t)(every * 1e9);
    progress->start = now;
    progress->count = count;
    progress->name = name;
    progress->level = level;
    atomic_init(&level->due, now + progress->every_ns);
    atomic_init(&level->ended, 0);
}

static void write_line(const struct fw_progress *progress, size_t ended, uint64_t now)
{
    const char *name = progress->name != NULL ? progress->name : "job";
    const double seconds = (double)(now - progress->start) * 1e-9;

    if (progress->count > 0)
        fw_log(FW_LOG_WARN, "%s: %zu of %zu tasks after %.1f s", name, ended, progress->count, seconds);
    else
        fw_log(FW_LOG_WARN, "%s: %zu tasks after %.1f s", name, ended, seconds);
}

void fw_progress_add(struct fw_progress *progress, size_t tasks, uint64_t now)
{
    const size_t ended = atomic_fetch_add(&progress->level->ended, tasks) + tasks;
    uint64_t due = atomic_load(&progress->level->due);

    if (now >= due && atomic_compare_exchange_strong(&progress->level->due, &due, now + progress->every_ns))
        write_line(progress, ended, now);
}
