#include "child.h"

#include <pthread.h>

static void begin_anew(void)
{
    fw_seat_in_child();
    fw_lease_in_child();
    fw_cancel_in_child();
    fw_drain_in_child();
    fw_alloc_in_child();
    fw_registry_in_child();
}

static void expect(void)
{
    (void)pthread_atfork(NULL, NULL, begin_anew);
}

void fw_child_expect(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, expect);
}
