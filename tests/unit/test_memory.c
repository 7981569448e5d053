/* Blocks, the seam that refuses them, and the carver. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/memory.h"

/* -- Requests ------------------------------------------------------------------ */

static const size_t sizes[] = { 1, 63, 64, 65, 4096, 65535, 65536, 1000000 };

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

Test(memory, blocks_are_zero_aligned_and_counted)
{
    const long before = fw_memory_held();

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int shared = 0; shared < 2; shared++) {
            unsigned char *block = fw_block_alloc(sizes[i], shared);

            cr_assert(block != NULL, "%zu", sizes[i]);
            cr_expect((uintptr_t)block % FW_CACHE_LINE == 0, "%zu", sizes[i]);
            cr_expect(all_zero(block, sizes[i]), "%zu", sizes[i]);
            cr_expect(fw_memory_held() == before + 1);
            memset(block, 0xA5, sizes[i]); /* dirty for the next */
            fw_block_free(block, sizes[i], shared);
            cr_expect(fw_memory_held() == before);
        }
    }
}

Test(memory, a_shared_block_is_seen_by_a_child_and_a_private_one_is_not)
{
    int *shared = fw_block_alloc(sizeof *shared, true);
    int *private = fw_block_alloc(sizeof *private, false);
    int status;
    pid_t child;

    cr_assert(shared != NULL && private != NULL);
    child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        *shared = *private = 7;
        _exit(0);
    }
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(*shared == 7 && *private == 0, "%d, %d", *shared, *private);
    fw_block_free(shared, sizeof *shared, true);
    fw_block_free(private, sizeof *private, false);
}

Test(memory, nothing_and_too_much_are_not_to_be_had)
{
    const long before = fw_memory_held();

    for (int shared = 0; shared < 2; shared++) {
        cr_expect(fw_block_alloc(0, shared) == NULL);
        cr_expect(fw_block_alloc(SIZE_MAX, shared) == NULL);
        cr_expect(fw_block_alloc(SIZE_MAX / 2, shared) == NULL);
    }
    fw_free(NULL);
    fw_block_free(NULL, 64, false);
    fw_block_free(NULL, 64, true);
    cr_expect(fw_memory_held() == before);
}

Test(memory, of_size_0_may_be_freed)
{
    const long before = fw_memory_held();
    void *p = fw_malloc(0);

    cr_expect(p != NULL && fw_memory_held() == before + 1);
    fw_free(p);
    cr_expect(fw_memory_held() == before);
}

/* -- The seam -------------------------------------------------------------------- */

static int asked, refused_one;
static size_t asked_size;

static bool refuse_one(size_t size)
{
    asked_size = size;
    return ++asked == refused_one;
}

Test(memory, is_refused_where_the_seam_says_so)
{
    const long before = fw_memory_held();
    void *first, *second;

    fw_memory_refuse = refuse_one;
    refused_one = 2;
    first = fw_malloc(10);
    cr_expect(first != NULL && asked == 1 && asked_size == 10);
    cr_expect(fw_malloc(11) == NULL && asked == 2 && asked_size == 11);
    second = fw_block_alloc(12, true);
    cr_expect(second != NULL && asked == 3 && asked_size == 12);
    refused_one = 4;
    cr_expect(fw_block_alloc(100000, false) == NULL && asked == 4);
    cr_expect(fw_memory_held() == before + 2, "what was refused is not held");
    fw_memory_refuse = NULL;
    fw_free(first);
    fw_block_free(second, 12, true);
}

/* -- The carver -------------------------------------------------------------------- */

/* One part carved after `used` bytes. */
static const struct {
    size_t used, count, size, align, want, want_used;
    bool overflow;
} parts[] = {
    { 0, 1, 8, 8, 0, 8, false },
    { 1, 1, 8, 8, 8, 16, false },
    { 8, 3, 8, 8, 8, 32, false },
    { 1, 5, 1, 1, 1, 6, false },
    { 1, 1, 64, 64, 64, 128, false },
    { 64, 1, 1, 64, 64, 65, false },
    { 3, 0, 8, 8, SIZE_MAX, 8, false },
    { 3, 8, 0, 8, SIZE_MAX, 8, false },
    { 0, SIZE_MAX / 2, 3, 1, SIZE_MAX, 0, true },
    { 0, SIZE_MAX, 1, 1, 0, SIZE_MAX, false },
    { 1, SIZE_MAX, 1, 1, SIZE_MAX, 0, true },
    { SIZE_MAX - 3, 1, 1, 64, SIZE_MAX, 0, true },
};

Test(memory, is_carved_as_it_was_added_up)
{
    static _Alignas(64) char block[256];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct fw_carver sum = { NULL, parts[i].used, false };
        struct fw_carver cut = { block, parts[i].used, false };
        char *got;

        cr_expect(fw_carve(&sum, parts[i].count, parts[i].size, parts[i].align) == NULL);
        cr_expect(sum.used == parts[i].want_used, "row %zu: %zu", i, sum.used);
        cr_expect(sum.overflow == parts[i].overflow, "row %zu", i);
        if (sum.used > sizeof block)
            continue;
        got = fw_carve(&cut, parts[i].count, parts[i].size, parts[i].align);
        cr_expect(cut.used == sum.used && cut.overflow == sum.overflow, "row %zu", i);
        cr_expect(got == (parts[i].want == SIZE_MAX ? NULL : block + parts[i].want), "row %zu", i);
    }
}

Test(memory, that_overflowed_while_it_was_added_up_stays_so)
{
    struct fw_carver sum = { NULL, 0, false };

    (void)fw_carve(&sum, SIZE_MAX, 2, 8);
    (void)fw_carve(&sum, 1, 8, 8);
    cr_expect(sum.overflow);
}
