/* The model where its answer is known exactly, and where it must not fall. */
#include <math.h>
#include <stdio.h>

#include "model.h"

static int failures;

#define CHECK(what, fine)                                                                          \
    ((fine) ? (void)0 : (void)(failures++, printf("%s:%d: %s\n", __FILE__, __LINE__, what)))

static const struct costs none = { 0 };
static const struct costs some = { .claim = 40,
                                   .steal = 100,
                                   .look = 5,
                                   .job = 20000,
                                   .round = 10000,
                                   .handle = 1500,
                                   .byte = 0.1,
                                   .latency = 2000 };

static struct tasks constant(size_t count, double mean)
{
    return (struct tasks){ TASKS_CONSTANT, count, mean, 1, 7 };
}

static bool near(double a, double b, double part)
{
    return fabs(a - b) <= part * fabs(b);
}

/* Long tasks are claimed one by one: each costs itself and a claim. */
static void one_rank(void)
{
    const struct machine machine = { 1, 1, 0, some };
    const struct tasks tasks = constant(100, 1e6);
    const struct outcome out = model_node(&machine, &tasks);

    CHECK("one rank: the sum, its claims and the job",
          near(out.makespan, 100 * (1e6 + 40) + 20000, 1e-12));
    CHECK("every task once", out.ran == 100);
}

static void whole_rounds(void)
{
    for (int ranks = 1; ranks <= 9; ranks++)
        for (size_t count = 1; count <= 40; count++) {
            const struct machine machine = { 1, ranks, 0, none };
            const struct tasks tasks = constant(count, 1e6);
            const struct outcome out = model_node(&machine, &tasks);
            const size_t rounds = (count + (size_t)ranks - 1) / (size_t)ranks;

            CHECK("equal tasks take whole rounds", near(out.makespan, (double)rounds * 1e6, 1e-9));
            CHECK("every task once", out.ran == count);
        }
}

static void shared_cores(void)
{
    const struct machine machine = { 1, 4, 2, none };
    const struct tasks tasks = constant(400, 1e6);
    const struct outcome out = model_node(&machine, &tasks);

    CHECK("four ranks on two cores are as fast as two", near(out.makespan, 200e6, 1e-9));
    CHECK("and use both", near(out.efficiency, 1.0, 1e-9));
}

/* The last range is walked backwards: a long last task starts first. */
static void straggler_last(void)
{
    const struct machine machine = { 1, 8, 0, none };
    const struct tasks tasks = { TASKS_STRAGGLER, 801, 1e6, 50, 7 };
    const struct outcome out = model_node(&machine, &tasks);

    CHECK("a straggler at the end costs nothing", near(out.makespan, ceil(850.0 / 8) * 1e6, 0.01));
}

static void everywhere(enum tasks_kind kind)
{
    static const int nodes[] = { 1, 2, 7, 64 };
    static const double means[] = { 1e4, 1e6, 1e8 };

    for (int n = 0; n < 4; n++)
        for (int m = 0; m < 3; m++) {
            const struct machine machine = { nodes[n], 16, 0, some };
            const struct tasks tasks = { kind, (size_t)nodes[n] * 16 * 50, means[m], 20, 7 };
            const struct outcome out = model_nodes(&machine, &tasks, 8),
                                 again = model_nodes(&machine, &tasks, 8);

            CHECK("every task once", out.ran == tasks.count);
            CHECK("the same seed, the same run",
                  out.makespan <= again.makespan && out.makespan >= again.makespan);
            CHECK("no faster than the cores, but for what is left of the last tasks",
                  out.efficiency > 0 && out.efficiency <= 1.03);
            CHECK("rank 0 has no more than its time", out.root_load >= 0 && out.root_load <= 1);
        }
}

static void slower_network(void)
{
    struct machine machine = { 64, 16, 0, some };
    const struct tasks tasks = constant(64 * 16 * 500, 1e5);
    double before = 0;

    for (machine.costs.latency = 1e3; machine.costs.latency < 2e9; machine.costs.latency *= 100) {
        const double now = model_nodes(&machine, &tasks, 8).makespan;

        CHECK("a network that is 100 times slower makes no job faster", now >= before * 0.97);
        before = now;
    }
    CHECK("one of seconds is felt", before > 1e9);
}

/* The flow against the claims, where both can be had. */
static void flow_like_claims(void)
{
    for (double mean = 1e4; mean < 2e7; mean *= 10) {
        const struct machine machine = { 1, 16, 0, some };
        const struct tasks tasks = constant((size_t)(16 * 4e8 / mean), mean);
        const double flow = model_nodes(&machine, &tasks, 0).makespan,
                     claims = model_node(&machine, &tasks).makespan;

        CHECK("one node as a flow is within 5 %", near(flow, claims, 0.05));
    }
}

int main(void)
{
    one_rank();
    whole_rounds();
    shared_cores();
    straggler_last();
    everywhere(TASKS_CONSTANT);
    everywhere(TASKS_LOGNORMAL);
    everywhere(TASKS_STRAGGLER);
    slower_network();
    flow_like_claims();
    return failures > 0;
}
