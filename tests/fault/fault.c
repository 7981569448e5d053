#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void fault_case(const char *format, ...)
{
    static char which[200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(which, sizeof which, format, args);
    va_end(args);
    check_run.name = which;
}

int fault_end(void)
{
    const unsigned n = atomic_load(check_run.failures);

    if (n > 0)
        check_say("%u checks failed\n", n);
    return n > 0;
}

void fault_skip(const char *why)
{
    check_say("skipped: %s\n", why);
    exit(77);
}

void *fault_board(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    return memory;
}

double fault_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void step(void)
{
    const struct timespec pause = { 0, 500000 };

    (void)nanosleep(&pause, NULL);
}

bool fault_await(const atomic_uint *value, unsigned least)
{
    const double end = fault_now() + 30;

    while (atomic_load(value) < least && fault_now() < end)
        step();
    return atomic_load(value) >= least;
}

char fault_state(pid_t pid)
{
    char path[64], text[512];
    const char *state;
    FILE *file;
    size_t n;

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    state = strrchr(text, ')'); /* a name may have such, too */
    return state != NULL && state[1] == ' ' ? state[2] : 0;
}

bool fault_gone(pid_t pid)
{
    char state;

    if (kill(pid, 0) != 0 && errno == ESRCH)
        return true;
    state = fault_state(pid);
    return state == 0 || state == 'Z' || state == 'X';
}

bool fault_await_gone(pid_t pid)
{
    const double end = fault_now() + 30;

    while (!fault_gone(pid) && fault_now() < end)
        step();
    return fault_gone(pid);
}

/* Where LLVM's OpenMP registers a process. */
static void register_of(pid_t pid, char path[100])
{
    (void)snprintf(path, 100, "/dev/shm/__KMP_REGISTERED_LIB_%ld_%ld", (long)pid, (long)getuid());
}

bool fault_unregistered(pid_t pid)
{
    char path[100];

    register_of(pid, path);
    return access(path, F_OK) != 0;
}

int fault_reap(pid_t pid)
{
    char path[100];
    int status = -1;

    if (waitpid(pid, &status, 0) != pid)
        return -1;
    register_of(pid, path);
    (void)unlink(path);
    return status;
}

/* Entries of a folder, without the two that each has. */
static long entries(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    long n = 0;

    if (folder == NULL)
        return -1;
    while ((entry = readdir(folder)) != NULL)
        n += entry->d_name[0] != '.';
    (void)closedir(folder);
    return n;
}

static long lines(const char *path)
{
    FILE *file = fopen(path, "r");
    long n = 0;
    int c;

    if (file == NULL)
        return -1;
    while ((c = getc(file)) != EOF)
        n += c == '\n';
    (void)fclose(file);
    return n;
}

/* Processes whose parent this one is. */
static long children(void)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    long n = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[300], text[512];
        const char *state;
        long parent = 0;
        FILE *file;

        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        if ((file = fopen(path, "r")) == NULL)
            continue;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        (void)fclose(file);
        state = strrchr(text, ')');
        if (state != NULL && state[1] != '\0' && state[2] != '\0' && state[3] == ' ')
            parent = strtol(state + 4, NULL, 10);
        n += parent == (long)getpid();
    }
    if (folder != NULL)
        (void)closedir(folder);
    return n;
}

struct census fault_census(void)
{
    return (struct census){ .descriptors = entries("/proc/self/fd"),
                            .threads = entries("/proc/self/task"),
                            .children = children(),
                            .mappings = lines("/proc/self/maps") };
}

void fault_same(const struct census *before, const struct census *after, long mappings)
{
    CHECK_EQ(after->descriptors, before->descriptors);
    CHECK_EQ(after->threads, before->threads);
    CHECK_EQ(after->children, before->children);
    if (!FAULT_SANITIZED) /* which maps memory of its own as it goes */
        CHECK(after->mappings <= before->mappings + mappings);
}

furrow_config fault_config(int workers)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = "fork";
    config.jobs = workers;
    config.strict = true;
    config.keep_going = true;
    return config;
}
