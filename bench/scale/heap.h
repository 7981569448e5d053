/* Events in the order of their times; at equal times in the order they were
 * added, so that a run with the same seed is the same run. */
#ifndef SCALE_HEAP_H
#define SCALE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
    double at; /* ns */
    uint64_t order;
    int kind, who;
    double value[2];
    uint64_t number;
};

struct heap {
    struct event *event; /* owned */
    size_t used, room;
    uint64_t order;
};

/* Ends the program with a sentence where there is no memory. */
void heap_add(struct heap *heap, struct event event);
bool heap_take(struct heap *heap, struct event *out);
void heap_close(struct heap *heap);

#endif
