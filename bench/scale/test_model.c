/* The model where its answer is known exactly, and where it must not fall. */
#include <math.h>
#include <stdio.h>

#include "model.h"
#include "pace.h"

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
            CHECK("no faster than the cores", out.efficiency > 0 && out.efficiency <= 1 + 1e-9);
            CHECK("rank 0 has no more than its time", out.root_load >= 0 && out.root_load <= 1);
        }
}

static void slower_network(void)
{
    struct machine machine = { 64, 16, 0, some };
    /* so many that sleeps at the ends of the job, by chance, are no matter */
    const struct tasks tasks = constant(64 * 16 * 5000, 1e5);
    double before = 0;

    for (machine.costs.latency = 1e3; machine.costs.latency < 2e9; machine.costs.latency *= 100) {
        const double now = model_nodes(&machine, &tasks, 8).makespan;

        CHECK("a network that is 100 times slower makes no job faster", now >= before * 0.97);
        before = now;
    }
    CHECK("one of seconds is felt", before > 1e9);
}

/* What one rank on each of many nodes gets, too: they have no neighbour to share
 * the last tasks with. */
static void small_nodes(void)
{
    static const enum tasks_kind kinds[] = { TASKS_CONSTANT, TASKS_LOGNORMAL, TASKS_STRAGGLER };

    for (int ranks = 1; ranks <= 3; ranks++)
        for (int nodes = 1; nodes <= 5; nodes++)
            for (size_t count = 1; count <= 60; count++)
                for (int k = 0; k < 3; k++) {
                    const struct machine machine = { nodes, ranks, 0, none };
                    const struct tasks tasks = { kinds[k], count, 1e7, 20, 7 };
                    const struct outcome out = model_nodes(&machine, &tasks, 0);

                    CHECK("every task once on small nodes", out.ran == count);
                    CHECK("small nodes are no faster than their cores", out.efficiency <= 1 + 1e-9);
                }
}

/* The flow against the claims: the same ranks on one node, claim by claim. */
static void flow_like_claims(void)
{
    enum { SEEDS = 8 };
    static const struct {
        const char *what;
        enum tasks_kind kind;
        int nodes, ranks, each; /* ranks: of a node; each: tasks of a rank */
        double mean, within;
    } rows[] = {
        { "constant, 10 us", TASKS_CONSTANT, 1, 16, 40000, 1e4, 0.01 },
        { "constant, 100 us", TASKS_CONSTANT, 1, 16, 4000, 1e5, 0.01 },
        { "constant, 1 ms", TASKS_CONSTANT, 1, 16, 400, 1e6, 0.01 },
        { "constant, 10 ms", TASKS_CONSTANT, 1, 16, 40, 1e7, 0.01 },
        { "constant, 1 s", TASKS_CONSTANT, 1, 16, 8, 1e9, 0.01 },
        { "lognormal, 10 us", TASKS_LOGNORMAL, 1, 16, 40000, 1e4, 0.01 },
        { "lognormal, 1 ms", TASKS_LOGNORMAL, 1, 16, 2000, 1e6, 0.01 },
        { "lognormal, 10 ms", TASKS_LOGNORMAL, 1, 16, 200, 1e7, 0.02 },
        { "lognormal, 1 s, few", TASKS_LOGNORMAL, 1, 16, 20, 1e9, 0.05 },
        { "2 nodes, 100 us", TASKS_CONSTANT, 2, 2, 10000, 1e5, 0.01 },
        { "3 nodes, 100 us", TASKS_CONSTANT, 3, 2, 10000, 1e5, 0.01 },
        { "4 nodes, 100 us", TASKS_CONSTANT, 4, 2, 10000, 1e5, 0.01 },
        { "2 nodes, 1 ms", TASKS_CONSTANT, 2, 4, 1000, 1e6, 0.01 },
        { "3 nodes, 10 ms", TASKS_CONSTANT, 3, 4, 100, 1e7, 0.01 },
        { "4 nodes of one rank, 1 ms", TASKS_CONSTANT, 4, 1, 1000, 1e6, 0.01 },
        { "4 nodes of one rank, 100 ms", TASKS_CONSTANT, 4, 1, 20, 1e8, 0.01 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const int ranks = rows[i].nodes * rows[i].ranks;
        const struct machine many = { rows[i].nodes, rows[i].ranks, 0, some },
                             one = { 1, ranks, 0, some };
        const int seeds = rows[i].kind == TASKS_LOGNORMAL ? SEEDS : 1;
        struct tasks tasks = { rows[i].kind, (size_t)ranks * (size_t)rows[i].each, rows[i].mean, 1,
                               0 };
        double flow = 0, claims = 0;

        /* which of the long tasks comes last is a matter of chance */
        while (tasks.seed++ < (uint64_t)seeds) {
            flow += model_nodes(&many, &tasks, 0).makespan / seeds;
            claims += model_node(&one, &tasks).makespan / seeds;
        }

        if (!near(flow, claims, rows[i].within))
            printf("%s: %g s as a flow, %g s claim by claim\n", rows[i].what, flow * 1e-9,
                   claims * 1e-9);
        CHECK("a flow takes as long as its claims", near(flow, claims, rows[i].within));
    }
}

/* Rank 0's and the leaders' rule of how fast a node is. */
static void rates(void)
{
    struct fw_pace_rate rate = { .at = 1000 };

    fw_pace_measure(&rate, 1000 + 1999999, 50);
    CHECK("too early to say", rate.per_second <= 0 && rate.begun == 0);
    fw_pace_measure(&rate, 1000 + 10000000, 0);
    CHECK("nothing begun says nothing", rate.per_second <= 0 && rate.at == 1000);
    fw_pace_measure(&rate, 1000 + 10000000, 100);
    CHECK("the first one as it is", near(rate.per_second, 1e4, 1e-12));
    fw_pace_measure(&rate, 1000 + 20000000, 400);
    CHECK("half of the latest, half of those before", near(rate.per_second, 2e4, 1e-12));
    CHECK("and counts from there", rate.begun == 400 && rate.at == 1000 + 20000000);
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
    small_nodes();
    flow_like_claims();
    rates();
    return failures > 0;
}
