/* What a thread remembers of its last jobs, so that a job like one before need
 * not be thought about again: what was decided, the leases, the block of memory
 * it ran in, and how long its tasks took.
 *
 * A job that all threads take part in lasts a microsecond and a small one less
 * than a wake-up, while a plan with its sentence takes several. Entries belong
 * to one thread: nothing is shared, nothing locked. A job that runs owns its
 * entry; jobs inside its tasks use those of the next depth. Only jobs of
 * threads are remembered. What is kept is memory of this thread alone, given
 * back when it ends. */
#ifndef FW_HABIT_H
#define FW_HABIT_H

#include "seat.h"

/* Everything the decision depends on, but for the CPUs that are free. Compared
 * as bytes. */
struct fw_habit_key {
    /* The job. */
    furrow_task_fn run;
    furrow_range_fn body;
    size_t in_size, out_size;
    size_t count; /* up to a number that limits no workers */
    unsigned job_bits;
    /* How it is to be run. */
    const furrow_backend *named;
    int named_capacity;
    int jobs, inner_threads, retries, bind;
    size_t batch;
    double timeout;
    unsigned config_bits;
    /* Where it starts. */
    unsigned place_bits;
    const furrow_backend *parent;
    const struct fw_cpus *cpus_then; /* the process's: ranks deal them out later (fw_cpus_dealt()) */
    const int *at;
    int level, cpus, team;
};

/* How long the tasks of such jobs take. */
struct fw_evidence {
    uint64_t longest_ns; /* no task of the last jobs took longer; 0: unknown */
    bool cold;           /* measured after a pause: more than it would be in a row of jobs */
};

/* After a pause caches are cold, the CPU's clock is low and what it does first
 * takes microseconds more, once a job. */
enum { FW_PAUSE_NS = 1000000, FW_COLD_NS = 25000 };

/* What is known after one more job, whose longest task took `ns` >= 1. It fades,
 * so that one slow moment is forgotten; what a pause may explain is not counted.
 * Pure. */
struct fw_evidence fw_evidence_after(struct fw_evidence before, uint64_t ns, bool paused);

/* What is looked at in all entries comes first. */
struct fw_habit {
    const void *user, *shared; /* of the job; another one has no evidence here */
    uint64_t used;             /* when, in jobs of this thread; 0: never */
    unsigned again;            /* jobs with the same two since the first of them */
    bool known;                /* `all_free`, `plan` and `at` hold for the key */
    struct fw_habit_key key;
    bool all_free;            /* no other job held a CPU when it was decided */
    struct fw_plan plan;
    int *at;                  /* owned: places of the CPUs that it leases */
    struct furrow_work *work; /* owned: the block of the last job; NULL: none was kept */
    bool kept;                /* the block is */
    struct fw_evidence tasks; /* how long they take */
    bool paused;              /* the last job started after a pause */
    bool has_asked;           /* `asked` is what the last job was given as its config */
    furrow_config asked;      /* its backend is the registry's text, or NULL */
    bool seated;              /* `seat` is the caller's, as the last small job left it */
    struct fw_seat seat;
};

/* This thread's entry for such a job: a known one, or one that is free to
 * learn. Where all are taken, one of the same kind whose `user` or `shared` never
 * came again: its plan and block hold, its evidence does not. The newest of them, whose
 * block is in the cache; data that come once push nothing else out. NULL: none is
 * kept for it. */
struct fw_habit *fw_habit_find(const struct fw_request *request, const struct fw_context *caller, int team);

/* The same for a job that differs from the last one of its entry by nothing that
 * validation and decision look at, in a place like the last one's: what was found
 * right then is right now. `body`: of a loop, or NULL. NULL: it has to be thought
 * about. */
struct fw_habit *fw_habit_same(const furrow_job *job, furrow_range_fn body, const furrow_config *config,
                               const struct fw_context *caller, int team);

/* This thread had no job for FW_PAUSE_NS before `now` (ticks.h); or none ever. */
bool fw_habit_paused(uint64_t now);

/* A job of this thread is over, at `now`. */
void fw_habit_ended(uint64_t now);

/* Learns what was decided, for plan->cpus places; `known` stays false where it
 * is not kept. all_free: as in the struct. */
void fw_habit_learn(struct fw_habit *habit, const struct fw_plan *plan, const int *at, bool all_free);

/* The job in habit->work is over: keeps the block where it can be used again,
 * else closes it, and what it says of the length of its tasks. */
void fw_habit_keep(struct fw_habit *habit);

/* The entry that this thread's last job of level 0 used; NULL: it remembers none.
 * For tests. */
struct fw_habit *fw_habit_last(void);

/* Gives back all that this thread remembers: what happens at its end. */
void fw_habit_forget(void);

#endif
