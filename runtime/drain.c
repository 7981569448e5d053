#include "drain.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cancel.h"
#include "child.h"
#include "config.h"

static atomic_int came;   /* 0 -> the signal's number, by the handler; stays */
static char words[64];    /* set before the handler is installed */

/* What had the signal before us; NULL: nothing. Another thread's handler may be at
 * it when the program has installed its own and a job puts us before that one: so
 * each is kept for the process's life, as few as such changes are. */
static _Atomic(const struct sigaction *) before;

/* Set while the thread calls what was there before: it may call us in turn. */
static _Thread_local volatile sig_atomic_t passing __attribute__((tls_model("initial-exec")));

/* -- The handler --------------------------------------------------------- */

static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *there = atomic_load(&before);

    if (passing || there == NULL || there->sa_handler == SIG_DFL || there->sa_handler == SIG_IGN)
        return;
    passing = 1;
    if ((there->sa_flags & SA_SIGINFO) != 0)
        there->sa_sigaction(number, info, context);
    else
        there->sa_handler(number);
    passing = 0;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    const int error = errno;

    atomic_store(&came, number);
    fw_cancel_drain();
    pass_on(number, info, context);
    errno = error;
}

/* -- Installing ---------------------------------------------------------- */

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_signal;
}

static void name_signal(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = { { SIGHUP, "SIGHUP" },   { SIGINT, "SIGINT" },   { SIGTERM, "SIGTERM" },
                  { SIGUSR1, "SIGUSR1" }, { SIGUSR2, "SIGUSR2" }, { SIGXCPU, "SIGXCPU" } };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            (void)snprintf(words, sizeof words, "%s (FURROW_STOP_SIGNAL)", names[i].name);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held by who installs */

void fw_drain_in_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
}

/* lock held. Where there is no room for more, the last stays. */
static void keep_before(const struct sigaction *now)
{
    enum { KEPT = 64 };
    static struct sigaction kept[KEPT];
    static size_t nkept;

    for (size_t i = 0; i < nkept; i++)
        if (kept[i].sa_handler == now->sa_handler && kept[i].sa_flags == now->sa_flags) {
            atomic_store(&before, &kept[i]);
            return;
        }
    if (nkept == KEPT)
        return;
    kept[nkept] = *now;
    atomic_store(&before, &kept[nkept++]);
}

/* System calls of the program go on; nothing is blocked meanwhile. */
static void install(int number)
{
    struct sigaction now, ours = { .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

    ours.sa_sigaction = on_signal;
    (void)sigemptyset(&ours.sa_mask);
    fw_child_expect();
    (void)pthread_mutex_lock(&lock);
    if (sigaction(number, NULL, &now) == 0 && !is_ours(&now)) {
        keep_before(&now);
        if (words[0] == '\0')
            name_signal(number);
        (void)sigaction(number, &ours, NULL);
    }
    (void)pthread_mutex_unlock(&lock);
}

void fw_drain_watch(void)
{
    const int number = fw_env()->stop_signal;

    if (number != 0)
        install(number);
}

static const char *this_variable(const char *name, void *data)
{
    (void)data;
    return strcmp(name, "FURROW_STOP_SIGNAL") == 0 ? getenv(name) : NULL;
}

/* Reads this variable alone: the others are read when they are first needed,
 * and so is what is wrong with this one told. */
__attribute__((constructor)) static void watch_early(void)
{
    struct fw_env env;

    if (getenv("FURROW_STOP_SIGNAL") == NULL)
        return;
    fw_env_parse(this_variable, NULL, &env);
    if (env.stop_signal != 0)
        install(env.stop_signal);
}

bool fw_drain_came(void)
{
    return atomic_load(&came) != 0;
}

const char *fw_drain_words(void)
{
    return words;
}
