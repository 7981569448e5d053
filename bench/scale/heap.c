#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

static bool before(const struct event *a, const struct event *b)
{
    return a->at < b->at || (!(b->at < a->at) && a->order < b->order);
}

static void grow(struct heap *heap)
{
    if (heap->used < heap->room)
        return;
    heap->room = heap->room > 0 ? 2 * heap->room : 1024;
    heap->event = realloc(heap->event, heap->room * sizeof *heap->event);
    if (heap->event == NULL) {
        fprintf(stderr, "scale: no memory for %zu events; take fewer nodes\n", heap->room);
        exit(1);
    }
}

void heap_add(struct heap *heap, struct event event)
{
    size_t i;

    grow(heap);
    event.order = heap->order++;
    for (i = heap->used++; i > 0 && before(&event, &heap->event[(i - 1) / 2]); i = (i - 1) / 2)
        heap->event[i] = heap->event[(i - 1) / 2];
    heap->event[i] = event;
}

bool heap_take(struct heap *heap, struct event *out)
{
    struct event last;
    size_t i = 0;

    if (heap->used == 0)
        return false;
    *out = heap->event[0];
    last = heap->event[--heap->used];
    for (size_t child = 1; child < heap->used; child = 2 * i + 1) {
        if (child + 1 < heap->used && before(&heap->event[child + 1], &heap->event[child]))
            child++;
        if (!before(&heap->event[child], &last))
            break;
        heap->event[i] = heap->event[child];
        i = child;
    }
    if (heap->used > 0)
        heap->event[i] = last;
    return true;
}

void heap_close(struct heap *heap)
{
    free(heap->event);
    *heap = (struct heap){ 0 };
}
