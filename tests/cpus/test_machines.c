/* Machines as data: what furrow makes of each, under masks and limits, and how
 * it deals its CPUs to workers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cpus.h"
#include "runtime/lease.h"

struct row {
    const char *what;     /* name of a file of machines/, else hwloc's description */
    const char *affinity; /* list of OS indices; NULL: none */
    enum fw_unit unit;
    int max_cpus;
    /* the machine */
    int packages, nodes, cores, pus; /* with an allowed PU */
    /* what the process gets */
    int count, on_cores;
    const char *cpuset;
    /* a deal; workers 0: none */
    int workers;
    const char *shares; /* OS indices of each, in brackets */
};

static const struct row rows[] = {
    /* -- Recorded and written machines. */
    { "vm.xml", NULL, FW_UNIT_PU, 0, 1, 1, 2, 2, 2, 2, "0-1", 2, "[0][1]" },
    { "hybrid.xml", NULL, FW_UNIT_PU, 0, 1, 1, 16, 24, 24, 16, "0-23", 3, "[0-7][8-15][16-23]" },
    { "hybrid.xml", NULL, FW_UNIT_CORE, 0, 1, 1, 16, 24, 16, 16, "0,2,4,6,8,10,12,14,16-23", 2,
      "[0,2,4,6,8,10,12,14][16-23]" },
    { "hybrid.xml", "16-23", FW_UNIT_PU, 0, 1, 1, 16, 24, 8, 8, "16-23", 2, "[16-19][20-23]" },
    { "hybrid.xml", NULL, FW_UNIT_PU, 5, 1, 1, 16, 24, 5, 5, "0,2,4,6,8", 0, "" },
    { "offline0.xml", NULL, FW_UNIT_PU, 0, 1, 1, 4, 7, 7, 4, "1-7", 4, "[4][1,5][2,6][3,7]" },
    { "offline0.xml", "0,4", FW_UNIT_PU, 0, 1, 1, 4, 7, 1, 1, "4", 1, "[4]" },
    { "offline0.xml", NULL, FW_UNIT_CORE, 0, 1, 1, 4, 7, 4, 4, "1-4", 2, "[1,4][2-3]" },
    { "holes.xml", NULL, FW_UNIT_PU, 0, 2, 2, 10, 10, 10, 10, "1-3,5,7-8,10-11,13,15", 4,
      "[1-3][5,7][8,10-11][13,15]" },
    { "holes.xml", "0-7", FW_UNIT_PU, 0, 2, 2, 10, 10, 5, 5, "1-3,5,7", 2, "[1-3][5,7]" },
    { "onepackage.xml", NULL, FW_UNIT_PU, 0, 1, 1, 8, 8, 8, 8, "0-7", 3, "[0-2][3-5][6-7]" },
    { "nopackage.xml", NULL, FW_UNIT_PU, 0, 1, 1, 8, 8, 8, 8, "0-7", 3, "[0-2][3-5][6-7]" },
    { "pusonly.xml", NULL, FW_UNIT_PU, 0, 1, 1, 4, 4, 4, 4, "0-3", 4, "[0][1][2][3]" },
    { "memory.xml", NULL, FW_UNIT_PU, 0, 2, 2, 16, 16, 16, 16, "0-15", 2, "[0-7][8-15]" },
    { "hbm.xml", NULL, FW_UNIT_PU, 0, 2, 2, 8, 32, 32, 8, "0-31", 8,
      "[0-3][4-7][8-11][12-15][16-19][20-23][24-27][28-31]" },
    { "nomemory.xml", NULL, FW_UNIT_PU, 0, 2, 1, 16, 16, 16, 16, "0-15", 2, "[0-7][8-15]" },
    { "subnuma.xml", NULL, FW_UNIT_PU, 0, 2, 4, 32, 64, 64, 32, "0-63", 4,
      "[0-7,32-39][8-15,40-47][16-23,48-55][24-31,56-63]" },
    { "subnuma.xml", NULL, FW_UNIT_PU, 16, 2, 4, 32, 64, 16, 16, "0-15", 2, "[0-7][8-15]" },
    { "uneven.xml", NULL, FW_UNIT_PU, 0, 1, 1, 16, 16, 16, 16, "0-15", 7,
      "[0-2][3-5][6-7][8-9][10-11][12-13][14-15]" },

    /* -- hwloc's descriptions. */
    { "pu:1", NULL, FW_UNIT_PU, 0, 1, 1, 1, 1, 1, 1, "0", 3, "[0][0][0]" },
    { "pack:1 core:4 pu:1", NULL, FW_UNIT_PU, 0, 1, 1, 4, 4, 4, 4, "0-3", 6, "[0][1][2][3][0][1]" },
    { "pack:2 core:4 pu:2", "0", FW_UNIT_PU, 0, 2, 1, 8, 16, 1, 1, "0", 0, "" },
    { "pack:2 core:4 pu:2", "1,3,5", FW_UNIT_PU, 0, 2, 1, 8, 16, 3, 3, "1,3,5", 2, "[1,3][5]" },
    { "pack:2 core:4 pu:2", NULL, FW_UNIT_CORE, 3, 2, 1, 8, 16, 3, 3, "0,2,4", 0, "" },
    { "pack:2 core:4 pu:2(indexes=2*8:1*2)", NULL, FW_UNIT_PU, 0, 2, 1, 8, 16, 16, 8, "0-15", 2,
      "[0-3,8-11][4-7,12-15]" },
    { "pack:2 core:4 pu:2(indexes=2*8:1*2)", "0-7", FW_UNIT_PU, 0, 2, 1, 8, 16, 8, 8, "0-7", 3, "[0-2][3-5][6-7]" },
    { "pack:2 core:10 pu:4", NULL, FW_UNIT_PU, 0, 2, 1, 20, 80, 80, 20, "0-79", 20, NULL },
    { "pack:2 core:10 pu:4", NULL, FW_UNIT_PU, 30, 2, 1, 20, 80, 30, 20, NULL, 0, "" },
    { "pack:2 [numa] l3:12 core:8 pu:2", NULL, FW_UNIT_PU, 0, 2, 2, 192, 384, 384, 192, "0-383", 24, NULL },
    { "pack:2 [numa] l3:12 core:8 pu:2", "0-95,192-287", FW_UNIT_CORE, 0, 2, 2, 192, 384, 96, 96, NULL, 12, NULL },
    { "pack:2 numa:2 core:8 pu:2", NULL, FW_UNIT_PU, 0, 2, 4, 32, 64, 64, 32, "0-63", 9,
      "[0-7][8-14][15-21][22-28][29-35][36-42][43-49][50-56][57-63]" },
    { "numa:2 core:5 pu:1", NULL, FW_UNIT_PU, 0, 1, 2, 10, 10, 10, 10, "0-9", 4, "[0-2][3-4][5-7][8-9]" },
    { "numa:3 core:3 pu:1", NULL, FW_UNIT_PU, 0, 1, 3, 9, 9, 9, 9, "0-8", 6, "[0-1][2][3-4][5][6-7][8]" },
    { "pack:1 l3:2 l2:3 core:2 pu:1", NULL, FW_UNIT_PU, 0, 1, 1, 12, 12, 12, 12, "0-11", 5,
      "[0-2][3-5][6-7][8-9][10-11]" },
    { "core:3 pu:2", NULL, FW_UNIT_PU, 0, 1, 1, 3, 6, 6, 3, "0-5", 4, "[0-1][2-3][4][5]" },
    { "pack:4 core:16 pu:8", NULL, FW_UNIT_PU, 0, 4, 1, 64, 512, 512, 64, "0-511", 4,
      "[0-127][128-255][256-383][384-511]" },
};

static struct fw_topology *load(const char *what)
{
    struct fw_topology *topology = NULL;
    const bool file = strstr(what, ".xml") != NULL;
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", MACHINES, what);
    cr_assert_eq(fw_topology_create(file ? FW_MACHINE_XML : FW_MACHINE_SYNTHETIC, file ? path : what, "the test",
                                    &topology), FURROW_OK, "%s: %s", what, furrow_message());
    return topology;
}

static struct fw_cpus *limit(const struct row *row, const struct fw_topology *topology)
{
    struct fw_cpu_inputs in = { .topology = topology, .unit = row->unit, .max_cpus = row->max_cpus };
    hwloc_bitmap_t mask = hwloc_bitmap_alloc();
    struct fw_cpus *cpus = NULL;

    if (row->affinity != NULL) {
        hwloc_bitmap_list_sscanf(mask, row->affinity);
        in.affinity = mask;
    }
    cr_assert_eq(fw_cpus_create(&in, &cpus), FURROW_OK);
    hwloc_bitmap_free(mask);
    return cpus;
}

static void check_text(const struct row *row, const struct fw_cpus *cpus)
{
    int at[1024];
    char text[4096];

    for (int i = 0; i < cpus->count; i++)
        at[i] = i;
    (void)fw_lease_text(cpus, at, cpus->count, text, sizeof text);
    if (row->cpuset != NULL)
        cr_expect_str_eq(text, row->cpuset, "%s: CPUs %s, not %s", row->what, text, row->cpuset);
    cr_expect_eq(fw_cpus_cores(cpus, at, cpus->count), row->on_cores, "%s", row->what);
}

/* How many workers' shares contain the edge in front of a CPU that is no nearer
 * to the one before than `near`. */
static int straddled(const struct fw_cpus *cpus, const int *first, int workers, unsigned char near)
{
    int n = 0;

    for (int w = 0; w < workers; w++)
        for (int i = first[w] + 1; i < first[w + 1]; i++)
            n += cpus->near[i] <= near;
    return n;
}

static void check_deal(const struct row *row, const struct fw_cpus *cpus)
{
    int at[1024], first[1025], sum = 0, least = cpus->count, most = 0;
    char one[4096], *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    for (int i = 0; i < cpus->count; i++)
        at[i] = i;
    fw_lease_deal(cpus, at, cpus->count, row->workers, first);
    for (int w = 0; w < row->workers; w++) {
        const int size = fw_lease_size(first, cpus->count, row->workers, w);

        (void)fw_lease_text(cpus, at + first[w], size, one, sizeof one);
        fprintf(out, "[%s]", one);
        sum += size;
        least = size < least ? size : least;
        most = size > most ? size : most;
    }
    fclose(out);
    cr_expect(most - least <= 1, "%s: shares of %d to %d", row->what, least, most);
    cr_expect_eq(sum, row->workers > cpus->count ? row->workers : cpus->count, "%s", row->what);
    if (row->shares != NULL)
        cr_expect_str_eq(text, row->shares, "%s: dealt %s, not %s", row->what, text, row->shares);
    else
        cr_expect_eq(straddled(cpus, first, row->workers, FW_NEAR_NODE), 0, "%s: dealt %s", row->what, text);
    free(text);
}

Test(machines, give_the_right_cpus_and_shares)
{
    cr_expect_geq(sizeof rows / sizeof rows[0], 20);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct row *row = &rows[r];
        struct fw_topology *t = load(row->what);
        struct fw_cpus *cpus = limit(row, t);

        cr_expect(t->simulated && cpus->simulated && !cpus->ours, "%s is not simulated", row->what);
        cr_expect_eq(t->packages, row->packages, "%s: %d packages", row->what, t->packages);
        cr_expect_eq(t->nodes, row->nodes, "%s: %d NUMA nodes", row->what, t->nodes);
        cr_expect_eq(t->cores, row->cores, "%s: %d cores", row->what, t->cores);
        cr_expect_eq(t->allowed, row->pus, "%s: %d PUs", row->what, t->allowed);
        cr_expect_eq(cpus->count, row->count, "%s: %d CPUs", row->what, cpus->count);
        cr_expect_eq(cpus->cores, row->on_cores, "%s: on %d cores", row->what, cpus->cores);
        check_text(row, cpus);
        if (row->workers > 0)
            check_deal(row, cpus);
        fw_cpus_destroy(cpus);
        fw_topology_destroy(t);
    }
}

Test(machines, have_their_kinds_of_cores_and_memory)
{
    struct fw_topology *t = load("hybrid.xml");

    cr_expect_eq(t->nkinds, 2);
    cr_expect_str_eq(t->kind[0].name, "efficiency");
    cr_expect(t->kind[0].cores == 8 && t->kind[0].pus == 8);
    cr_expect_str_eq(t->kind[1].name, "performance");
    cr_expect(t->kind[1].cores == 8 && t->kind[1].pus == 16);
    fw_topology_destroy(t);

    t = load("memory.xml");
    cr_expect(t->nkinds == 1 && t->kind[0].cores == 16);
    cr_expect_eq(t->memory_nodes, 2);
    fw_topology_destroy(t);

    t = load("offline0.xml");
    cr_expect(t->offline == 1 && t->npus == 7);
    fw_topology_destroy(t);
}

Test(machines, that_cannot_be_had_are_errors)
{
    static const struct {
        enum fw_machine machine;
        const char *what, *says;
    } bad[] = {
        { FW_MACHINE_XML, MACHINES "/truncated.xml", "not a whole topology" },
        { FW_MACHINE_XML, MACHINES "/no_topology.xml", "not a whole topology" },
        { FW_MACHINE_XML, MACHINES "/format3.xml", "format 3" },
        { FW_MACHINE_XML, MACHINES "/nonexistent.xml", "No such file" },
        { FW_MACHINE_XML, MACHINES, "not a whole topology" },
        { FW_MACHINE_SYNTHETIC, "nonsense", "knows no machine" },
        { FW_MACHINE_SYNTHETIC, "pack:0", "knows no machine" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fw_topology *t = NULL;

        cr_expect_eq(fw_topology_create(bad[i].machine, bad[i].what, "MY_VARIABLE", &t), FURROW_EINVAL, "%s",
                     bad[i].what);
        cr_expect_null(t);
        cr_expect_not_null(strstr(furrow_message(), "MY_VARIABLE: "), "%s", furrow_message());
        cr_expect_not_null(strstr(furrow_message(), bad[i].says), "%s", furrow_message());
    }
}
