/* The sentence of a failed call: kept per thread, cut and cleaned. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "runtime/message.h"

FURROW_PRINTF(2, 3)
static void format(char out[FURROW_MESSAGE], const char *text, ...)
{
    va_list args;

    va_start(args, text);
    fw_message_format(out, text, args);
    va_end(args);
}

Test(message, starts_empty)
{
    cr_expect_str_eq(furrow_message(), "");
}

Test(message, of_a_failure_is_kept_until_cleared)
{
    cr_expect(fw_fail(FURROW_EBACKEND, "no %s, %d tried", "luck", 3) == FURROW_EBACKEND);
    cr_expect_str_eq(furrow_message(), "no luck, 3 tried");
    fw_message_clear();
    cr_expect_str_eq(furrow_message(), "");
}

Test(message, may_quote_the_one_before)
{
    fw_fail(FURROW_ESYS, "fork refused");
    fw_fail(FURROW_EWORKER, "worker 2: %s", furrow_message());
    cr_expect_str_eq(furrow_message(), "worker 2: fork refused");
}

Test(message, keeps_errno)
{
    char text[FURROW_MESSAGE] = "";

    errno = ENOENT;
    fw_fail(FURROW_ESYS, "x");
    fw_message_append(text, "%ls", L"\xD800"); /* cannot be shown: formatting sets errno */
    cr_expect(errno == ENOENT);
}

static const struct {
    const char *claim;
    size_t filler; /* bytes of 'a' before the text */
    const char *text, *want;
} cuts[] = {
    { "as long as fits", 250, "12345", "12345" },
    { "one byte too long", 250, "123456", "12345" },
    { "two bytes that fit", 253, "\u00E9", "\u00E9" },
    { "two bytes, one too many", 254, "\u00E9", "" },
    { "three bytes that fit", 252, "\u20AC", "\u20AC" },
    { "three bytes, one too many", 253, "\u20AC", "" },
    { "three bytes, two too many", 254, "\u20AC", "" },
    { "four bytes that fit, more to come", 251, "\U0001F33Exyz", "\U0001F33E" },
    { "four bytes, one too many", 252, "\U0001F33E", "" },
    { "four bytes, three too many", 254, "\U0001F33E", "" },
    { "a stray continuation byte is kept", 254, "\x80\x80", "\x80" },
};

Test(message, is_cut_at_a_whole_character)
{
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        char filler[FURROW_MESSAGE] = "", out[FURROW_MESSAGE];

        memset(filler, 'a', cuts[i].filler);
        format(out, "%s%s", filler, cuts[i].text);
        cr_expect(strncmp(out, filler, cuts[i].filler) == 0, "%s", cuts[i].claim);
        cr_expect_str_eq(out + cuts[i].filler, cuts[i].want, "%s", cuts[i].claim);
    }
}

Test(message, is_one_line)
{
    char out[FURROW_MESSAGE];

    format(out, "a\nb\tc\x1B[31m\x7F%s", "\r\n\u00E9");
    cr_expect_str_eq(out, "a b c [31m   \u00E9");
}

Test(message, grows_by_clauses)
{
    char text[FURROW_MESSAGE] = "";

    fw_message_append(text, "one");
    fw_message_append(text, "two\n%d", 2);
    cr_expect_str_eq(text, "one; two 2");
    fw_message_append(text, "%s", text);
    cr_expect_str_eq(text, "one; two 2; one; two 2");
}

Test(message, that_is_full_takes_no_more_clauses)
{
    char text[FURROW_MESSAGE];

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    fw_message_append(text, "more");
    cr_expect(strlen(text) == FURROW_MESSAGE - 1);
    text[FURROW_MESSAGE - 4] = '\0';
    fw_message_append(text, "\u20AC");
    cr_expect(strlen(text) == FURROW_MESSAGE - 2, "the separator fits, the euro does not");
}

Test(message, belongs_to_the_try_during_which_it_was_written)
{
    const void *context;
    size_t index;
    unsigned attempt;
    int elsewhere;

    fw_message_tag(&context, &index, &attempt);
    cr_expect(fw_message_from(context, index, attempt) == NULL, "nothing failed yet");
    fw_fail(FURROW_EINVAL, "mine");
    cr_expect_str_eq(fw_message_from(context, index, attempt), "mine");
    cr_expect(fw_message_from(&elsewhere, index, attempt) == NULL);
    cr_expect(fw_message_from(context, index + 1, attempt) == NULL);
    cr_expect(fw_message_from(context, index, attempt + 1) == NULL);
}

static void *other_thread(void *got)
{
    snprintf(got, FURROW_MESSAGE, "[%s]", furrow_message());
    fw_fail(FURROW_EINVAL, "other");
    return NULL;
}

Test(message, is_the_threads_own)
{
    char got[FURROW_MESSAGE];
    pthread_t thread;

    fw_fail(FURROW_EINVAL, "mine");
    cr_assert(pthread_create(&thread, NULL, other_thread, got) == 0);
    cr_assert(pthread_join(thread, NULL) == 0);
    cr_expect_str_eq(got, "[]");
    cr_expect_str_eq(furrow_message(), "mine");
}
