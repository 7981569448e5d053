/* Writes JSON to a stream, as it comes: no tree, no allocation. */
#ifndef FW_JSON_H
#define FW_JSON_H

#include <stdbool.h>
#include <stdio.h>

enum { FW_JSON_DEPTH = 8 };

struct fw_json {
    FILE *out;                  /* borrowed */
    int depth;                  /* objects and arrays open, <= FW_JSON_DEPTH */
    bool filled[FW_JSON_DEPTH]; /* the one at this depth has a member */
    char close[FW_JSON_DEPTH];  /* what closes it */
};

void fw_json_init(struct fw_json *json, FILE *out);

/* `key` is NULL for the outermost value and inside arrays. */
void fw_json_object(struct fw_json *json, const char *key);
void fw_json_array(struct fw_json *json, const char *key);
/* Closes the innermost object or array; a line break after the outermost. */
void fw_json_end(struct fw_json *json);

/* NULL is written as null. Bytes that are no UTF-8 come out as U+FFFD. */
void fw_json_string(struct fw_json *json, const char *key, const char *value);
void fw_json_int(struct fw_json *json, const char *key, long long value);
void fw_json_bool(struct fw_json *json, const char *key, bool value);

#endif
