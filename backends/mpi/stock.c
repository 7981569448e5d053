#include "stock.h"

#include <string.h>

#include "runtime/engine.h"

void fw_stock_open(struct fw_stock *stock, size_t count, size_t granule)
{
    *stock = (struct fw_stock){ .end = count, .granule = granule };
}

void fw_stock_close(struct fw_stock *stock)
{
    fw_free(stock->back);
    stock->back = NULL;
}

/* How many dear tasks lie below `index`. */
static size_t dear_below(const struct fw_stock *stock, size_t index)
{
    return fw_dear_below(stock->dear_sorted, stock->ndear, index);
}

size_t fw_stock_left(const struct fw_stock *stock)
{
    size_t left = stock->end - stock->begin + stock->ndear - stock->dear_given;

    left -= dear_below(stock, stock->end) - dear_below(stock, stock->begin);
    for (size_t i = 0; i < stock->nback; i++)
        left += stock->back[i].end - stock->back[i].begin;
    return left;
}

/* Dear tasks at the ends of what is left were given by themselves. */
static void skip_dear(struct fw_stock *stock)
{
    size_t lo = dear_below(stock, stock->begin), hi = dear_below(stock, stock->end);

    while (lo < hi && stock->dear_sorted[lo] == stock->begin) {
        stock->begin++;
        lo++;
    }
    while (lo < hi && stock->dear_sorted[hi - 1] + 1 == stock->end) {
        stock->end--;
        hi--;
    }
}

/* `want` in whole granules. */
static size_t whole(const struct fw_stock *stock, size_t want)
{
    const size_t granules = want / stock->granule + (want % stock->granule != 0);

    return granules > SIZE_MAX / 2 / stock->granule ? SIZE_MAX / 2 : granules * stock->granule;
}

/* One end of `from`, which shrinks. */
static struct fw_span cut(struct fw_span *from, size_t n, bool high)
{
    const size_t length = from->end - from->begin;
    struct fw_span part = *from;

    if (n >= length) {
        from->begin = from->end;
    } else if (high) {
        part.begin = from->end - n;
        from->end = part.begin;
    } else {
        part.end = from->begin + n;
        from->begin = part.end;
    }
    return part;
}

static bool take_back(struct fw_stock *stock, size_t want, struct fw_span *out)
{
    struct fw_span *from;

    if (stock->nback == 0)
        return false;
    from = &stock->back[stock->nback - 1];
    *out = cut(from, whole(stock, want), false);
    if (from->begin == from->end)
        stock->nback--;
    return true;
}

/* Without the dear ones, which go by themselves. */
static bool take_end(struct fw_stock *stock, size_t want, bool high, struct fw_span *out)
{
    struct fw_span left;
    size_t lo, hi;

    skip_dear(stock);
    if (stock->begin == stock->end)
        return false;
    lo = dear_below(stock, stock->begin);
    hi = dear_below(stock, stock->end);
    left = (struct fw_span){ stock->begin, stock->end };
    high = high && stock->granule == 1; /* the last granule may be short */
    if (lo < hi && high)
        left.begin = stock->dear_sorted[hi - 1] + 1;
    else if (lo < hi)
        left.end = stock->dear_sorted[lo];
    *out = cut(&left, whole(stock, want), high);
    if (high)
        stock->end = out->begin;
    else
        stock->begin = out->end;
    return true;
}

bool fw_stock_take(struct fw_stock *stock, size_t want, bool high, struct fw_span *out)
{
    if (stock->dear_given < stock->ndear) {
        const size_t index = stock->dear[stock->dear_given++];

        *out = (struct fw_span){ index, index + 1 };
        return true;
    }
    return take_back(stock, want, out) || take_end(stock, want, high, out);
}

bool fw_stock_return(struct fw_stock *stock, struct fw_span span)
{
    if (span.begin >= span.end)
        return true;
    if (stock->nback == stock->room) {
        const size_t room = stock->room > 0 ? 2 * stock->room : 64;
        struct fw_span *more = fw_malloc(room * sizeof *more);

        if (more == NULL)
            return false;
        if (stock->nback > 0)
            memcpy(more, stock->back, stock->nback * sizeof *more);
        fw_free(stock->back);
        stock->back = more;
        stock->room = room;
    }
    stock->back[stock->nback++] = span;
    return true;
}
