/* Checks that forked workers make too. Failures are counted in memory that all
 * processes share, and each is said in one write, so that no buffer of a stream
 * is copied by a fork. Any thread; they survive NDEBUG. */
#ifndef COMMON_FORKCHECK_H
#define COMMON_FORKCHECK_H

#include <stdatomic.h>
#include <stdbool.h>

/* Each says what it saw when it fails and returns whether it held. */
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(got, want)                                                                        \
    check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got " == " #want)
/* `word` is somewhere in `text`, which is one line. */
#define CHECK_SAYS(text, word) check_says((text), (word), __FILE__, __LINE__, #text)

bool check_that(bool holds, const char *file, int line, const char *claim);
bool check_equal(long long got, long long want, const char *file, int line, const char *claim);
bool check_says(const char *text, const char *word, const char *file, int line, const char *claim);

/* How this program checks: set before it forks or starts threads. */
extern struct check_run {
    const char *name;      /* what is checked now, said with a failure; borrowed */
    int descriptor;        /* where it is said */
    unsigned most;         /* failures that are said; further ones are counted */
    atomic_uint *failures; /* made before main() */
} check_run;

/* A check of another kind failed: counts it, and says what it saw ("": nothing). */
void check_fail(const char *file, int line, const char *claim, const char *saw);

/* One write. */
void check_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
