/* Slurm's compressed lists. Input: a list, a line break, a host. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hostlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *host;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    host = strchr(text, '\n');
    if (host != NULL)
        *host++ = '\0';
    for (int place = 0; place < 3; place++) {
        const int count = fw_counts_at(text, place);

        if (count < 1 && count != FW_HOSTLIST_ABSENT && count != FW_HOSTLIST_BAD)
            abort();
    }
    if (host != NULL && fw_hostlist_find(text, host) < FW_HOSTLIST_BAD)
        abort();
    /* A name without brackets is a list of itself. */
    if (host != NULL && *host != '\0' && *host != '.' && strpbrk(host, "[],") == NULL && fw_hostlist_find(host, host) != 0)
        abort();
    free(text);
    return 0;
}
