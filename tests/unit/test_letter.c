/* Letters between ranks: what is put in comes out, and nothing that another rank
 * may have written leads out of a letter or of an array. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <furrow/furrow.h>
#include <stdint.h>
#include <string.h>

#include "backends/mpi/entry.h"

/* A letter as it arrives; ends in front of a byte that nobody may read. */
static struct fw_post arrive(struct fw_letter *letter)
{
    struct fw_post post = { .owned = true, .from = 1, .read = sizeof(struct fw_letter_head) };

    fw_letter_seal(letter);
    post.bytes = letter->used;
    post.head = (struct fw_letter_head *)(void *)letter->text;
    *letter = (struct fw_letter){ NULL, 0, 0, false };
    return post;
}

/* One entry of `size` bytes and then `more` bytes of 1. */
static struct fw_post letter_of(const void *entry, size_t size, size_t more)
{
    struct fw_letter letter;
    char *at;

    fw_letter_begin(&letter, FW_LETTER_RESULTS);
    (void)fw_letter_put(&letter, entry, size);
    at = fw_letter_put(&letter, NULL, more);
    memset(at, FURROW_DONE, more);
    fw_letter_count(&letter);
    return arrive(&letter);
}

Test(letter, bytes_come_out_as_they_went_in)
{
    struct fw_letter letter;
    struct fw_post post;
    const char *text;
    const uint64_t *number, seven = 7;

    fw_letter_begin(&letter, FW_LETTER_TASKS);
    (void)fw_letter_put(&letter, "abc", 3);
    (void)fw_letter_put(&letter, &seven, sizeof seven);
    fw_letter_count(&letter);
    cr_assert(eq(u32, fw_letter_entries(&letter), 1));
    post = arrive(&letter);
    cr_assert(eq(u32, post.head->kind, FW_LETTER_TASKS));
    text = fw_post_take(&post, 3);
    number = fw_post_take(&post, sizeof *number);
    cr_assert(text != NULL && memcmp(text, "abc", 3) == 0);
    cr_assert(number != NULL && *number == 7);
    cr_assert(fw_post_take(&post, 1) == NULL);
    fw_post_drop(&post);
}

Test(letter, nothing_is_taken_behind_its_end)
{
    static const size_t sizes[] = { 9, 16, 17, SIZE_MAX / 2, SIZE_MAX - 8, SIZE_MAX - 7, SIZE_MAX - 6, SIZE_MAX };
    struct fw_post post = letter_of("12345678", 8, 0);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        cr_expect(fw_post_take(&post, sizes[i]) == NULL, "%zu bytes", sizes[i]);
    cr_expect(fw_post_take(&post, 0) != NULL);
    cr_expect(fw_post_take(&post, 8) != NULL);
    fw_post_drop(&post);
}

Test(letter, its_length_is_what_came_or_more_pieces_are_due)
{
    enum { PIECE = 1024 };
    static const struct {
        uint64_t says;
        size_t came, length;
    } cases[] = {
        { 16, 16, 16 },     { 512, 512, 512 },   { PIECE, PIECE, PIECE }, { 5000, PIECE, 5000 },
        { 16, 8, 0 },       { 0, 0, 0 },         { 8, 8, 0 },             { 16, 24, 0 },
        { 512, 16, 0 },     { 5000, 512, 0 },    { 16, PIECE, 0 },        { UINT64_MAX, PIECE, 0 },
        { PIECE, 2000, 0 }, { 2000, 2000, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fw_letter_head head = { cases[i].says, FW_LETTER_TASKS, 1 };

        cr_expect(eq(sz, fw_letter_length(&head, cases[i].came, PIECE), cases[i].length),
                  "%zu bytes of a letter of %llu", cases[i].came, (unsigned long long)cases[i].says);
    }
}

Test(letter, spans_lie_within_the_job)
{
    static const struct {
        struct fw_span span;
        bool right;
    } cases[] = {
        { { 0, 100 }, true },         { { 99, 100 }, true },          { { 5, 6 }, true },
        { { 0, 101 }, false },        { { 100, 101 }, false },        { { 7, 7 }, false },
        { { 8, 7 }, false },          { { SIZE_MAX, 1 }, false },     { { 1, SIZE_MAX }, false },
        { { SIZE_MAX, SIZE_MAX }, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fw_post post = letter_of(&cases[i].span, sizeof cases[i].span, 0);
        struct fw_span span;

        cr_expect(fw_entry_span(&post, 100, &span) == cases[i].right, "%zu-%zu", cases[i].span.begin,
                  cases[i].span.end);
        fw_post_drop(&post);
    }
}

Test(letter, inputs_are_all_there)
{
    static const struct {
        struct fw_span span;
        size_t bytes;
        uint64_t size;
        bool right;
    } cases[] = {
        { { 0, 10 }, 80, 8, true },   { { 0, 10 }, 0, 0, true },
        { { 0, 10 }, 72, 8, false },  { { 0, 10 }, 80, UINT64_MAX / 2, false },
        { { 0, 10 }, 80, (UINT64_MAX / 10) + 1, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fw_post post = letter_of(&cases[i].span, sizeof cases[i].span, cases[i].bytes);
        struct fw_span span;
        const void *in;

        cr_expect(fw_entry_tasks(&post, 100, cases[i].size, &span, &in) == cases[i].right, "case %zu", i);
        fw_post_drop(&post);
    }
}

Test(letter, results_of_a_node_lie_within_the_job)
{
    static const struct {
        struct fw_feed_results results;
        size_t bytes;
        bool right;
    } cases[] = { /* outputs of 8 bytes, a job of 100 tasks */
        { { 0, 8, 64 }, 72, true },
        { { 92, 8, 64 }, 72, true },
        { { 92, 8, 0 }, 8, true },
        { { 0, 8, 63 }, 72, false },
        { { 0, 8, 72 }, 80, false },
        { { 0, 8, 64 }, 64, false },
        { { 93, 8, 64 }, 72, false },
        { { 101, 0, 0 }, 0, false },
        { { 1, UINT64_MAX, 0 }, 72, false },      /* begin + n is 0 */
        { { UINT64_MAX, 2, 0 }, 72, false },      /* is 1 */
        { { 0, 8, UINT64_MAX }, 72, false },
        { { UINT64_MAX - 7, 8, 64 }, 72, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fw_post post = letter_of(&cases[i].results, sizeof cases[i].results, cases[i].bytes);
        struct fw_feed_results results;
        const unsigned char *outcome;
        const char *outputs;

        cr_expect(fw_entry_results(&post, 100, 8, &results, &outcome, &outputs) == cases[i].right, "case %zu", i);
        fw_post_drop(&post);
    }
}

Test(letter, outcomes_are_outcomes)
{
    static const unsigned char wrong[] = { FURROW_PENDING, FURROW_SKIPPED + 1, 0x80, 0xff };

    for (size_t i = 0; i < sizeof wrong; i++) {
        const struct fw_feed_results sent = { 0, 8, 0 };
        struct fw_post post = letter_of(&sent, sizeof sent, 8);
        struct fw_feed_results results;
        const unsigned char *outcome;
        const char *outputs;

        ((unsigned char *)post.head)[sizeof *post.head + sizeof sent + 3] = wrong[i];
        cr_expect(fw_entry_results(&post, 100, 8, &results, &outcome, &outputs) == false, "an outcome of %d", wrong[i]);
        fw_post_drop(&post);
    }
}

Test(letter, a_result_fits_its_slot)
{
    static const struct {
        struct fw_lent_result result;
        size_t bytes;
        bool right;
    } cases[] = { /* outputs of 8 bytes, 4 slots */
        { { .slot = 3, .outcome = FURROW_DONE, .output = 1 }, 8, true },
        { { .slot = 3, .outcome = FURROW_FAILED, .words = 16 }, 16, true },
        { { .slot = 0, .outcome = FURROW_DONE, .reply = 24, .replied = 1 }, 24, true },
        { { .slot = 0, .outcome = FURROW_DONE, .reply = 24, .replied = 1, .output = 1 }, 32, true },
        { { .slot = 4, .outcome = FURROW_DONE, .output = 1 }, 8, false },
        { { .slot = 0, .outcome = FURROW_DONE, .output = 1 }, 0, false },
        { { .slot = 0, .outcome = FURROW_DONE, .reply = 8 }, 8, false },
        { { .slot = 0, .outcome = FURROW_DONE, .reply = 24, .replied = 1 }, 16, false },
        { { .slot = 0, .outcome = FURROW_DONE, .reply = 24, .replied = 1, .output = 1 }, 24, false },
        { { .slot = 0, .outcome = FURROW_DONE, .reply = UINT64_MAX, .replied = 1 }, 16, false },
        { { .slot = 0, .outcome = FURROW_FAILED, .words = FURROW_MESSAGE }, FURROW_MESSAGE, false },
        { { .slot = 0, .outcome = FURROW_FAILED, .words = UINT32_MAX }, 16, false },
        { { .slot = 0, .outcome = FURROW_PENDING }, 8, false },
        { { .slot = 0, .outcome = -1 }, 8, false },
        { { .slot = 0, .outcome = FURROW_SKIPPED + 1 }, 8, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fw_post post = letter_of(&cases[i].result, sizeof cases[i].result, cases[i].bytes);
        struct fw_lent_result result;
        struct fw_lent_parts parts;

        cr_expect(fw_entry_result(&post, 4, 8, &result, &parts) == cases[i].right, "case %zu", i);
        fw_post_drop(&post);
    }
}

Test(letter, a_slot_is_one_of_those_there_are)
{
    static const struct {
        uint64_t slot;
        bool right;
    } cases[] = { { 0, true }, { 3, true }, { 4, false }, { (UINT64_C(1) << 32) + 3, false }, { UINT64_MAX, false } };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fw_post post = letter_of(&cases[i].slot, sizeof cases[i].slot, 0);
        uint32_t s;

        cr_expect(fw_entry_slot(&post, 4, &s) == cases[i].right, "slot %llu", (unsigned long long)cases[i].slot);
        fw_post_drop(&post);
    }
}

Test(letter, a_lent_task_has_its_input)
{
    const struct fw_lent_task sent = { 5, 1, 0 };
    struct fw_lent_task task;
    struct fw_post post;
    const void *in;

    post = letter_of(&sent, sizeof sent, 24);
    cr_expect(fw_entry_lent(&post, 24, &task, &in) && in != NULL && task.index == 5);
    fw_post_drop(&post);
    post = letter_of(&sent, sizeof sent, 24);
    cr_expect(fw_entry_lent(&post, 25, &task, &in) == false);
    fw_post_drop(&post);
    post = letter_of(&sent, sizeof sent, 0);
    cr_expect(fw_entry_lent(&post, 0, &task, &in) && in == NULL);
    cr_expect(fw_entry_lent(&post, 0, &task, &in) == false);
    fw_post_drop(&post);
}
