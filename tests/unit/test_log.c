/* The log: what passes the level, one whole line each, once where asked. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "capture.h"
#include "runtime/log.h"

static const struct {
    enum fw_log_level level;
    const char *want;
} levels[] = {
    { FW_LOG_QUIET, "" },
    { FW_LOG_WARN, "furrow: w\n" },
    { FW_LOG_INFO, "furrow: w\nfurrow: i\n" },
    { FW_LOG_DEBUG, "furrow: w\nfurrow: i\nfurrow: d\n" },
};

Test(log, lets_through_what_the_level_says)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct capture capture = capture_begin();
        char got[CAPTURED];

        fw_log_set(levels[i].level);
        fw_log(FW_LOG_QUIET, "never");
        fw_log(FW_LOG_WARN, "w");
        fw_log(FW_LOG_INFO, "i");
        fw_log(FW_LOG_DEBUG, "d");
        capture_end(&capture, got);
        cr_expect_str_eq(got, levels[i].want, "level %zu", i);
        cr_expect(fw_log_get() == levels[i].level);
    }
}

Test(log, starts_with_warnings)
{
    cr_expect(fw_log_get() == FW_LOG_WARN);
}

Test(log, writes_one_line_a_message)
{
    struct capture capture = capture_begin();
    char got[CAPTURED], text[3000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    errno = EDOM;
    fw_log(FW_LOG_WARN, "two\nlines %d", 7);
    fw_log(FW_LOG_WARN, "%s", text);
    cr_expect(errno == EDOM);
    capture_end(&capture, got);
    cr_expect(strncmp(got, "furrow: two lines 7\nfurrow: xxx", 31) == 0);
    cr_expect(count_lines(got) == 2);
    cr_expect(got[strlen(got) - 1] == '\n', "a long line is cut and still ends");
}

Test(log, without_standard_error_is_silent)
{
    int saved = dup(STDERR_FILENO);

    close(STDERR_FILENO);
    errno = 0;
    fw_log(FW_LOG_WARN, "to nobody");
    cr_expect(errno == 0);
    dup2(saved, STDERR_FILENO);
}

Test(log, says_a_thing_once_for_each_key)
{
    struct capture capture = capture_begin();
    char got[CAPTURED];

    for (int i = 0; i < 3; i++) {
        fw_log_once("a", "about a, %d", i);
        fw_log_once("b", "about b, %d", i);
    }
    capture_end(&capture, got);
    cr_expect_str_eq(got, "furrow: about a, 0\nfurrow: about b, 0\n");
}

Test(log, that_is_quiet_has_said_nothing_yet)
{
    struct capture capture = capture_begin();
    char got[CAPTURED];

    fw_log_set(FW_LOG_QUIET);
    fw_log_once("key", "unheard");
    fw_log_set(FW_LOG_WARN);
    fw_log_once("key", "heard");
    capture_end(&capture, got);
    cr_expect_str_eq(got, "furrow: heard\n");
}

Test(log, remembers_64_keys_and_no_more)
{
    struct capture capture = capture_begin();
    char got[CAPTURED];

    for (int i = 0; i < 200; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key %d", i % 100);
        fw_log_once(key, "%d", i);
    }
    capture_end(&capture, got);
    cr_expect(count_lines(got) == 64, "%d lines", count_lines(got));
}

enum { THREADS = 8, KEYS = 40 };

static void *say_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < KEYS; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key %d", i);
        fw_log_once(key, "said %d", i);
    }
    return NULL;
}

Test(log, once_holds_for_all_threads_together)
{
    struct capture capture = capture_begin();
    pthread_t thread[THREADS];
    char got[CAPTURED];

    for (int i = 0; i < THREADS; i++)
        cr_assert(pthread_create(&thread[i], NULL, say_all, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    capture_end(&capture, got);
    cr_expect(count_lines(got) == KEYS, "%d lines", count_lines(got));
}

static void interrupt(int signal)
{
    (void)signal;
}

/* A full pipe makes write(2) wait; a timer without SA_RESTART interrupts it
 * until the child reads. */
Test(log, survives_interrupted_writes)
{
    struct sigaction action = { .sa_handler = interrupt };
    struct itimerval tick = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
    int data[2], go[2], saved = dup(STDERR_FILENO), status = -1;
    char block[4096], byte = 0;
    pid_t child;

    memset(block, 'x', sizeof(block));
    cr_assert(pipe(data) == 0 && pipe(go) == 0);
    cr_assert(fcntl(data[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(data[1], block, sizeof(block)) > 0)
        continue;
    cr_assert(fcntl(data[1], F_SETFL, 0) == 0);
    child = fork();
    if (child == 0) { /* reads all, exits with the number of line ends */
        int lines = 0;
        ssize_t n;

        close(data[1]);
        if (read(go[0], &byte, 1) != 1)
            _exit(99);
        usleep(20000); /* some ticks while the writer waits; it only makes the test stricter */
        while ((n = read(data[0], block, sizeof(block))) > 0)
            for (ssize_t i = 0; i < n; i++)
                lines += block[i] == '\n';
        _exit(lines);
    }
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &tick, NULL);
    dup2(data[1], STDERR_FILENO);
    close(data[1]);
    while (write(go[1], &byte, 1) < 0 && errno == EINTR)
        continue;
    fw_log(FW_LOG_WARN, "through");
    setitimer(ITIMER_REAL, &off, NULL);
    dup2(saved, STDERR_FILENO); /* the last writer: the child sees the end */
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
