/* Lines of progress: when they are due, and what they say. Time is an argument. */
#include <string.h>

#include "capture.h"
#include "runtime/log.h"
#include "runtime/progress.h"

enum { SECOND = 1000000000 };

static char text[CAPTURED];

static void open_at(struct fw_progress *progress, const char *name, size_t count)
{
    fw_log_set(FW_LOG_WARN);
    static struct fw_progress_level level;

    fw_progress_open(progress, &level, name, count, 10.0, 5 * (uint64_t)SECOND);
}

Test(progress, a_line_comes_when_it_is_due)
{
    struct capture capture = capture_begin();
    struct fw_progress progress;

    open_at(&progress, "grid", 50);
    fw_progress_add(&progress, 3, 14 * (uint64_t)SECOND); /* 9 s */
    fw_progress_add(&progress, 4, 15 * (uint64_t)SECOND); /* 10 s: due */
    fw_progress_add(&progress, 5, 24 * (uint64_t)SECOND); /* 9 s after that line */
    fw_progress_add(&progress, 1, 47 * (uint64_t)SECOND); /* long after */
    capture_end(&capture, text);
    cr_assert_str_eq(text, "furrow: grid: 7 of 50 tasks after 10.0 s\nfurrow: grid: 13 of 50 tasks after 42.0 s\n");
}

Test(progress, an_unknown_count_and_no_name)
{
    struct capture capture = capture_begin();
    struct fw_progress progress;

    open_at(&progress, NULL, 0);
    fw_progress_add(&progress, 8, 16 * (uint64_t)SECOND);
    capture_end(&capture, text);
    cr_assert_str_eq(text, "furrow: job: 8 tasks after 11.0 s\n");
}

Test(progress, nothing_where_the_log_is_quiet)
{
    struct capture capture = capture_begin();
    struct fw_progress progress;

    open_at(&progress, "grid", 50);
    fw_log_set(FW_LOG_QUIET);
    fw_progress_add(&progress, 50, 100 * (uint64_t)SECOND);
    capture_end(&capture, text);
    cr_assert_str_eq(text, "");
}
