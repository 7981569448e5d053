/* Until when tasks may start: time is an argument. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "runtime/deadline.h"

#define S(x) ((uint64_t)((x) * 1e9))

static const struct {
    const char *claim;
    double margin, left;  /* seconds, at 100 s */
    double took;          /* of the longest task; 0: none has ended */
    double now;
    size_t fits;
} rows[] = {
    { "no margin asked for", -1, 10, 1, 105, SIZE_MAX },
    { "no end known", 5, INFINITY, 1, 1e6, SIZE_MAX },
    { "nothing measured: one, while there is time", 5, 60, 0, 150, 1 },
    { "nothing measured and no time", 5, 60, 0, 156, 0 },
    { "as many as end in time", 5, 60, 10, 110, 4 },
    { "the last one that just ends", 5, 60, 10, 144.5, 1 },
    { "one that would end in the margin", 5, 60, 10, 146, 0 },
    { "a margin of 0 is one", 0, 60, 10, 146, 1 },
    { "past the end", 0, 60, 1, 161, 0 },
    { "the job starts in the margin", 60, 30, 0, 100, 0 },
    { "the job starts after the end", 0, 0, 0, 100, 0 },
    { "an end that is not to be seen from here", 0, 1e12, 1, 100, SIZE_MAX },
};

Test(deadline, what_fits)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fw_deadline deadline;
        size_t fits;

        fw_deadline_open(&deadline, rows[i].margin, rows[i].left, S(100));
        if (rows[i].took > 0)
            fw_deadline_note(&deadline, 1, S(rows[i].took));
        fits = fw_deadline_fits(&deadline, S(rows[i].now));
        cr_expect_eq(fits, rows[i].fits, "%s: %zu", rows[i].claim, fits);
    }
}

Test(deadline, the_longest_task_counts)
{
    struct fw_deadline deadline;

    fw_deadline_open(&deadline, 0, 100, S(100));
    fw_deadline_note(&deadline, 100, S(200)); /* 2 s each */
    fw_deadline_note(&deadline, 1, S(1));
    fw_deadline_note(&deadline, 0, S(50)); /* none: says nothing */
    cr_expect_eq(fw_deadline_fits(&deadline, S(100)), 49);
    fw_deadline_note(&deadline, 1, S(9));
    cr_expect_eq(fw_deadline_fits(&deadline, S(100)), 11);
}

Test(deadline, says_why)
{
    struct fw_deadline deadline;
    char text[FURROW_MESSAGE] = "";

    fw_deadline_open(&deadline, 20, 50, S(100));
    fw_deadline_note(&deadline, 1, S(8));
    fw_deadline_tell(&deadline, S(125), text);
    cr_expect_str_eq(text, "the end of the allocation: 5 s were left before FURROW_DEADLINE_MARGIN=20 s, "
                           "and a task took up to 8 s");
    text[0] = '\0';
    fw_deadline_open(&deadline, 20, 10, S(100));
    fw_deadline_tell(&deadline, S(101), text);
    cr_expect_str_eq(text, "the end of the allocation: less than FURROW_DEADLINE_MARGIN=20 s were left when the job "
                           "started");
}
