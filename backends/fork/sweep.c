/* Without stdio: its code is not in memory yet in a nursery, which would fetch it
 * page by page between the last task and the end of the job. */
#include "sweep.h"

#include <string.h>
#include <unistd.h>

/* Writes the decimal digits of a number and returns their end, with no 0 there. */
static char *put_number(char *text, unsigned long number)
{
    char digits[24], *const end = digits + sizeof digits, *first = end;

    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return mempcpy(text, first, (size_t)(end - first));
}

void fw_fork_sweep(pid_t pid)
{
    static const char *const stems[] = { "/dev/shm/__KMP_REGISTERED_LIB_",
                                         "/tmp/__KMP_REGISTERED_LIB_" };
    const unsigned long user = getuid();
    char path[80], *end;

    for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++) {
        end = put_number(stpcpy(path, stems[i]), (unsigned long)pid);
        *end++ = '_';
        *put_number(end, user) = '\0';
        (void)unlink(path);
    }
}
