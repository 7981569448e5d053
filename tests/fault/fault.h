/* What the fault tests are written with: checks that hold in workers too, a
 * board that all processes write, and a census of what a process has. */
#ifndef FAULT_H
#define FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <furrow/furrow.h>

#if defined(__SANITIZE_ADDRESS__)
#define FAULT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAULT_SANITIZED 1
#endif
#endif
#ifndef FAULT_SANITIZED
#define FAULT_SANITIZED 0
#endif

/* Each says what it saw when it fails, counts it, and returns whether it held. */
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(got, want) \
    check_equal((long long)(got), (long long)(want), __FILE__, __LINE__, #got " == " #want)
#define CHECK_SAYS(text, word) check_says((text), (word), __FILE__, __LINE__, #text)

bool check_that(bool holds, const char *file, int line, const char *claim);
bool check_equal(long long got, long long want, const char *file, int line, const char *claim);
bool check_says(const char *text, const char *word, const char *file, int line, const char *claim);

/* Said before what a failing check prints: which case runs. */
void fault_case(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The end of main: 0 when all checks held, in whatever process. */
int fault_end(void);

/* Ends the program with ctest's code for a test that cannot run here. */
_Noreturn void fault_skip(const char *why);

/* Zeroed memory that this process and those forked later share. */
void *fault_board(size_t size);

/* Seconds on CLOCK_MONOTONIC. */
double fault_now(void);

/* Sleeps in small steps until *value >= least; false: not within 30 s. */
bool fault_await(const atomic_uint *value, unsigned least);

/* No process has this number any more, or only one that nobody has reaped. */
bool fault_gone(pid_t pid);
/* The same, waited for; false: it is there after 30 s. */
bool fault_await_gone(pid_t pid);

/* Waits for a child of this process, which may have left by _exit(): LLVM's
 * OpenMP leaves a file then. Returns its status; -1: no such child. */
int fault_reap(pid_t pid);

/* LLVM's OpenMP has no file of this process. */
bool fault_unregistered(pid_t pid);

/* What this process has. */
struct census {
    long descriptors, threads, children, mappings;
};
struct census fault_census(void);
/* `mappings` may have grown by what the C library keeps for itself. */
void fault_same(const struct census *before, const struct census *after, long mappings);

/* Fork, by name and without replacement. */
furrow_config fault_config(int workers);

#endif
