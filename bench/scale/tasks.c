#include "tasks.h"

#include <math.h>

double tasks_chance(uint64_t seed, uint64_t number)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + (number + 1) * 0xbf58476d1ce4e5b9u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (double)((x ^ x >> 31) >> 11) * 0x1p-53;
}

/* exp(z - 1/2) of a standard normal z has the mean 1. */
static double lognormal(uint64_t seed, size_t index)
{
    const double tau = 6.283185307179586;
    const double u = 1.0 - tasks_chance(seed, 2 * index), v = tasks_chance(seed, 2 * index + 1);

    return exp(sqrt(-2.0 * log(u)) * cos(tau * v) - 0.5);
}

double tasks_length(const struct tasks *tasks, size_t index)
{
    switch (tasks->kind) {
    case TASKS_LOGNORMAL:
        return tasks->mean * lognormal(tasks->seed, index);
    case TASKS_STRAGGLER:
        return index + 1 == tasks->count ? tasks->mean * tasks->factor : tasks->mean;
    case TASKS_CONSTANT:
        break;
    }
    return tasks->mean;
}

double tasks_sum(const struct tasks *tasks)
{
    const size_t most = 10000000;
    double sum = 0.0;

    if (tasks->kind == TASKS_STRAGGLER && tasks->count > 0)
        return tasks->mean * ((double)(tasks->count - 1) + tasks->factor);
    if (tasks->kind == TASKS_CONSTANT || tasks->count > most)
        return tasks->mean * (double)tasks->count;
    for (size_t i = 0; i < tasks->count; i++)
        sum += tasks_length(tasks, i);
    return sum;
}
