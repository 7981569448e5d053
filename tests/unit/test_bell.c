/* No wake-up is lost: a plain program, so that it also runs under
 * ThreadSanitizer. One that is lost is a sleep without end, which the test's
 * deadline ends. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/bell.h"

static int passed, failed;

static void expect(bool holds, const char *claim)
{
    passed += holds;
    failed += !holds;
    if (!holds)
        printf("failed: %s\n", claim);
}

/* -- Alone -------------------------------------------------------------------- */

static void ring_between_listening_and_sleeping(void)
{
    struct fw_bell bell = { 0 };
    uint32_t ticket = fw_bell_listen(&bell);

    fw_bell_ring(&bell);
    fw_bell_sleep(&bell, ticket, 0);
    expect(bell.listeners == 0, "a ring after the ticket was drawn ends the sleep");
}

static void ring_unheard(void)
{
    struct fw_bell bell = { 0 };

    errno = EDOM;
    fw_bell_ring(&bell);
    expect(bell.rings == 0, "a ring that nobody listens for costs nothing");
    (void)fw_bell_listen(&bell);
    fw_bell_ring(&bell);
    expect(bell.rings == 1 && errno == EDOM, "a ring that is heard is counted and keeps errno");
    fw_bell_ignore(&bell);
    expect(bell.listeners == 0, "who ignores the bell listens no more");
}

static uint64_t now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_with_a_limit(void)
{
    enum { LIMIT = 2000000 };
    struct fw_bell bell = { 0 };
    const uint64_t start = now();

    while (now() - start < LIMIT)
        fw_bell_sleep(&bell, fw_bell_listen(&bell), LIMIT);
    expect(bell.listeners == 0, "a sleep ends at its limit");
}

/* -- Two who take turns, each asleep while it is the other's -------------------- */

struct turns {
    struct fw_bell bell;
    _Atomic uint32_t turn; /* of who has its parity */
};

enum { TURNS = 20000 };

static void wait_for(struct turns *turns, uint32_t turn)
{
    while (atomic_load(&turns->turn) != turn) {
        const uint32_t ticket = fw_bell_listen(&turns->bell);
        if (atomic_load(&turns->turn) == turn)
            fw_bell_ignore(&turns->bell);
        else
            fw_bell_sleep(&turns->bell, ticket, 0);
    }
}

/* Turns `first`, first + 2, … below TURNS. */
static void take_turns(struct turns *turns, uint32_t first)
{
    for (uint32_t turn = first; turn < TURNS; turn += 2) {
        wait_for(turns, turn);
        atomic_store(&turns->turn, turn + 1);
        fw_bell_ring(&turns->bell);
    }
}

static void *take_odd_turns(void *turns)
{
    take_turns(turns, 1);
    return NULL;
}

static void threads_take_turns(void)
{
    struct turns turns = { .turn = 0 };
    pthread_t other;

    if (pthread_create(&other, NULL, take_odd_turns, &turns) != 0)
        exit(EXIT_FAILURE);
    take_turns(&turns, 0);
    wait_for(&turns, TURNS);
    (void)pthread_join(other, NULL);
    expect(turns.turn == TURNS && turns.bell.listeners == 0, "threads wake each other");
}

static void processes_take_turns(void)
{
    struct turns *turns =
        mmap(NULL, sizeof *turns, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child;

    if (turns == MAP_FAILED || (child = fork()) < 0)
        exit(EXIT_FAILURE);
    if (child == 0) {
        take_turns(turns, 1);
        _exit(0);
    }
    take_turns(turns, 0);
    wait_for(turns, TURNS);
    (void)waitpid(child, NULL, 0);
    expect(turns->turn == TURNS && turns->bell.listeners == 0, "processes wake each other");
    (void)munmap(turns, sizeof *turns);
}

/* -- Many who wait for one ------------------------------------------------------- */

enum { SLEEPERS = 4, ROUNDS = 1000 };

struct crowd {
    struct fw_bell bell, back;
    _Atomic uint32_t round, arrived; /* rounds begun; sleepers that saw them, summed */
};

static void *follow_rounds(void *data)
{
    struct crowd *crowd = data;

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&crowd->round) < round) {
            const uint32_t ticket = fw_bell_listen(&crowd->bell);
            if (atomic_load(&crowd->round) < round)
                fw_bell_sleep(&crowd->bell, ticket, 0);
            else
                fw_bell_ignore(&crowd->bell);
        }
        atomic_fetch_add(&crowd->arrived, 1);
        fw_bell_ring(&crowd->back);
    }
    return NULL;
}

static void a_ring_wakes_all(void)
{
    struct crowd crowd = { .round = 0 };
    pthread_t thread[SLEEPERS];

    for (int i = 0; i < SLEEPERS; i++)
        if (pthread_create(&thread[i], NULL, follow_rounds, &crowd) != 0)
            exit(EXIT_FAILURE);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        atomic_store(&crowd.round, round);
        fw_bell_ring(&crowd.bell);
        while (atomic_load(&crowd.arrived) < round * SLEEPERS) {
            const uint32_t ticket = fw_bell_listen(&crowd.back);
            if (atomic_load(&crowd.arrived) < round * SLEEPERS)
                fw_bell_sleep(&crowd.back, ticket, 0);
            else
                fw_bell_ignore(&crowd.back);
        }
    }
    for (int i = 0; i < SLEEPERS; i++)
        (void)pthread_join(thread[i], NULL);
    expect(crowd.arrived == ROUNDS * SLEEPERS, "a ring wakes all");
}

int main(void)
{
    ring_between_listening_and_sleeping();
    ring_unheard();
    sleep_with_a_limit();
    threads_take_turns();
    processes_take_turns();
    a_ring_wakes_all();
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
