/* A run of the model on nodes: what rank 0 (rank0.c) and the leaders (leaders.c)
 * have in common is events and letters. */
#ifndef SCALE_NODES_H
#define SCALE_NODES_H

#include "flow.h"
#include "heap.h"
#include "model.h"
#include "stock.h"

enum kind { PASS, LOOK, TO_ROOT, TO_NODE, NOTICED };
enum letter { TASKS, RECALL, END, WANTED, UNRUN, RESULTS, BYE };

struct leader {
    struct flow flow;
    bool wanted, told_empty, ended;
    uint64_t heard;
    uint64_t look; /* number of the look that is due */
    double moved, free_at, shipped, shipped_at;
};

/* A node as rank 0 sees it. */
struct view {
    uint64_t sent;
    double rate, rest;
    bool wants, empty, asked;
};

struct sim {
    const struct machine *machine;
    const struct tasks *tasks;
    size_t out_size;
    struct heap heap;
    struct fw_stock stock;
    struct leader *leader; /* owned, as the two below */
    struct view *view;
    struct event *inbox;
    size_t head, tail, room;
    int wants, empty, asked; /* how many views say so */
    int turn;                /* the node that gets tasks first: not the one that gave back last */
    bool pass_due, over;
    double moved, free_at, done;
    int byes;
    uint64_t draws;
    struct outcome outcome;
};

/* What is left, by chance, of the sleep of one that has found nothing since `moved`. */
double sim_sleep_left(struct sim *s, double now, double moved);

void sim_post(struct sim *s, double at, int kind, int node, enum letter letter, double a, double b,
              uint64_t c);
enum letter sim_letter(const struct event *event);

/* A leader's turn, and a letter that it reads. */
void leader_look(struct sim *s, int node, double now);
void leader_notice(struct sim *s, int node, double now, const struct event *event);

/* Rank 0's turn, and a letter that arrives there. */
void rank0_pass(struct sim *s, double now);
void rank0_arrive(struct sim *s, const struct event *event);
void rank0_plan_pass(struct sim *s, double at);

/* Memory, or the end of the program with a sentence. */
void *sim_need(void *old, size_t bytes);

#endif
