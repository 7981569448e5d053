/* The tasks that no node has got yet: rank 0's, where there are several nodes. */
#ifndef FW_MPI_STOCK_H
#define FW_MPI_STOCK_H

#include "runtime/ranges.h"

struct fw_stock {
    size_t begin, end;         /* never given, but for dear ones */
    size_t granule;            /* spans begin and end at multiples of it, or at the end */
    const size_t *dear, *dear_sorted; /* borrowed: tasks that go first, in the order to start them and by index */
    size_t ndear, dear_given;
    struct fw_span *back;      /* owned: given back, to be given first */
    size_t nback, room;
};

void fw_stock_open(struct fw_stock *stock, size_t count, size_t granule);
void fw_stock_close(struct fw_stock *stock);

/* Tasks still to be given. */
size_t fw_stock_left(const struct fw_stock *stock);

/* Up to `want` (>= 1) neighbouring tasks: one that goes first, else of those
 * given back, else from the low end, or the high one. False: none is left. */
bool fw_stock_take(struct fw_stock *stock, size_t want, bool high, struct fw_span *out);

/* Tasks that were given and not run. False: no memory. */
bool fw_stock_return(struct fw_stock *stock, struct fw_span span);

#endif
