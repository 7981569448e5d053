#include "habit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backends/registry.h"
#include "cpus.h"
#include "memory.h"
#include "ticks.h"

enum {
    DEPTHS = 2,             /* jobs of the program, and jobs in their tasks; deeper ones are rare */
    ENTRIES = 8,            /* different jobs that alternate in a loop */
    COUNT_MOST = 4096,      /* no more workers than that are remembered */
    BYTES_MOST = 256 * 1024 /* of a block that is kept */
};

struct table {
    struct fw_habit entry[DEPTHS][ENTRIES];
    struct fw_habit *newest[DEPTHS]; /* the entry used last; NULL: none */
    uint64_t jobs;  /* that looked here */
    uint64_t ended; /* when the last one did, in ticks */
};

/* Kept for the thread's life: not counted by memory.h, and done without where
 * there is no memory. */
static FW_NEAR_TLS struct table *mine; /* owned; NULL: no job yet */
static pthread_key_t key_of_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ends_are_seen; /* set once */

/* -- The table ---------------------------------------------------------- */

static void clear(struct fw_habit *habit)
{
    if (habit->kept)
        fw_memory_keep(-1);
    fw_work_close(habit->work);
    free(habit->at);
    memset(habit, 0, sizeof *habit);
}

void fw_habit_forget(void)
{
    struct table *table = mine;

    if (table == NULL)
        return;
    mine = NULL;
    (void)pthread_setspecific(key_of_end, NULL);
    for (int d = 0; d < DEPTHS; d++)
        for (int e = 0; e < ENTRIES; e++)
            clear(&table->entry[d][e]);
    free(table);
}

struct fw_habit *fw_habit_last(void)
{
    struct fw_habit *last = NULL;

    for (int e = 0; mine != NULL && e < ENTRIES; e++) {
        struct fw_habit *h = &mine->entry[0][e];

        if (h->known && (last == NULL || h->used > last->used))
            last = h;
    }
    return last;
}

static void thread_ends(void *table)
{
    mine = table;
    fw_habit_forget();
}

static void watch_ends(void)
{
    ends_are_seen = pthread_key_create(&key_of_end, thread_ends) == 0;
}

/* A thread whose end nobody sees would leave its table behind: it gets none. */
static struct table *make_table(void)
{
    struct table *table;

    (void)pthread_once(&once, watch_ends);
    if (!ends_are_seen || (table = calloc(1, sizeof *table)) == NULL)
        return NULL;
    if (pthread_setspecific(key_of_end, table) != 0) {
        free(table);
        return NULL;
    }
    return table;
}

/* -- Pauses and evidence ------------------------------------------------ */

FW_HOT bool fw_habit_paused(uint64_t now)
{
    return mine == NULL || fw_ticks_ns(now - mine->ended) > FW_PAUSE_NS;
}

void fw_habit_ended(uint64_t now)
{
    if (mine != NULL)
        mine->ended = now;
}

FW_HOT struct fw_evidence fw_evidence_after(struct fw_evidence before, uint64_t ns, bool paused)
{
    const uint64_t known = before.longest_ns, faded = known - known / 8;

    if (known == 0 || (before.cold && !paused))
        return (struct fw_evidence){ ns, paused };
    if (paused && ns > known && ns - known <= FW_COLD_NS)
        return before;
    return (struct fw_evidence){ ns > faded ? ns : faded, before.cold };
}

/* -- The key ------------------------------------------------------------ */

static unsigned bits_of_job(const furrow_job *job)
{
    return (job->in != NULL ? 1u : 0) | (job->out != NULL ? 2u : 0) | (job->outcome != NULL ? 4u : 0) |
           (job->worker_begin != NULL ? 8u : 0) | (job->worker_end != NULL ? 16u : 0) |
           (job->shared_memory ? 32u : 0) | (job->everywhere ? 64u : 0) | (job->shared_size > 0 ? 128u : 0) |
           (job->shared != NULL ? 256u : 0);
}

static unsigned bits_of_config(const furrow_config *config)
{
    return (config->keep_going ? 1u : 0) | (config->strict ? 2u : 0);
}

static unsigned bits_of_place(const struct fw_context *caller)
{
    return (caller->callback ? 1u : 0) | (caller->isolated ? 2u : 0) | (caller->alone ? 4u : 0);
}

static void make_key(struct fw_habit_key *key, const struct fw_request *request,
                     const struct fw_context *caller, int team)
{
    const furrow_job *job = &request->job;
    const furrow_config *config = &request->config;
    char why[FURROW_MESSAGE];

    memset(key, 0, sizeof *key);
    key->run = job->run;
    key->body = request->body;
    key->in_size = job->in_size;
    key->out_size = job->out_size;
    key->count = job->count < COUNT_MOST ? job->count : COUNT_MOST;
    key->job_bits = bits_of_job(job);
    if (config->backend != NULL && (key->named = fw_registry_find(config->backend)) != NULL)
        key->named_capacity = key->named->capacity(config, why);
    key->jobs = config->jobs;
    key->inner_threads = config->inner_threads;
    key->retries = config->retries;
    key->bind = config->bind;
    key->batch = config->batch;
    key->timeout = config->timeout;
    key->config_bits = bits_of_config(config);
    key->place_bits = bits_of_place(caller);
    key->parent = caller->backend;
    key->at = caller->at;
    key->level = caller->level;
    key->cpus = caller->cpus;
    key->cpus_then = fw_cpus();
    key->team = team;
}

/* A job that is remembered has its tasks in arrays or none, and no more than
 * its block needs: nothing that depends on their number. */
static bool is_plain(const struct fw_request *request)
{
    const furrow_job *job = &request->job;

    return request->share == NULL && request->scratch == 0 && job->next == NULL && job->on_result == NULL &&
           job->cost == NULL && !job->isolate && job->count > 0 && request->config.jobs <= COUNT_MOST;
}

static struct fw_habit *touch(struct fw_habit *habit, const struct fw_request *request, int depth)
{
    mine->newest[depth] = habit;
    habit->used = mine->jobs;
    habit->has_asked = request->asked != NULL;
    if (habit->has_asked) {
        habit->asked = *request->asked;
        if (habit->asked.backend != NULL)
            habit->asked.backend = habit->key.named->name;
    }
    return habit;
}

/* How long tasks take depends on what they work on. */
static void learn_data(struct fw_habit *habit, const furrow_job *job)
{
    habit->tasks = (struct fw_evidence){ 0, false };
    habit->again = 0;
    habit->user = job->user;
    habit->shared = job->shared;
}

struct fw_habit *fw_habit_find(const struct fw_request *request, const struct fw_context *caller, int team)
{
    const furrow_job *job = &request->job;
    struct fw_habit *row, *oldest, *alike = NULL;
    struct fw_habit_key key;

    if (caller->depth >= DEPTHS || !is_plain(request) || (mine == NULL && (mine = make_table()) == NULL))
        return NULL;
    make_key(&key, request, caller, team);
    if (request->config.backend != NULL && key.named == NULL)
        return NULL;
    row = oldest = mine->entry[caller->depth];
    mine->jobs++;
    for (struct fw_habit *h = row; h < row + ENTRIES; h++) {
        const bool its_data = h->user == job->user && h->shared == job->shared;
        const bool better = h->again == 0 && (alike == NULL || h->used > alike->used);

        if (h->known && (its_data || better) && memcmp(&h->key, &key, sizeof key) == 0) {
            if (its_data) {
                h->again++;
                return touch(h, request, caller->depth);
            }
            alike = h;
        }
        if (h->used < oldest->used)
            oldest = h;
    }
    if (alike == NULL || oldest->used == 0) {
        clear(oldest);
        oldest->key = key;
        alike = oldest;
    }
    learn_data(alike, job);
    return touch(alike, request, caller->depth);
}

/* -- The same job ------------------------------------------------------- */

static bool is_set(const void *array)
{
    return array != NULL;
}

static inline bool same_words(const uint64_t a[4], const uint64_t b[4])
{
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

/* All but name, seed, and where the data are. */
FW_HOT static bool same_job(const furrow_job *a, const furrow_job *b)
{
    return a->run == b->run && a->count == b->count && is_set(a->shared) == is_set(b->shared) &&
           is_set(a->in) == is_set(b->in) && is_set(a->out) == is_set(b->out) &&
           is_set(a->outcome) == is_set(b->outcome) && a->in_size == b->in_size && a->out_size == b->out_size &&
           a->shared_size == b->shared_size && a->worker_begin == b->worker_begin &&
           a->worker_end == b->worker_end && a->next == b->next && a->on_result == b->on_result &&
           a->cost == b->cost && a->shared_memory == b->shared_memory && a->isolate == b->isolate &&
           a->ordered == b->ordered && a->everywhere == b->everywhere &&
           same_words(a->reserved, b->reserved);
}

/* Names are short: without a call. */
static bool same_name(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    return *a == *b;
}

FW_HOT static bool same_config(const furrow_config *a, const furrow_config *b)
{
    return a->jobs == b->jobs && a->inner_threads == b->inner_threads && a->batch == b->batch &&
           a->pre_dispatch == b->pre_dispatch && memcmp(&a->timeout, &b->timeout, sizeof a->timeout) == 0 &&
           a->retries == b->retries && a->keep_going == b->keep_going && a->strict == b->strict &&
           a->bind == b->bind && same_words(a->reserved, b->reserved) &&
           same_name(a->backend, b->backend);
}

static bool same_place(const struct fw_habit_key *key, const struct fw_context *caller, int team)
{
    return key->cpus_then == fw_cpus() && key->level == caller->level && key->at == caller->at &&
           key->cpus == caller->cpus && key->parent == caller->backend &&
           key->place_bits == bits_of_place(caller) && key->team == team;
}

static bool same_capacity(const struct fw_habit *habit)
{
    const struct fw_habit_key *key = &habit->key;
    furrow_config *config = &habit->work->request.config;
    char why[FURROW_MESSAGE];

    if (key->named == NULL)
        return true;
    config->backend = key->named->name; /* the text that the last job was given may be gone */
    return key->named->capacity(config, why) == key->named_capacity;
}

FW_HOT static bool may_be_same(const struct fw_habit *habit, const furrow_job *job, const furrow_config *config,
                        const struct fw_context *caller, int team)
{
    return habit->has_asked && habit->work != NULL && habit->work->progress.every_ns == 0 &&
           same_job(job, &habit->work->request.job) && same_config(config, &habit->asked) &&
           same_place(&habit->key, caller, team) && same_capacity(habit);
}

/* What tells jobs apart most often is compared first, without a call. */
static inline bool has_code(const struct fw_habit *habit, const furrow_job *job, furrow_range_fn body)
{
    return habit->key.run == job->run && habit->key.body == body && habit->known;
}

static inline bool has_data(const struct fw_habit *habit, const furrow_job *job)
{
    return habit->user == job->user && habit->shared == job->shared;
}

/* The entry with the job's data; else the newest one, where fw_habit_find() would
 * take one of its kind too. */
static struct fw_habit *same_or_alike(const furrow_job *job, furrow_range_fn body, const furrow_config *config,
                                      const struct fw_context *caller, int team)
{
    struct fw_habit *const row = mine->entry[caller->depth], *const newest = mine->newest[caller->depth];
    bool alike = newest->again == 0 && has_code(newest, job, body);

    for (struct fw_habit *h = row; h < row + ENTRIES; h++) {
        if (has_data(h, job) && has_code(h, job, body)) {
            if (may_be_same(h, job, config, caller, team)) {
                h->again++;
                return h;
            }
            alike = false;
        }
        alike = alike && h->used > 0;
    }
    if (!alike || !may_be_same(newest, job, config, caller, team))
        return NULL;
    learn_data(newest, job);
    return newest;
}

FW_HOT struct fw_habit *fw_habit_same(const furrow_job *job, furrow_range_fn body, const furrow_config *config,
                                      const struct fw_context *caller, int team)
{
    const int depth = caller->depth;
    struct fw_habit *habit;

    if (mine == NULL || depth >= DEPTHS || (habit = mine->newest[depth]) == NULL)
        return NULL;
    config = fw_config_given(config, caller->scopes);
    if (has_code(habit, job, body) && has_data(habit, job) && may_be_same(habit, job, config, caller, team)) {
        habit->again++;
    } else {
        habit = same_or_alike(job, body, config, caller, team);
        if (habit == NULL)
            return NULL;
        mine->newest[depth] = habit;
    }
    habit->used = ++mine->jobs;
    return habit;
}

/* -- Learning ----------------------------------------------------------- */

void fw_habit_learn(struct fw_habit *habit, const struct fw_plan *plan, const int *at, bool all_free)
{
    const size_t bytes = (size_t)plan->cpus * sizeof *at;
    const struct fw_habit before = *habit;

    clear(habit);
    habit->key = before.key;
    habit->user = before.user;
    habit->shared = before.shared;
    habit->used = before.used;
    habit->paused = before.paused;
    habit->has_asked = before.has_asked;
    habit->asked = before.asked;
    if ((plan->backend->caps & FURROW_CAP_WRITES_HERE) == 0 || !fw_registry_is_own(plan->backend))
        return; /* a user's may have threads that are not like the caller's: each job is for its run() */
    habit->at = malloc(bytes);
    if (habit->at == NULL)
        return;
    memcpy(habit->at, at, bytes);
    habit->plan = *plan;
    habit->all_free = all_free;
    habit->known = true;
}

static void note_lengths(struct fw_habit *habit, const struct furrow_work *work)
{
    uint64_t longest = 1;

    for (int w = 0; w < work->workers; w++) {
        const struct fw_worker *part = fw_work_part(work, w);

        if (part != NULL && part->longest_ns > longest)
            longest = part->longest_ns;
    }
    habit->tasks = fw_evidence_after(habit->tasks, longest, habit->paused);
}

void fw_habit_keep(struct fw_habit *habit)
{
    struct furrow_work *work = habit->work;

    if (habit->known && work != NULL)
        note_lengths(habit, work);
    if (habit->kept)
        return;
    if (habit->known && work != NULL && work->again == NULL && work->bytes <= BYTES_MOST) {
        habit->kept = true;
        fw_memory_keep(1);
        return;
    }
    habit->work = NULL;
    fw_work_close(work);
}
