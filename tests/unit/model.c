/* Coroutines, the search, and the schedule of a failure. */
#undef _FORTIFY_SOURCE /* its longjmp refuses to change stacks */
#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { STACK = 1 << 16, DEPTH = 4096, KILL = 16 /* choice: stop actor `choice - KILL` for ever */ };

enum where { READY, WAITING, OVER, DEAD };

struct actor {
    jmp_buf at;
    char *low; /* lowest live byte of its stack */
    bool (*ready)(int actor);
    const char *func; /* its next step */
    int line;
    enum where where;
};

struct step {
    int choice, line;
    const char *func;
};

static _Alignas(64) char stack[MODEL_ACTORS][STACK];
static char parked_stack[MODEL_ACTORS][STACK];
static struct actor actor[MODEL_ACTORS], parked[MODEL_ACTORS];
static int born;         /* actors that have a coroutine */
static int current = -1; /* the actor that runs; -1: the checker */
static jmp_buf checker;
static ucontext_t checker_context;

static const struct model *model;
static struct step path[DEPTH];
static size_t path_length;

/* -- Failures ------------------------------------------------------------ */

static void print_path(void)
{
    const size_t first = path_length > DEPTH ? path_length - DEPTH : 0;

    for (size_t i = first; i < path_length; i++) {
        const struct step *s = &path[i % DEPTH];
        if (s->choice >= KILL)
            printf("  %d is stopped for ever before %s:%d\n", s->choice - KILL, s->func, s->line);
        else
            printf("  %d %s:%d\n", s->choice, s->func, s->line);
    }
}

void model_fail(const char *format, ...)
{
    va_list arguments;

    printf("%s: ", model->name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nThe schedule (actor, its step):\n");
    print_path();
    exit(EXIT_FAILURE);
}

/* -- Coroutines ---------------------------------------------------------- */

static inline __attribute__((always_inline)) char *stack_pointer(void)
{
    char *sp;

#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#else
    sp = (char *)__builtin_frame_address(0) - 1024; /* lower than need be */
#endif
    return sp;
}

/* The actor stops here until the checker lets it make its next step. */
static __attribute__((noinline)) void leave(void)
{
    struct actor *me = &actor[current];

    memset(me->at, 0, sizeof me->at);
    if (_setjmp(me->at) == 0) {
        me->low = stack_pointer();
        _longjmp(checker, 1);
    }
}

static void go_on(int a)
{
    current = a;
    if (_setjmp(checker) == 0)
        _longjmp(actor[a].at, 1);
    current = -1;
}

static void live(void)
{
    leave();
    model->act(current);
    actor[current].where = OVER;
    leave();
}

static size_t live_bytes(const struct actor *a, int number)
{
    return (size_t)(stack[number] + STACK - a->low);
}

/* The actor's coroutine, before its first step. */
static void give_birth(int a)
{
    ucontext_t context;

    if (getcontext(&context) != 0)
        exit(EXIT_FAILURE);
    context.uc_stack.ss_sp = stack[a];
    context.uc_stack.ss_size = STACK;
    context.uc_link = NULL;
    makecontext(&context, live, 0);
    current = a;
    if (_setjmp(checker) == 0)
        (void)swapcontext(&checker_context, &context);
    current = -1;
    actor[a].func = "start";
    parked[a] = actor[a];
    memcpy(parked_stack[a], stack[a], STACK);
}

static void start(const struct model *m)
{
    model = m;
    path_length = 0;
    for (; born < m->actors; born++)
        give_birth(born);
    for (int a = 0; a < m->actors; a++) {
        size_t n = live_bytes(&parked[a], a);
        actor[a] = parked[a];
        memcpy(actor[a].low, parked_stack[a] + STACK - n, n);
    }
    m->setup();
}

void model_point_at(const char *func, int line)
{
    actor[current].func = func;
    actor[current].line = line;
    leave();
}

void model_wait(bool (*ready)(int actor))
{
    actor[current].ready = ready;
    actor[current].where = WAITING;
    model_point_at("asleep", 0);
}

bool model_over(int a)
{
    return actor[a].where >= OVER;
}

bool model_dead(int a)
{
    return actor[a].where == DEAD;
}

/* -- Steps --------------------------------------------------------------- */

/* One bit a choice; no actor that can go on: 0, whoever may still die. */
static uint32_t choices(void)
{
    uint32_t able = 0, mortal = 0;
    int dead = 0;

    for (int a = 0; a < model->actors; a++) {
        const struct actor *me = &actor[a];
        if (me->where == READY || (me->where == WAITING && me->ready(a)))
            able |= 1u << a;
        if (me->where < OVER && model->mortal != NULL && model->mortal(a))
            mortal |= 1u << (a + KILL);
        dead += me->where == DEAD;
    }
    return able == 0 ? 0 : able | (dead < model->deaths ? mortal : 0);
}

static void take(int choice)
{
    const int a = choice % KILL;

    path[path_length++ % DEPTH] = (struct step){ choice, actor[a].line, actor[a].func };
    if (choice >= KILL) {
        actor[a].where = DEAD;
        model->killed(a, actor[a].func);
    } else {
        actor[a].where = READY;
        go_on(a);
    }
    if (model->check != NULL)
        model->check();
}

static int lowest(uint32_t bits)
{
    return __builtin_ctz(bits);
}

/* -- One schedule -------------------------------------------------------- */

uint64_t model_draw(uint64_t *seed, uint64_t n)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15u; /* SplitMix64 */

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (z ^ z >> 31) % n;
}

static int nth(uint32_t bits, uint64_t n)
{
    while (n-- > 0)
        bits &= bits - 1;
    return lowest(bits);
}

size_t model_random(const struct model *m, uint64_t *seed)
{
    enum { ENDLESS = 1000000, SURVIVAL = 200 };
    static const uint64_t stay[] = { 1, 4, 16, 64 }; /* steps in a row, in the mean */
    uint64_t patience;
    uint32_t able, runs;
    int last = -1;

    start(m);
    patience = stay[model_draw(seed, 4)];
    for (; (able = choices()) != 0; take(last)) {
        runs = able & ((1u << KILL) - 1);
        if (able != runs && model_draw(seed, SURVIVAL) == 0)
            last = nth(able & ~runs, model_draw(seed, (uint64_t)__builtin_popcount(able & ~runs)));
        else if (last < 0 || (able >> last & 1) == 0 || last >= KILL || model_draw(seed, patience) == 0)
            last = nth(runs, model_draw(seed, (uint64_t)__builtin_popcount(runs)));
        if (path_length == ENDLESS)
            model_fail("no end after %d steps", ENDLESS);
    }
    (void)m->end();
    return path_length;
}

/* -- Visited states ------------------------------------------------------ */

struct visited {
    uint64_t hash;            /* 0: free */
    double schedules, notable; /* from here; < 0: still being followed */
};

static struct visited *table;
static size_t table_size, table_used;

static struct visited *slot_of(uint64_t hash)
{
    size_t i = hash & (table_size - 1);

    while (table[i].hash != 0 && table[i].hash != hash)
        i = (i + 1) & (table_size - 1);
    return &table[i];
}

static void table_make(size_t size)
{
    table_size = size;
    table_used = 0;
    table = calloc(size, sizeof *table);
    if (table == NULL) {
        printf("no memory for %zu states\n", size);
        exit(EXIT_FAILURE);
    }
}

static void table_grow(void)
{
    struct visited *old = table;
    const size_t n = table_size, used = table_used;

    table_make(n * 2);
    for (size_t i = 0; i < n; i++)
        if (old[i].hash != 0)
            *slot_of(old[i].hash) = old[i];
    table_used = used;
    free(old);
}

static struct visited *table_add(uint64_t hash)
{
    struct visited *v;

    if (table_used * 2 >= table_size)
        table_grow();
    v = slot_of(hash);
    table_used += v->hash == 0;
    v->hash = hash;
    return v;
}

static uint64_t mix(uint64_t h, const void *data, size_t bytes)
{
    const char *p = data;
    uint64_t word;

    for (; bytes >= sizeof word; bytes -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * 0x9FB21C651E98DF25u;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, p, bytes);
    h = (h ^ word) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 29;
}

/* The shared state, and of each actor its registers and the live part of its
 * stack: equal means equal futures. 64 bits: of ten million states two different
 * ones are taken for one with probability 3e-6. */
static uint64_t hash_state(void)
{
    uint64_t h = mix(1, model->state, model->bytes);

    for (int a = 0; a < model->actors; a++) {
        const struct actor *me = &actor[a];
        h = mix(h, &me->where, sizeof me->where);
        if (me->where >= OVER)
            continue;
        h = mix(h, me->at, sizeof me->at);
        h = mix(h, me->low, live_bytes(me, a));
    }
    return h != 0 ? h : 1;
}

/* -- All schedules ------------------------------------------------------- */

struct frame {
    uint64_t hash;
    double schedules, notable;
    size_t saved;     /* where its state lies in `saves` */
    uint32_t untried; /* choices */
    bool fresh;       /* the state is still in place */
};

static struct frame frames[DEPTH];
static char *saves;
static size_t saves_used, saves_size;

static void save(const void *data, size_t bytes)
{
    if (saves_used + bytes > saves_size) {
        saves_size = (saves_used + bytes) * 2;
        saves = realloc(saves, saves_size);
        if (saves == NULL)
            exit(EXIT_FAILURE);
    }
    memcpy(saves + saves_used, data, bytes);
    saves_used += bytes;
}

static void save_state(void)
{
    save(model->state, model->bytes);
    save(actor, (size_t)model->actors * sizeof actor[0]);
    for (int a = 0; a < model->actors; a++)
        if (actor[a].where < OVER)
            save(actor[a].low, live_bytes(&actor[a], a));
}

static void restore_state(size_t from)
{
    const char *p = saves + from;

    memcpy(model->state, p, model->bytes);
    p += model->bytes;
    memcpy(actor, p, (size_t)model->actors * sizeof actor[0]);
    p += (size_t)model->actors * sizeof actor[0];
    for (int a = 0; a < model->actors; a++) {
        if (actor[a].where < OVER) {
            size_t n = live_bytes(&actor[a], a);
            memcpy(actor[a].low, p, n);
            p += n;
        }
    }
}

static void push(size_t depth, uint64_t hash, uint32_t able)
{
    if (depth == DEPTH)
        model_fail("a schedule of %d steps", DEPTH);
    frames[depth] = (struct frame){ hash, 0, 0, saves_used, able, true };
    table_add(hash)->schedules = -1;
    save_state();
}

/* The state after a step: counted if it is an end or known, else pushed. */
static bool enter(size_t depth, struct model_count *count)
{
    struct frame *f = &frames[depth];
    const uint32_t able = choices();
    const uint64_t hash = hash_state();
    struct visited *v = slot_of(hash);

    if (v->hash != 0) {
        if (v->schedules < 0)
            model_fail("a schedule that never ends");
    } else if (able == 0) {
        v = table_add(hash);
        v->schedules = 1;
        v->notable = model->end();
    } else if (model->cut != NULL && model->cut()) {
        v = table_add(hash); /* no schedule counted */
        count->cut++;
    } else {
        push(depth + 1, hash, able);
        return true;
    }
    f->schedules += v->schedules;
    f->notable += v->notable;
    return false;
}

static void pop(size_t depth)
{
    const struct frame *f = &frames[depth];
    struct visited *v = slot_of(f->hash);

    v->schedules = f->schedules;
    v->notable = f->notable;
    saves_used = f->saved;
    if (depth > 0) {
        frames[depth - 1].schedules += f->schedules;
        frames[depth - 1].notable += f->notable;
    }
}

struct model_count model_explore(const struct model *m, size_t most_states)
{
    struct model_count count = { 0 };
    size_t depth = 0; /* of the frame on top */

    table_make((size_t)1 << 16);
    saves_used = 0;
    start(m);
    push(0, hash_state(), choices());
    for (;;) {
        struct frame *f = &frames[depth];
        int choice;

        if (f->untried == 0) {
            pop(depth);
            if (depth-- == 0)
                break;
            continue;
        }
        choice = lowest(f->untried);
        f->untried &= f->untried - 1;
        path_length = depth;
        if (!f->fresh)
            restore_state(f->saved);
        f->fresh = false;
        take(choice);
        count.steps++;
        depth += enter(depth, &count);
        if (table_used > most_states)
            model_fail("more than %zu states", most_states);
    }
    count.states = table_used;
    count.schedules = frames[0].schedules;
    count.notable = frames[0].notable;
    free(table);
    return count;
}

void model_print(const struct model *m, const struct model_count *count)
{
    printf("%-72s %9zu states %9.2e schedules, %zu states not followed\n", m->name, count->states,
           count->schedules, count->cut);
}
