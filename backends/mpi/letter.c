#include "letter.h"

#include <string.h>

#include "runtime/memory.h"

/* So that what follows is aligned. */
static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

/* -- Writing ------------------------------------------------------------- */

static struct fw_letter_head *head_of(const struct fw_letter *letter)
{
    return (struct fw_letter_head *)(void *)letter->text;
}

static bool grow(struct fw_letter *letter, size_t more)
{
    size_t room = letter->room > 0 ? letter->room : 4096;
    char *text;

    if (more > SIZE_MAX / 4 || letter->used > SIZE_MAX / 4)
        return false;
    while (room < letter->used + more)
        room *= 2;
    if (room == letter->room)
        return true;
    text = fw_malloc(room);
    if (text == NULL)
        return false;
    if (letter->text != NULL)
        memcpy(text, letter->text, letter->used);
    fw_free(letter->text);
    letter->text = text;
    letter->room = room;
    return true;
}

void *fw_letter_put(struct fw_letter *letter, const void *bytes, size_t size)
{
    char *at;

    if (letter->short_of_memory || size > SIZE_MAX / 4 || !grow(letter, padded(size))) {
        letter->short_of_memory = true;
        return NULL;
    }
    at = letter->text + letter->used;
    letter->used += padded(size);
    memset(at + size, 0, padded(size) - size);
    if (bytes != NULL)
        memcpy(at, bytes, size);
    else
        memset(at, 0, size);
    return at;
}

void fw_letter_begin(struct fw_letter *letter, enum fw_letter_kind kind)
{
    const struct fw_letter_head head = { 0, (uint32_t)kind, 0 };

    *letter = (struct fw_letter){ NULL, 0, 0, false };
    (void)fw_letter_put(letter, &head, sizeof head);
}

void fw_letter_count(struct fw_letter *letter)
{
    if (!letter->short_of_memory)
        head_of(letter)->n++;
}

uint32_t fw_letter_entries(const struct fw_letter *letter)
{
    return letter->text != NULL ? head_of(letter)->n : 0;
}

bool fw_letter_begun(const struct fw_letter *letter)
{
    return letter->used > 0 || letter->short_of_memory;
}

void fw_letter_seal(struct fw_letter *letter)
{
    head_of(letter)->bytes = letter->used;
}

void fw_letter_drop(struct fw_letter *letter)
{
    fw_free(letter->text);
    *letter = (struct fw_letter){ NULL, 0, 0, false };
}

/* -- Reading ------------------------------------------------------------- */

size_t fw_letter_length(const struct fw_letter_head *head, size_t came, size_t piece)
{
    if (came < sizeof *head || came > piece)
        return 0;
    if (head->bytes == came)
        return came;
    return came == piece && head->bytes > piece && head->bytes <= SIZE_MAX / 4 ? (size_t)head->bytes : 0;
}

const void *fw_post_take(struct fw_post *post, size_t size)
{
    const size_t left = post->bytes - post->read;
    const char *at = (const char *)post->head + post->read;

    if (size > left || padded(size) > left)
        return NULL;
    post->read += padded(size);
    return at;
}

void fw_post_drop(struct fw_post *post)
{
    if (post->owned)
        fw_free(post->head);
    post->head = NULL;
}
