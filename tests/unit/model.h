/* A small model checker for lock-free code, under sequential consistency.
 *
 * The code under test calls model_point_at() before each atomic operation. Actors
 * (threads of the model) are coroutines: at a point an actor stops, and the
 * checker picks who makes the next step. A whole state, stacks included, can be
 * saved, compared and restored, so that model_explore() visits every state that
 * any schedule reaches, once; model_random() follows single schedules of larger
 * models.
 *
 * The stacks are switched and copied behind the compiler's back, so the program
 * is not for sanitizers. An actor's stack must not point into another's. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_ACTORS = 12 };

struct model {
    const char *name;
    int actors;
    void *state;         /* all that the actors share; no pointers that move, no garbage in gaps */
    size_t bytes;        /* of it */
    int deaths;          /* most actors that may stop for ever, anywhere */
    void (*setup)(void); /* writes the first state */
    void (*act)(int actor);
    void (*check)(void);                         /* after every step; may be NULL */
    bool (*end)(void);                           /* nobody can go on; true: counted as notable */
    bool (*cut)(void);                           /* this state is not followed; may be NULL */
    bool (*mortal)(int actor);                   /* NULL: nobody is */
    void (*killed)(int actor, const char *func); /* stopped for ever before a step of this function */
};

struct model_count {
    double schedules; /* complete ones */
    double notable;   /* those whose end() was true */
    size_t states, steps;
    size_t cut; /* states that were not followed */
};

/* Every state. Ends the program with the schedule of the first failure, also
 * where a schedule never ends. */
struct model_count model_explore(const struct model *model, size_t most_states);

/* One line of what was counted. */
void model_print(const struct model *model, const struct model_count *count);

/* One schedule, drawn from *seed, which moves on. Returns its steps. */
size_t model_random(const struct model *model, uint64_t *seed);

/* A number below n. */
uint64_t model_draw(uint64_t *seed, uint64_t n);

/* -- Called by actors -- */

/* Here another actor may go first. Nothing outside actors. */
void model_point_at(const char *func, int line);

/* Sleeps until ready(actor), which reads the state alone. */
void model_wait(bool (*ready)(int actor));

/* What was promised does not hold: says so with the schedule, exit status 1. */
_Noreturn void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True for an actor that has come to its end or was stopped for ever. */
bool model_over(int actor);
bool model_dead(int actor);

#endif
