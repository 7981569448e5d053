/* The nesting rules, as decisions over values. The numbers in comments are
 * those of docs/nesting.md. */
#include "plan.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

/* Where a job starts decides which backends may run it there. */
enum place {
    OUTERMOST, /* the program itself: any backend (rule 1) */
    WITHIN,    /* a task, or the program's own region: what may nest, within the lease (rules 2, 5) */
    DEEP,      /* beyond the levels that may use threads: the fallback (rule 3) */
    CALLBACK   /* a callback: the fallback */
};

/* The decision while it is made. */
struct decision {
    const struct fw_plan_in *in;
    enum place place;
    const struct fw_candidate *fallback;
    const struct fw_candidate *named; /* NULL: none was named */
    const struct fw_candidate *runs;
    int asked;         /* workers, before any limit */
    const char *limit; /* what keeps workers below `asked`; NULL: nothing */
};

/* -- Numbers ------------------------------------------------------------ */

int fw_plan_share(int cpus, int workers, int worker, int *first)
{
    int each, larger;

    if (workers > cpus) {
        *first = worker % cpus;
        return 1;
    }
    each = cpus / workers;
    larger = cpus % workers; /* so many workers have one more */
    *first = worker * each + (worker < larger ? worker : larger);
    return each + (worker < larger);
}

int fw_plan_workers(int jobs, int cpus, int inner_threads)
{
    long long workers;

    if (jobs > 0)
        return jobs;
    workers = ((long long)cpus + 1 + jobs) / (inner_threads > 1 ? inner_threads : 1);
    return workers > 1 ? (int)workers : 1;
}

/* -- Which backends may run it ------------------------------------------ */

static enum place place_of(const struct fw_plan_in *in)
{
    if (in->in_callback)
        return CALLBACK;
    if (in->level == 0 && !in->in_region)
        return OUTERMOST;
    return in->level > in->thread_levels ? DEEP : WITHIN;
}

/* Rule 5. A backend that does not nest may still run where its parent brought
 * the task to a process of its own from elsewhere: workers made there see that
 * process's memory, and nothing runs beside them. */
static bool nests(const struct decision *d, const struct fw_candidate *c)
{
    const struct fw_plan_in *in = d->in;

    if (c->backend->caps & FURROW_CAP_NESTS)
        return true;
    return c == d->named && (in->isolated || in->alone) && in->parent != NULL && !in->in_region
           && (c->backend->caps & FURROW_CAP_READS_HERE)
           && !(in->parent->caps & FURROW_CAP_READS_HERE);
}

/* Why a backend may not run where this job starts; NULL: it may. */
static const char *misplaced(const struct decision *d, const struct fw_candidate *c)
{
    if (c == d->fallback || d->place == OUTERMOST)
        return NULL;
    if (d->place == CALLBACK)
        return "jobs started in a callback are sequential";
    if (d->place == DEEP)
        return "no more levels may use threads (FURROW_THREAD_LEVELS)";
    if (nests(d, c))
        return NULL;
    return d->in->level > 0 ? "cannot run inside a task" : "cannot run inside a parallel region";
}

/* Why a backend may not run this job, place and needs; NULL: it may. */
static const char *unfit(const struct decision *d, const struct fw_candidate *c)
{
    const struct fw_plan_in *in = d->in;
    unsigned caps = c->backend->caps;
    const char *why = misplaced(d, c);

    if (why != NULL)
        return why;
    /* In a process of its own a task is isolated already. */
    if (in->isolate && !(caps & FURROW_CAP_ISOLATES) && !(c == d->fallback && in->isolated))
        return "does not isolate tasks";
    if (in->shared_memory && !(caps & FURROW_CAP_WRITES_HERE))
        return "its tasks cannot write to the caller's memory";
    if (in->shared_address && !(caps & FURROW_CAP_READS_HERE))
        return "its tasks do not see the address in job.shared";
    if (c->capacity > 0)
        return NULL;
    return c->why != NULL && c->why[0] != '\0' ? c->why : "not available here";
}

/* A time limit is kept best by a backend that can end a task. */
static bool wants_kill(const struct fw_plan_in *in)
{
    return in->config->timeout > 0.0 && !in->shared_memory;
}

/* The first of those that need no naming, with these caps. */
static const struct fw_candidate *first_fit(const struct decision *d, unsigned caps)
{
    for (int i = 0; i < d->in->chosen; i++) {
        const struct fw_candidate *c = &d->in->candidates[i];

        if (c != d->fallback && (c->backend->caps & caps) == caps && unfit(d, c) == NULL)
            return c;
    }
    return NULL;
}

/* What runs a job whose backend furrow chooses; NULL: none qualifies. */
static const struct fw_candidate *choose(const struct decision *d)
{
    const struct fw_candidate *c = NULL;

    if (!(d->place == WITHIN && d->in->cpus == 1)) { /* rule 2: a lease of one is sequential */
        if (wants_kill(d->in))
            c = first_fit(d, FURROW_CAP_KILLS);
        if (c == NULL)
            c = first_fit(d, 0);
    }
    if (c == NULL && unfit(d, d->fallback) == NULL)
        c = d->fallback;
    return c;
}

/* -- What cannot be planned --------------------------------------------- */

static void list_names(const struct fw_plan_in *in, char out[FURROW_MESSAGE])
{
    size_t used = 0;

    out[0] = '\0';
    for (int i = 0; i < in->ncandidates && used < FURROW_MESSAGE; i++)
        used += (size_t)snprintf(out + used, FURROW_MESSAGE - used, "%s%s", i > 0 ? ", " : "",
                                 in->candidates[i].backend->name);
}

static void refuse_contradiction(struct fw_plan *out)
{
    out->status = FURROW_EINVAL;
    fw_message_append(out->message,
                      "job.shared_memory and job.isolate are both set; isolated tasks cannot write "
                      "to the caller's memory: use one of them");
}

static void refuse_unknown(const struct fw_plan_in *in, struct fw_plan *out)
{
    const char *name = in->config->backend;
    size_t length = strlen(name);
    char names[FURROW_MESSAGE];

    list_names(in, names);
    out->status = FURROW_EBACKEND;
    fw_message_append(out->message, "no backend is named \"%.*s\"; use one of: %s",
                      (int)(length > 63 ? fw_text_cut(name, 63) : length), name, names);
}

static void refuse_strict(const struct decision *d, const char *why, struct fw_plan *out)
{
    out->status = FURROW_EBACKEND;
    fw_message_append(out->message, "%s may not run this job here: %s", d->named->backend->name,
                      why);
    fw_message_append(out->message, "config.strict allows no other backend");
}

/* No backend qualifies: the need, and what is wrong with each. */
static void refuse_all(const struct decision *d, struct fw_plan *out)
{
    const struct fw_plan_in *in = d->in;
    const char *need = in->isolate          ? " with job.isolate"
                       : in->shared_memory  ? " with job.shared_memory"
                       : in->shared_address ? " with a job.shared of size 0"
                                            : "";

    out->status = FURROW_EBACKEND;
    fw_message_append(out->message, "no backend may run a job%s here", need);
    for (int i = 0; i < in->ncandidates; i++) {
        const char *why = unfit(d, &in->candidates[i]);

        fw_message_append(out->message, "%s: %s", in->candidates[i].backend->name,
                          why != NULL ? why : "must be named in config.backend");
    }
}

/* -- Decisions ---------------------------------------------------------- */

static const struct fw_candidate *find(const struct fw_plan_in *in, const char *name)
{
    for (int i = 0; i < in->ncandidates; i++)
        if (strcmp(in->candidates[i].backend->name, name) == 0)
            return &in->candidates[i];
    return NULL;
}

/* Sets d->runs; false: nothing may run it, and `out` says why. */
static bool decide_backend(struct decision *d, struct fw_plan *out)
{
    const char *why = d->named != NULL ? unfit(d, d->named) : NULL;

    if (d->named != NULL && why == NULL) {
        d->runs = d->named;
        return true;
    }
    if (d->named != NULL && d->in->config->strict) {
        refuse_strict(d, why, out);
        return false;
    }
    d->runs = choose(d);
    if (d->runs == NULL)
        refuse_all(d, out);
    return d->runs != NULL;
}

static void limit(struct decision *d, int *workers, int most, const char *why)
{
    if (*workers <= most)
        return;
    *workers = most;
    d->limit = why;
}

static int decide_workers(struct decision *d)
{
    const struct fw_plan_in *in = d->in;
    int tasks = in->count < INT_MAX ? (int)in->count : INT_MAX;
    int workers;

    d->asked = fw_plan_workers(in->config->jobs, in->cpus, in->config->inner_threads);
    workers = d->asked;
    if (d->runs == d->fallback)
        return 1;
    if (d->place != OUTERMOST) /* rule 6: below level 0 nothing is oversubscribed */
        limit(d, &workers, in->cpus, "one for each CPU of the lease");
    limit(d, &workers, d->runs->capacity, "the backend has no more here");
    limit(d, &workers, tasks > 0 ? tasks : 1, "no more workers than tasks");
    return workers;
}

/* One worker of a backend that furrow chose is the fallback, unless the job
 * would lose what the backend was chosen for. */
static void spare_lone_worker(struct decision *d, const struct fw_plan *out)
{
    bool kills = wants_kill(d->in) && (d->runs->backend->caps & FURROW_CAP_KILLS);

    if (out->workers == 1 && d->runs != d->named && !kills && unfit(d, d->fallback) == NULL)
        d->runs = d->fallback;
}

/* Rule 4. */
static bool is_transparent(const struct decision *d)
{
    if (d->runs != d->fallback)
        return false;
    return d->runs == d->named || d->place == CALLBACK || (d->place == WITHIN && d->in->cpus == 1);
}

/* -- The reason --------------------------------------------------------- */

/* Why this backend. */
static const char *cause(const struct decision *d, const struct fw_plan *out)
{
    unsigned caps = d->runs->backend->caps;

    if (d->runs == d->named)
        return "named";
    if (d->place == CALLBACK)
        return "started in a callback";
    if (d->place == DEEP)
        return "levels this deep use no threads (FURROW_THREAD_LEVELS)";
    if (d->runs == d->fallback && d->place == WITHIN && d->in->cpus == 1)
        return "the lease is one CPU";
    if (d->runs == d->fallback && d->asked > 1 && d->limit == NULL)
        return "no other backend qualifies";
    if (d->runs == d->fallback)
        return "chosen for one worker";
    if (out->level == 0 && d->in->isolate)
        return "chosen, as it isolates tasks";
    if (wants_kill(d->in) && (caps & FURROW_CAP_KILLS))
        return "chosen, as it ends tasks at their time limit";
    if (d->place == WITHIN)
        return d->in->level > 0 ? "chosen, as a task may use threads within its lease"
                                : "chosen, as it may run inside a parallel region";
    return "chosen";
}

static void tell_workers(const struct decision *d, struct fw_plan *out)
{
    int n = out->workers, cpus = out->cpus;

    fw_message_append(out->reason, "%d worker%s %s %d CPU%s", n, n == 1 ? "" : "s",
                      n > cpus ? "share" : "for", cpus, cpus == 1 ? "" : "s");
    if (d->limit != NULL)
        fw_message_append(out->reason, "only %d of %d workers: %s", n, d->asked, d->limit);
}

static void tell(const struct decision *d, struct fw_plan *out)
{
    fw_message_append(out->reason, "%s: %s", out->backend->name, cause(d, out));
    tell_workers(d, out);
    if (d->named != NULL && d->runs != d->named) {
        const char *why = unfit(d, d->named);

        fw_message_append(out->reason, "not %s as asked: %s", d->named->backend->name, why);
    }
}

void fw_plan_make(const struct fw_plan_in *in, struct fw_plan *out)
{
    const char *name = in->config->backend;
    struct decision d = { .in = in,
                          .place = place_of(in),
                          .fallback = &in->candidates[in->ncandidates - 1],
                          .named = name != NULL ? find(in, name) : NULL };

    *out = (struct fw_plan){ .status = FURROW_OK,
                             .level = in->level,
                             .cpus = in->cpus,
                             .inner_threads = in->config->inner_threads };
    if (in->isolate && in->shared_memory) {
        refuse_contradiction(out);
        return;
    }
    if (name != NULL && d.named == NULL) {
        refuse_unknown(in, out);
        return;
    }
    if (!decide_backend(&d, out))
        return;
    out->workers = decide_workers(&d);
    spare_lone_worker(&d, out);
    out->backend = d.runs->backend;
    out->transparent = is_transparent(&d);
    out->replaced = d.named != NULL && d.runs != d.named && out->workers > 1;
    tell(&d, out);
}

void fw_plan_nest(struct fw_plan_in *in, const struct fw_plan *plan, int cpus)
{
    const int inner = plan->inner_threads;
    const bool isolates = (plan->backend->caps & FURROW_CAP_ISOLATES) != 0;

    in->isolated = isolates || (in->isolated && (plan->transparent || plan->workers == 1));
    in->in_callback = in->in_callback && plan->transparent;
    in->in_region = false;
    in->parent = plan->backend;
    if (plan->transparent)
        return;
    in->level = plan->level + 1;
    in->cpus = inner > 0 && inner < cpus ? inner : cpus;
}
