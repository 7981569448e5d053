/* Every status has words, and the page that explains it has them too. */
#include <criterion/criterion.h>
#include <furrow/furrow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    furrow_status status;
    int number;
    const char *name, *words;
} statuses[] = {
#define ROW(name, number, words) { name, number, #name, words },
    FURROW_STATUS_MAP(ROW)
#undef ROW
};
enum { NSTATUSES = sizeof(statuses) / sizeof(statuses[0]) };

/* Content of a page of docs/; freed by the caller. */
static char *read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 16);

    cr_assert(file != NULL, "%s cannot be read", path);
    cr_assert(text != NULL);
    cr_assert(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

Test(status, has_its_words)
{
    for (int i = 0; i < NSTATUSES; i++)
        cr_expect_str_eq(furrow_strerror(statuses[i].status), statuses[i].words);
}

Test(status, that_is_none_has_words_too)
{
    cr_expect_str_eq(furrow_strerror((furrow_status)-1), "not a status of furrow");
    cr_expect_str_eq(furrow_strerror((furrow_status)NSTATUSES), "not a status of furrow");
}

Test(status, numbers_count_up_from_success)
{
    for (int i = 0; i < NSTATUSES; i++)
        cr_expect(statuses[i].number == i, "%s is %d", statuses[i].name, statuses[i].number);
}

Test(status, has_its_row_in_the_docs)
{
    char *page = read_page(FURROW_SOURCE_DIR "/docs/errors.md");

    for (int i = 0; i < NSTATUSES; i++) {
        char row[FURROW_MESSAGE];

        snprintf(row, sizeof(row), "| `%s` | %d | %s |", statuses[i].name, statuses[i].number,
                 statuses[i].words);
        cr_expect(strstr(page, row) != NULL, "docs/errors.md has no line with %s", row);
    }
    free(page);
}
