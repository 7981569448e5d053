/* The sentence of a failed call: one buffer per thread, with the task during
 * whose try it was written. */
#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

static _Thread_local struct {
    char text[FURROW_MESSAGE]; /* "": nothing failed */
    const void *context;       /* where it was written: what fw_message_tag() said then */
    size_t index;
    unsigned attempt;
} last;

/* `last` has a text: looked at by every call, and nearer than the text. */
static FW_NEAR_TLS bool said;

/* Bytes of the UTF-8 character that starts with `lead`; 1 for anything else. */
static size_t utf8_length(unsigned char lead)
{
    if (lead >= 0xF0 && lead <= 0xF7)
        return 4;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xC0 && lead <= 0xDF ? 2 : 1;
}

size_t fw_text_cut(const char *text, size_t length)
{
    size_t start = length;

    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return length;
    start--;
    return start + utf8_length((unsigned char)text[start]) > length ? start : length;
}

void fw_text_copy(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size);

    if (length == size)
        length = fw_text_cut(text, size - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

void fw_message_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7F')
            *text = ' ';
}

void fw_text_format(char *out, size_t size, const char *format, va_list args)
{
    int saved = errno;
    int length = vsnprintf(out, size, format, args);

    if (length < 0) /* a wide character that the locale lacks */
        (void)snprintf(out, size, "(a text that cannot be shown: %s)", format);
    else if ((size_t)length >= size)
        out[fw_text_cut(out, size - 1)] = '\0';
    fw_message_one_line(out);
    errno = saved;
}

void fw_message_format(char out[FURROW_MESSAGE], const char *format, va_list args)
{
    fw_text_format(out, FURROW_MESSAGE, format, args);
}

void fw_message_append(char text[FURROW_MESSAGE], const char *format, ...)
{
    char more[FURROW_MESSAGE]; /* the arguments may point into `text` */
    size_t used = strlen(text);
    int saved = errno;
    va_list args;

    va_start(args, format);
    fw_message_format(more, format, args);
    va_end(args);
    if (snprintf(text + used, FURROW_MESSAGE - used, "%s%s", used > 0 ? "; " : "", more)
        >= (int)(FURROW_MESSAGE - used))
        text[fw_text_cut(text, FURROW_MESSAGE - 1)] = '\0';
    errno = saved;
}

furrow_status fw_fail(furrow_status status, const char *format, ...)
{
    char text[FURROW_MESSAGE]; /* the arguments may point into the sentence before */
    va_list args;

    va_start(args, format);
    fw_message_format(text, format, args);
    va_end(args);
    memcpy(last.text, text, sizeof(text));
    said = true;
    fw_message_tag(&last.context, &last.index, &last.attempt);
    return status;
}

void fw_message_clear(void)
{
    if (!said)
        return;
    said = false;
    last.text[0] = '\0';
}

const char *fw_message_from(const void *context, size_t index, unsigned attempt)
{
    bool same = last.context == context && last.index == index && last.attempt == attempt;

    return same && last.text[0] != '\0' ? last.text : NULL;
}

const char *furrow_message(void)
{
    return last.text;
}
