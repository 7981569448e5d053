/* Which threads a binding that is repaired is widened for: the main one, and the
 * calling one where it has the main one's mask. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "../common/check.h"
#include "runtime/affinity.h"

enum { MOST = 1024 };

static cpu_set_t all, first, last;
static int os[MOST], n;

static bool has(pid_t thread, const cpu_set_t *want)
{
    cpu_set_t mask;

    return sched_getaffinity(thread, sizeof mask, &mask) == 0 && CPU_EQUAL(&mask, want);
}

static void *widen(void *unused)
{
    (void)unused;
    CHECK(has(0, &first), "a new thread has not the main one's mask");
    CHECK(fw_affinity_set(os, n), "the system refuses");
    CHECK(has(0, &all), "the thread that asked keeps the narrow mask");
    return NULL;
}

static void *widen_from_elsewhere(void *unused)
{
    (void)unused;
    CHECK(sched_setaffinity(0, sizeof last, &last) == 0, "the last CPU is refused");
    CHECK(fw_affinity_set(os, n), "the system refuses");
    CHECK(has(0, &last), "a thread that was bound by itself was moved");
    return NULL;
}

/* From a thread of its own, which starts with the main one's narrow mask. */
static void check_thread(void *(*run)(void *))
{
    pthread_t thread;

    CHECK(sched_setaffinity(0, sizeof first, &first) == 0, "the first CPU is refused");
    CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0, "no thread");
    CHECK(has(getpid(), &all), "the main thread keeps the narrow mask");
}

int main(void)
{
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
        puts("skipped: one CPU, or more than this test has room for");
        return 77;
    }
    for (int cpu = 0; cpu < MOST; cpu++)
        if (CPU_ISSET((size_t)cpu, &all))
            os[n++] = cpu;
    CPU_SET((size_t)os[0], &first);
    CPU_SET((size_t)os[n - 1], &last);
    check_thread(widen);
    check_thread(widen_from_elsewhere);
    CHECK(sched_setaffinity(0, sizeof first, &first) == 0 && fw_affinity_set(os, n) && has(0, &all),
          "the main thread can't widen its own mask");
    return check_end();
}
