/* The sentence of a failed call: one per thread, what furrow_message() returns.
 *
 * A sentence remembers during which try of which task it was written, so that
 * a task that fails after a furrow call of its own failed can pass it on. */
#ifndef FW_MESSAGE_H
#define FW_MESSAGE_H

#include <stdarg.h>

#include <furrow/furrow.h>

#define FW_MUST_CHECK __attribute__((warn_unused_result))

/* Sets this thread's sentence and returns `status`, so that a failure is one
 * line: return fw_fail(FURROW_EINVAL, "job.run is NULL; ..."). Keeps errno. */
furrow_status fw_fail(furrow_status status, const char *format, ...) FURROW_PRINTF(2, 3);

/* Forgets the sentence: what a public call does when it begins. */
void fw_message_clear(void);

/* Writes formatted text into `out` (FURROW_MESSAGE bytes), cut at a whole
 * UTF-8 character, control characters as blanks. */
void fw_message_format(char out[FURROW_MESSAGE], const char *format, va_list args)
    FURROW_PRINTF(2, 0);

/* The same for any size >= 1. */
void fw_text_format(char *out, size_t size, const char *format, va_list args) FURROW_PRINTF(3, 0);

/* Of the first `length` bytes of a text, how many are whole UTF-8 characters. */
size_t fw_text_cut(const char *text, size_t length);

/* Copies a text, cut at a whole UTF-8 character where `size` bytes are too few. */
void fw_text_copy(char *out, size_t size, const char *text);

/* Makes text in place one line: control characters become blanks. */
void fw_message_one_line(char *text);

/* Appends formatted text, separated by "; " where there is text already. */
void fw_message_append(char text[FURROW_MESSAGE], const char *format, ...) FURROW_PRINTF(2, 3);

/* Which try of which task this thread runs now: an address that names the task,
 * or the thread outside all tasks. Implemented by context.c. */
void fw_message_tag(const void **context, size_t *index, unsigned *attempt);

/* This thread's sentence if it was written in this context during this try;
 * NULL if not. */
const char *fw_message_from(const void *context, size_t index, unsigned attempt);

#endif
