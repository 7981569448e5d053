/* The log: what FURROW_LOG lets through, to standard error, one line a
 * message, each starting with "furrow:", written with one write(2). The only
 * place where the library prints. */
#ifndef FW_LOG_H
#define FW_LOG_H

#include <stdatomic.h>

#include <furrow/furrow.h>

enum fw_log_level { FW_LOG_QUIET, FW_LOG_WARN, FW_LOG_INFO, FW_LOG_DEBUG };

extern atomic_int fw_log_now; /* log.c's */

/* Set once when the environment is read; FW_LOG_WARN before. */
void fw_log_set(enum fw_log_level level);

static inline enum fw_log_level fw_log_get(void)
{
    return (enum fw_log_level)atomic_load_explicit(&fw_log_now, memory_order_relaxed);
}

/* Printed where `level` is at most the one set. Keeps errno. */
void fw_log(enum fw_log_level level, const char *format, ...) FURROW_PRINTF(2, 3);

/* A warning that is said once per process for each `key`; any thread. After 64
 * different keys further ones are silent. Keys are told apart by a 64-bit hash;
 * where the level is quiet, nothing counts as said. */
void fw_log_once(const char *key, const char *format, ...) FURROW_PRINTF(2, 3);

#endif
