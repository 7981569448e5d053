/* The JSON writer: what comes out for what goes in, byte by byte. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/json.h"

static char *text;
static size_t length;

static struct fw_json start(void)
{
    struct fw_json json;
    FILE *out = open_memstream(&text, &length);

    cr_assert_not_null(out);
    fw_json_init(&json, out);
    return json;
}

static void must_be(struct fw_json *json, const char *expected)
{
    fclose(json->out);
    cr_expect_str_eq(text, expected);
    free(text);
}

Test(json, members_are_separated_and_indented)
{
    struct fw_json json = start();

    fw_json_object(&json, NULL);
    fw_json_int(&json, "a", -9223372036854775807);
    fw_json_array(&json, "b");
    fw_json_bool(&json, NULL, true);
    fw_json_bool(&json, NULL, false);
    fw_json_end(&json);
    fw_json_array(&json, "empty");
    fw_json_end(&json);
    fw_json_end(&json);
    must_be(&json, "{\n  \"a\": -9223372036854775807,\n  \"b\": [\n    true,\n    false\n  ],\n"
                   "  \"empty\": []\n}\n");
}

static const struct {
    const char *what, *value, *expected;
} strings[] = {
    { "plain", "openmp", "\"openmp\"" },
    { "empty", "", "\"\"" },
    { "none", NULL, "null" },
    { "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
    { "control characters", "a\nb\tc\x01\x7f", "\"a\\u000ab\\u0009c\\u0001\\u007f\"" },
    { "UTF-8 of 2, 3 and 4 bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\xb1",
      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\xb1\"" },
    { "Latin-1", "caf\xe9", "\"caf\\ufffd\"" },
    { "cut character", "\xe2\x82", "\"\\ufffd\\ufffd\"" },
    { "surrogate", "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
    { "overlong", "\xc0\xaf", "\"\\ufffd\\ufffd\"" },
};

Test(json, strings_are_escaped)
{
    for (size_t s = 0; s < sizeof strings / sizeof strings[0]; s++) {
        struct fw_json json = start();

        fw_json_string(&json, NULL, strings[s].value);
        fclose(json.out);
        cr_expect_str_eq(text, strings[s].expected, "%s: %s", strings[s].what, text);
        free(text);
    }
}
