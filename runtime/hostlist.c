#include "hostlist.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "site.h"

/* -- One entry: "r[0-1]n[01-16,20]" -------------------------------------- */

enum { BRACKETS = 8 };

/* Up to the comma that ends it; commas within brackets belong to it. NULL: a
 * bracket is not closed. */
static const char *entry_end(const char *at)
{
    bool inside = false;

    for (; *at != '\0' && (inside || *at != ','); at++) {
        if ((*at == '[' && inside) || (*at == ']' && !inside))
            return NULL;
        inside = inside ? *at != ']' : *at == '[';
    }
    return inside ? NULL : at;
}

/* "08-10" or "7" at *at: its bounds and its digits; false: neither. */
static bool read_range(const char **at, int *low, int *high, size_t *digits)
{
    const char *start = *at;

    *low = *high = fw_read_number(at);
    *digits = (size_t)(*at - start);
    if (*low < 0)
        return false;
    if (**at == '-') {
        (*at)++;
        *high = fw_read_number(at);
    }
    return *high >= *low;
}

/* How many numbers a bracket at `at` ("[01-16,20]") has; *end: behind it. 0: bad. */
static long long count_bracket(const char *at, const char **end)
{
    long long n = 0;

    do {
        int low, high;
        size_t digits;

        at++;
        if (!read_range(&at, &low, &high, &digits))
            return 0;
        n += high - low + 1;
    } while (*at == ',');
    *end = at + 1;
    return *at == ']' ? n : 0;
}

/* Hosts of the rest of an entry; 0: bad. Never above INT_MAX. */
static long long count_rest(const char *at, const char *end)
{
    long long n = 1;

    for (int brackets = 0; at < end;) {
        long long here;

        if (*at != '[') {
            at++;
            continue;
        }
        if (++brackets > BRACKETS || (here = count_bracket(at, &at)) == 0)
            return 0;
        n = n * here > INT_MAX ? INT_MAX : n * here;
    }
    return n;
}

/* Whether the first `digits` characters of `host` are the number that a range
 * starting with `width` digits writes so. */
static bool writes(const char *host, size_t digits, size_t width, int *number)
{
    char text[10];
    const char *at = text;

    if (digits < width || (digits > width && host[0] == '0') || digits >= sizeof text)
        return false;
    memcpy(text, host, digits);
    text[digits] = '\0';
    *number = fw_read_number(&at);
    return *number >= 0 && *at == '\0';
}

static long long match(const char *at, const char *end, const char *host, size_t length);

/* `host` against a bracket and what follows; the place, or -1. */
static long long match_bracket(const char *at, const char *end, const char *host, size_t length)
{
    const char *behind;
    long long before = 0, each, place = -1;

    if (count_bracket(at, &behind) == 0 || (each = count_rest(behind, end)) == 0)
        return -1;
    while (place < 0 && at < behind - 1) {
        int low, high, number;
        size_t width;

        at++;
        if (!read_range(&at, &low, &high, &width))
            return -1;
        for (size_t digits = width; place < 0 && digits <= length && digits < width + BRACKETS;
             digits++) {
            if (!writes(host, digits, width, &number) || number < low || number > high)
                continue;
            place = match(behind, end, host + digits, length - digits);
            if (place >= 0)
                place += (before + number - low) * each;
        }
        before += high - low + 1;
    }
    return place;
}

/* The place of `host` (`length` bytes) among the hosts of the rest of an entry;
 * -1: not there. What follows a dot is the domain, in the list as in `host`. */
static long long match(const char *at, const char *end, const char *host, size_t length)
{
    while (at < end && *at != '[' && *at != '.') {
        if (length == 0 || tolower((unsigned char)*at) != tolower((unsigned char)*host))
            return -1;
        at++, host++, length--;
    }
    if (at < end && *at == '[')
        return match_bracket(at, end, host, length);
    return length == 0 ? 0 : -1;
}

/* -- Lists --------------------------------------------------------------- */

int fw_hostlist_find(const char *list, const char *host)
{
    const size_t length = strcspn(host, ".");
    long long before = 0, found = -1;

    if (*list == '\0')
        return FW_HOSTLIST_BAD;
    for (;;) {
        const char *end = entry_end(list);
        const long long n = end != NULL && end > list ? count_rest(list, end) : 0;

        if (n == 0)
            return FW_HOSTLIST_BAD;
        if (found < 0 && length > 0) {
            const long long place = match(list, end, host, length);

            if (place >= 0)
                found = before + place;
        }
        before += n;
        if (before > INT_MAX)
            return FW_HOSTLIST_BAD;
        if (*end == '\0')
            break;
        list = end + 1;
    }
    return found < 0 ? FW_HOSTLIST_ABSENT : (int)found;
}

/* "72(x2)" or "36" at *at. */
static bool read_count(const char **at, int *count, int *times)
{
    *times = 1;
    *count = fw_read_number(at);
    if (*count < 1)
        return false;
    if (strncmp(*at, "(x", 2) != 0)
        return true;
    *at += 2;
    *times = fw_read_number(at);
    return *times >= 1 && *(*at)++ == ')';
}

int fw_counts_at(const char *list, int place)
{
    long long before = 0;
    int found = FW_HOSTLIST_ABSENT;

    for (;; list++) {
        int count, times;

        if (!read_count(&list, &count, &times))
            return FW_HOSTLIST_BAD;
        if (found == FW_HOSTLIST_ABSENT && place >= before && place < before + times)
            found = count;
        before += times;
        if (*list != ',')
            break;
    }
    return *list == '\0' ? found : FW_HOSTLIST_BAD;
}
