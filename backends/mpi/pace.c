#include "pace.h"

/* Seconds of work in a chunk; longer where there are so many nodes that rank 0
 * would have no rest. docs/scaling.md has the figures. */
static const double chunk_seconds = 0.040, per_node_seconds = 50e-6;

/* Seconds of work left from which on a node asks for more. */
static const double low_water = 0.010;

enum { FIRST = 4 };

void fw_pace_measure(struct fw_pace_rate *rate, uint64_t now, uint64_t begun)
{
    const double seconds = (double)(now - rate->at) * 1e-9;
    double latest;

    if (seconds < 0.002 || begun <= rate->begun)
        return;
    latest = (double)(begun - rate->begun) / seconds;
    rate->per_second = rate->per_second > 0 ? 0.5 * rate->per_second + 0.5 * latest : latest;
    rate->at = now;
    rate->begun = begun;
}

size_t fw_pace_chunk(double rate, int workers, int all, int nodes, size_t left)
{
    const double many = per_node_seconds * nodes;
    const double seconds = chunk_seconds > many ? chunk_seconds : many;
    const double by_time = rate > 0 ? rate * seconds : (double)FIRST * workers;
    const double by_rest = (double)left * workers / all / 2 + 1;
    const double n = by_time < by_rest ? by_time : by_rest;

    return n > 1 ? (size_t)n : 1;
}

double fw_pace_low_mark(int workers, double rate)
{
    const double by_time = rate * low_water;

    return by_time > workers ? by_time : workers;
}

bool fw_pace_low(size_t left, int workers, double rate)
{
    return (double)left <= fw_pace_low_mark(workers, rate);
}

struct fw_pace_looks fw_pace_looks(int ranks, int cpus)
{
    const struct fw_pace_looks alone = { 16, 64 }, crowded = { 1, 0 };

    return ranks > cpus ? crowded : alone;
}

uint64_t fw_pace_sleep(uint64_t waited)
{
    const uint64_t least = 20000, most = 1000000, ns = waited / 64;

    return ns < least ? least : ns > most ? most : ns;
}

uint64_t fw_pace_ship(int nodes)
{
    const uint64_t least = 2000000, all = (uint64_t)(per_node_seconds * 1e9 * nodes);

    return all > least ? all : least;
}

uint64_t fw_pace_patience(void)
{
    return 2000000;
}
