#include "forkcheck.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct check_run check_run = { .name = "", .descriptor = STDERR_FILENO, .most = 20 };

/* Before anybody is forked. */
__attribute__((constructor)) static void make_count(void)
{
    void *memory = mmap(NULL, sizeof *check_run.failures, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    check_run.failures = memory;
}

void check_say(const char *format, ...)
{
    char line[1024];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length >= (int)sizeof line)
        length = (int)sizeof line - 1;
    if (write(check_run.descriptor, line, (size_t)length) < 0)
        abort();
}

void check_fail(const char *file, int line, const char *claim, const char *saw)
{
    const char *base = strrchr(file, '/');

    if (atomic_fetch_add(check_run.failures, 1) < check_run.most)
        check_say("FAIL %s: %s:%d %s%s%s\n", check_run.name, base != NULL ? base + 1 : file, line,
                  claim, saw[0] != '\0' ? ", but got " : "", saw);
}

bool check_that(bool holds, const char *file, int line, const char *claim)
{
    if (!holds)
        check_fail(file, line, claim, "");
    return holds;
}

bool check_equal(long long got, long long want, const char *file, int line, const char *claim)
{
    char saw[64];

    if (got == want)
        return true;
    (void)snprintf(saw, sizeof saw, "%lld, not %lld", got, want);
    check_fail(file, line, claim, saw);
    return false;
}

bool check_says(const char *text, const char *word, const char *file, int line, const char *claim)
{
    char saw[700];

    if (text != NULL && strstr(text, word) != NULL && strchr(text, '\n') == NULL)
        return true;
    (void)snprintf(saw, sizeof saw, "\"%s\", without \"%s\"", text != NULL ? text : "(null)", word);
    check_fail(file, line, claim, saw);
    return false;
}
