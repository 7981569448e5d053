/* Standard error of this process, caught in a file. */
#ifndef TEST_CAPTURE_H
#define TEST_CAPTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

enum { CAPTURED = 1 << 16 };

struct capture {
    FILE *file;
    int saved; /* where standard error went */
};

static inline struct capture capture_begin(void)
{
    struct capture capture = { tmpfile(), dup(STDERR_FILENO) };

    cr_assert(capture.file != NULL && capture.saved >= 0);
    cr_assert(dup2(fileno(capture.file), STDERR_FILENO) >= 0);
    return capture;
}

/* Gives standard error back; what was written goes into `out`. */
static inline void capture_end(struct capture *capture, char out[CAPTURED])
{
    size_t length;

    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    rewind(capture->file);
    length = fread(out, 1, CAPTURED - 1, capture->file);
    out[length] = '\0';
    fclose(capture->file);
}

static inline int count_lines(const char *text)
{
    int lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

#endif
