/* The words of a status, from the list in furrow.h. */
#include <furrow/furrow.h>

const char *furrow_strerror(furrow_status status)
{
    switch (status) {
#define STATUS_WORDS(name, number, words) \
    case name:                            \
        return words;
        FURROW_STATUS_MAP(STATUS_WORDS)
#undef STATUS_WORDS
    }
    return "not a status of furrow";
}
