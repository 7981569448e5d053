/* What the fault tests are written with, beside checks: a board that all
 * processes write, and a census of what a process has. */
#ifndef FAULT_H
#define FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <furrow/furrow.h>

#include "../common/forkcheck.h"

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

/* Said with a check that fails: which case runs. */
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

/* What the process does, a letter as in /proc/PID/stat (S: it sleeps); 0: there is
 * none. */
char fault_state(pid_t pid);

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
