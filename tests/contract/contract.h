/* What the promises of tests/contract are written with.
 *
 * Every promise is a function that runs jobs on the backend of one row and
 * checks what came out. It runs in a process of its own group, on the main
 * thread, under a watchdog. Checks hold in tasks too, also in those of forked
 * workers. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <furrow/backend.h>
#include <furrow/furrow.h>

#include "../common/forkcheck.h"

/* Sanitizers take several times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONTRACT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONTRACT_SANITIZED 1
#endif
#endif
#ifndef CONTRACT_SANITIZED
#define CONTRACT_SANITIZED 0
#endif

#if defined(__SANITIZE_THREAD__)
#define CONTRACT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONTRACT_THREAD_SANITIZER 1
#endif
#endif
#ifndef CONTRACT_THREAD_SANITIZER
#define CONTRACT_THREAD_SANITIZER 0
#endif

/* -- Rows: the backends that keep the contract ---------------------------- */

enum place {
    IN_CALLER, /* tasks run on the calling thread, one after the other */
    THREADS,   /* in the caller's process */
    PROCESSES  /* in processes that are forked when the job starts */
};

struct row {
    const char *name;    /* contract NAME */
    const char *backend; /* in the registry */
    int workers;         /* asked for by name, and had */
    enum place place;
};

/* The program's table. */
extern const struct row rows[];
extern const int nrows;

/* NULL: none has this name. */
const struct row *row_find(const char *name);
/* The rows there are; NULL after the last one. */
const struct row *row_at(int number);

/* Registers the user's own backends of the rows. */
void rows_register(void);

/* A config that names the row's backend and workers and allows no other. */
furrow_config row_config(const struct row *row);

/* Tables of the backends that are not the library's own. */
extern const furrow_backend posix_backend;
extern const furrow_backend forked_backend;

/* -- Checks --------------------------------------------------------------- */

/* Beside those of forkcheck.h. */
#define CHECK_TEXT(got, want) check_text((got), (want), __FILE__, __LINE__, #got)
#define CHECK_STATUS(call, want) check_status((call), (want), __FILE__, __LINE__, #call)

bool check_text(const char *got, const char *want, const char *file, int line, const char *claim);
bool check_status(furrow_status got, furrow_status want, const char *file, int line,
                  const char *claim);

/* The outcomes of a job (may be NULL) and its report tell the same, and nothing
 * is PENDING. */
void check_tally(const furrow_report *report, const unsigned char *outcome, size_t count);

/* For a promise that has no meaning on this row; the caller returns then. */
void skip(const char *why);

/* -- Helpers -------------------------------------------------------------- */

/* Zeroed memory that tasks of every backend write, forked ones too; taken away
 * when the promise has been checked. */
void *board(size_t size);

/* Sleeps in small steps until *value >= least. False: not within some seconds,
 * which is a failure of whatever was to happen. */
bool wait_until(const atomic_uint *value, unsigned least);
/* The same with a limit, for what need not happen. */
bool wait_up_to(double seconds, const atomic_uint *value, unsigned least);

/* Seconds on CLOCK_MONOTONIC. */
double now(void);

/* Checks one of CONTRACT_CHECKS in a new process of this program, for what is
 * read or said once per process; its failures are this promise's.
 *   variables  "NAME=value", NULL after the last one: set in its environment
 *   said       SAID bytes, or NULL: what it wrote to standard error */
enum { SAID = 1 << 14 };
void check_apart(const struct row *row, const char *check, const char *const *variables,
                 char *said);
/* A machine of eight CPUs for such a process, whatever this one has. */
#define EIGHT_CPUS "HWLOC_SYNTHETIC=pack:1 core:8 pu:1"

/* Reading a word of a board that other tasks write. */
static inline unsigned look(const atomic_uint *value)
{
    return atomic_load(value);
}

typedef void contract_fn(const struct row *row);

#endif
