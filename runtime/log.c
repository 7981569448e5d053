/* The log: lines to standard error. */
#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

enum {
    LINE = 1024,   /* bytes of one line; below PIPE_BUF, so that lines of several processes stay whole */
    ONCE_KEYS = 64 /* different warnings that are said once */
};

static const char prefix[] = "furrow: ";

atomic_int fw_log_now = FW_LOG_WARN;

/* Hashes of the keys that were said; 0: free. An entry is taken with one
 * compare-and-swap and never changes again, so no thread waits for another
 * one, and a child that was forked meanwhile does not either. */
static _Atomic uint64_t said[ONCE_KEYS];

void fw_log_set(enum fw_log_level level)
{
    atomic_store(&fw_log_now, (int)level);
}

static bool passes(enum fw_log_level level)
{
    return level > FW_LOG_QUIET && level <= fw_log_get();
}

/* One write(2), and further ones only where the kernel took a part. */
static void write_whole(const char *line, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, line, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody to tell */
        line += n;
        length -= (size_t)n;
    }
}

FURROW_PRINTF(1, 0)
static void write_line(const char *format, va_list args)
{
    char line[LINE];
    size_t used = sizeof(prefix) - 1;
    int saved = errno;

    memcpy(line, prefix, used);
    fw_text_format(line + used, sizeof(line) - used - 1, format, args);
    used += strlen(line + used);
    line[used] = '\n';
    write_whole(line, used + 1);
    errno = saved;
}

void fw_log(enum fw_log_level level, const char *format, ...)
{
    va_list args;

    if (!passes(level))
        return;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
}

/* FNV-1a, 64 bits; never 0. Two of 64 keys share a hash once in 2^53 programs. */
static uint64_t hash(const char *key)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001B3);
    return h != 0 ? h : 1;
}

/* True for the first caller with this key. Entries are tried in the same order
 * by all and never freed, so two callers with one key meet at the same entry. */
static bool say(const char *key)
{
    uint64_t h = hash(key);

    for (int i = 0; i < ONCE_KEYS; i++) {
        uint64_t seen = 0;

        if (atomic_compare_exchange_strong(&said[i], &seen, h))
            return true;
        if (seen == h)
            return false;
    }
    return false;
}

void fw_log_once(const char *key, const char *format, ...)
{
    va_list args;

    if (!passes(FW_LOG_WARN) || !say(key))
        return;
    va_start(args, format);
    write_line(format, args);
    va_end(args);
}
