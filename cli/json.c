/* JSON as RFC 8259 has it, indented by two blanks. */
#include "cli/json.h"

#include <assert.h>
#include <stddef.h>

void fw_json_init(struct fw_json *json, FILE *out)
{
    *json = (struct fw_json){ .out = out };
}

static void indent(struct fw_json *json)
{
    fprintf(json->out, "\n%*s", 2 * json->depth, "");
}

/* Length of the UTF-8 character at `text` (RFC 3629: no surrogates, nothing
 * overlong, nothing above U+10FFFF), or 0. Reads no further than the NUL. */
static size_t utf8_length(const unsigned char *text)
{
    static const struct {
        unsigned char first, last; /* range of the first byte */
        unsigned char low, high;   /* range of the second */
        size_t length;
    } forms[] = {
        { 0x01, 0x7F, 0, 0, 1 },       { 0xC2, 0xDF, 0x80, 0xBF, 2 },
        { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
        { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
        { 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 },
        { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };

    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if (text[0] < forms[f].first || text[0] > forms[f].last)
            continue;
        if (forms[f].length > 1 && (text[1] < forms[f].low || text[1] > forms[f].high))
            return 0;
        for (size_t i = 2; i < forms[f].length; i++)
            if ((text[i] & 0xC0) != 0x80)
                return 0;
        return forms[f].length;
    }
    return 0;
}

static void quoted(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    fputc('"', out);
    while (*at != '\0') {
        size_t length = utf8_length(at);

        if (length == 0) {
            fputs("\\ufffd", out);
            length = 1;
        } else if (*at == '"' || *at == '\\') {
            fprintf(out, "\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7F) {
            fprintf(out, "\\u%04x", (unsigned)*at);
        } else {
            fwrite(at, 1, length, out);
        }
        at += length;
    }
    fputc('"', out);
}

/* What stands before a value: comma, line, key. */
static void begin(struct fw_json *json, const char *key)
{
    if (json->depth > 0) {
        if (json->filled[json->depth - 1])
            fputc(',', json->out);
        json->filled[json->depth - 1] = true;
        indent(json);
    }
    if (key != NULL) {
        quoted(json->out, key);
        fputs(": ", json->out);
    }
}

static void open_value(struct fw_json *json, const char *key, char open, char close)
{
    assert(json->depth < FW_JSON_DEPTH);
    begin(json, key);
    fputc(open, json->out);
    json->filled[json->depth] = false;
    json->close[json->depth] = close;
    json->depth++;
}

void fw_json_object(struct fw_json *json, const char *key)
{
    open_value(json, key, '{', '}');
}

void fw_json_array(struct fw_json *json, const char *key)
{
    open_value(json, key, '[', ']');
}

void fw_json_end(struct fw_json *json)
{
    assert(json->depth > 0);
    json->depth--;
    if (json->filled[json->depth])
        indent(json);
    fputc(json->close[json->depth], json->out);
    if (json->depth == 0)
        fputc('\n', json->out);
}

void fw_json_string(struct fw_json *json, const char *key, const char *value)
{
    begin(json, key);
    if (value == NULL)
        fputs("null", json->out);
    else
        quoted(json->out, value);
}

void fw_json_int(struct fw_json *json, const char *key, long long value)
{
    begin(json, key);
    fprintf(json->out, "%lld", value);
}

void fw_json_bool(struct fw_json *json, const char *key, bool value)
{
    begin(json, key);
    fputs(value ? "true" : "false", json->out);
}
