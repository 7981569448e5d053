/* Checks of one process that count: a program goes on after one failed, says the
 * first ten, and ends with it. Checks that forked workers make too: forkcheck.h. */
#ifndef COMMON_CHECK_H
#define COMMON_CHECK_H

#include <stdatomic.h>
#include <stdio.h>

static atomic_int failed_checks;

/* `what`: a format with its arguments, said where it failed. Any thread. */
#define CHECK(holds, ...)                                                                          \
    do {                                                                                           \
        if (!(holds) && atomic_fetch_add(&failed_checks, 1) < 10) {                                \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #holds);                            \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(is, expected)                                                                     \
    do {                                                                                           \
        long long is_ = (long long)(is), expected_ = (long long)(expected);                        \
        CHECK(is_ == expected_, "%s is %lld, not %lld", #is, is_, expected_);                      \
    } while (0)

enum { SKIP = 77 };

static inline int check_end(void)
{
    return atomic_load(&failed_checks) > 0;
}

#endif
