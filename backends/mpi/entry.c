#include "entry.h"

#include <string.h>

#include <furrow/furrow.h>

static bool take(struct fw_post *post, void *out, size_t size)
{
    const void *at = fw_post_take(post, size);

    if (at == NULL)
        return false;
    memcpy(out, at, size);
    return true;
}

/* n things of `size` bytes; NULL: the letter is shorter. */
static const void *take_all(struct fw_post *post, uint64_t n, uint64_t size)
{
    uint64_t bytes;

    return !__builtin_mul_overflow(n, size, &bytes) && bytes <= SIZE_MAX ? fw_post_take(post, (size_t)bytes) : NULL;
}

/* -- Between nodes -------------------------------------------------------- */

bool fw_entry_span(struct fw_post *post, uint64_t count, struct fw_span *out)
{
    return take(post, out, sizeof *out) && out->begin < out->end && out->end <= count;
}

bool fw_entry_tasks(struct fw_post *post, uint64_t count, uint64_t size, struct fw_span *out, const void **in)
{
    *in = NULL;
    if (!fw_entry_span(post, count, out))
        return false;
    if (size > 0)
        *in = take_all(post, out->end - out->begin, size);
    return size == 0 || *in != NULL;
}

static bool are_outcomes(const unsigned char *outcome, uint64_t n)
{
    bool are = true;

    for (uint64_t i = 0; i < n; i++)
        are &= outcome[i] > FURROW_PENDING && outcome[i] <= FURROW_SKIPPED;
    return are;
}

bool fw_entry_results(struct fw_post *post, uint64_t count, uint64_t size, struct fw_feed_results *out,
                      const unsigned char **outcome, const char **outputs)
{
    *outputs = NULL;
    if (!take(post, out, sizeof *out) || out->begin > count || out->n > count - out->begin)
        return false;
    *outcome = take_all(post, out->n, 1);
    if (*outcome == NULL || !are_outcomes(*outcome, out->n))
        return false;
    if (out->outputs > 0)
        *outputs = take_all(post, out->n, size);
    return out->outputs == 0 || (*outputs != NULL && out->outputs == out->n * size);
}

/* -- Jobs with callbacks -------------------------------------------------- */

bool fw_entry_lent(struct fw_post *post, uint64_t size, struct fw_lent_task *out, const void **in)
{
    *in = NULL;
    if (!take(post, out, sizeof *out))
        return false;
    if (size > 0)
        *in = take_all(post, 1, size);
    return size == 0 || *in != NULL;
}

static bool makes_sense(const struct fw_lent_result *result, uint32_t slots, uint64_t size)
{
    return result->slot < slots && result->words < FURROW_MESSAGE && result->outcome > FURROW_PENDING &&
           result->outcome <= FURROW_SKIPPED && (result->replied != 0 || result->reply == 0) &&
           (result->output == 0 || size > 0);
}

bool fw_entry_result(struct fw_post *post, uint32_t slots, uint64_t size, struct fw_lent_result *out,
                     struct fw_lent_parts *parts)
{
    *parts = (struct fw_lent_parts){ NULL, NULL, NULL };
    if (!take(post, out, sizeof *out) || !makes_sense(out, slots, size))
        return false;
    parts->words = take_all(post, out->words, 1);
    parts->reply = parts->words != NULL ? take_all(post, out->reply, 1) : NULL;
    if (parts->reply != NULL && out->output != 0)
        parts->output = take_all(post, 1, size);
    return parts->reply != NULL && (out->output == 0 || parts->output != NULL);
}

bool fw_entry_slot(struct fw_post *post, uint32_t slots, uint32_t *out)
{
    uint64_t s;

    if (!take(post, &s, sizeof s) || s >= slots)
        return false;
    *out = (uint32_t)s;
    return true;
}
