/* How long tasks are: a pure function of their index and the seed. */
#ifndef SCALE_TASKS_H
#define SCALE_TASKS_H

#include <stddef.h>
#include <stdint.h>

enum tasks_kind {
    TASKS_CONSTANT,
    TASKS_LOGNORMAL, /* sigma 1, the mean as given */
    TASKS_STRAGGLER  /* the last one is `factor` times as long as the others */
};

struct tasks {
    enum tasks_kind kind;
    size_t count;
    double mean; /* ns; of all but the straggler */
    double factor;
    uint64_t seed;
};

double tasks_length(const struct tasks *tasks, size_t index);

/* Of all of them: exact, or `count` times the mean of a lognormal where there
 * are more than ten million. */
double tasks_sum(const struct tasks *tasks);

/* 0 <= x < 1 by number, as if by chance. */
double tasks_chance(uint64_t seed, uint64_t number);

#endif
