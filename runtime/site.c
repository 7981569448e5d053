#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *fw_site_get(const struct fw_site *site, const char *name)
{
    const char *value = site->get(name, site->data);

    return value != NULL && *value != '\0' ? value : NULL;
}

int fw_read_number(const char **at)
{
    enum { DIGITS = 9 };
    int number = 0, digits = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++, digits++)
        if (digits < DIGITS)
            number = 10 * number + (**at - '0');
    return digits > 0 && digits <= DIGITS ? number : -1;
}

bool fw_site_number(const struct fw_site *site, const char *name, int *out, bool *nonsense)
{
    const char *value = fw_site_get(site, name);
    int number;

    if (value == NULL)
        return false;
    number = fw_read_number(&value);
    if (number < 0 || *value != '\0') {
        if (nonsense != NULL)
            *nonsense = true;
        return false;
    }
    *out = number;
    return true;
}

bool fw_same_host(const char *a, size_t length_a, const char *b)
{
    const char *dot = memchr(a, '.', length_a);
    const size_t short_a = dot != NULL ? (size_t)(dot - a) : length_a, short_b = strcspn(b, ".");

    return short_a > 0 && short_a == short_b && strncasecmp(a, b, short_a) == 0;
}

/* The whole of an open file up to `most` bytes; sizes of /proc are not known. */
static char *read_all(FILE *file, size_t most)
{
    size_t room = 4096, length = 0, n;
    char *text = malloc(room), *more;

    while (text != NULL && (n = fread(text + length, 1, room - 1 - length, file)) > 0) {
        length += n;
        if (length >= most) {
            length = most;
            break;
        }
        if (room - 1 - length > 0)
            continue;
        room *= 2;
        more = realloc(text, room);
        if (more == NULL)
            free(text);
        text = more;
    }
    if (text != NULL)
        text[length] = '\0';
    return text;
}

char *fw_site_file(const struct fw_site *site, const char *path, size_t most)
{
    char full[4096];
    FILE *file;
    char *text;

    if (snprintf(full, sizeof full, "%s%s", site->root, path) >= (int)sizeof full)
        return NULL;
    file = fopen(full, "re");
    if (file == NULL)
        return NULL;
    text = read_all(file, most);
    (void)fclose(file);
    return text;
}
