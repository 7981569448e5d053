#include "model.h"

double model_agreements(const struct machine *machine)
{
    const long long ranks = (long long)machine->nodes * machine->ranks;
    int levels = 0;

    while (1LL << levels < ranks)
        levels++;
    return machine->costs.job + levels * machine->costs.round;
}

static int cores_in_use(const struct machine *machine)
{
    return machine->cores > 0 && machine->cores < machine->ranks ? machine->cores : machine->ranks;
}

double model_stretch(const struct machine *machine)
{
    return (double)machine->ranks / cores_in_use(machine);
}

void model_judge(struct outcome *outcome, const struct machine *machine, const struct tasks *tasks)
{
    const double inside = outcome->makespan - model_agreements(machine);
    const double cores = (double)cores_in_use(machine) * machine->nodes;

    outcome->efficiency =
        outcome->makespan > 0 ? tasks_sum(tasks) / (outcome->makespan * cores) : 0.0;
    outcome->root_load = inside > 0 ? outcome->root_busy / inside : 0.0;
}
