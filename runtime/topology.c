#include "topology.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* -- What hwloc knows ---------------------------------------------------- */

static int index_of(hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_obj_t pu)
{
    hwloc_obj_t parent = hwloc_get_ancestor_obj_by_type(topology, type, pu);

    return parent != NULL ? (int)parent->logical_index : -1;
}

/* The part of the machine that is nearest to the same memory as `obj`. */
static hwloc_obj_t memory_parent(hwloc_obj_t obj)
{
    while (obj != NULL && obj->memory_first_child == NULL)
        obj = obj->parent;
    return obj;
}

/* The NUMA node there; a machine may have memory in front of it. */
static int node_of(hwloc_obj_t pu)
{
    hwloc_obj_t child = memory_parent(pu);

    for (child = child != NULL ? child->memory_first_child : NULL; child != NULL;
         child = child->memory_first_child)
        if (child->type == HWLOC_OBJ_NUMANODE)
            return (int)child->logical_index;
    return 0;
}

/* By what is around both PUs in the tree. */
static enum fw_near nearest_cache(hwloc_obj_t common)
{
    for (; common != NULL; common = common->parent) {
        if (common->type == HWLOC_OBJ_CORE)
            return FW_NEAR_CORE;
        if (common->type == HWLOC_OBJ_L1CACHE || common->type == HWLOC_OBJ_L2CACHE)
            return FW_NEAR_L2;
        if (hwloc_obj_type_is_dcache(common->type))
            return FW_NEAR_L3;
    }
    return FW_NEAR_NODE;
}

static enum fw_near near_of(hwloc_topology_t topology, const struct fw_pu *a, const struct fw_pu *b,
                            hwloc_obj_t at_a, hwloc_obj_t at_b)
{
    if (a->package != b->package)
        return FW_NEAR_MACHINE;
    if (memory_parent(at_a) != memory_parent(at_b))
        return FW_NEAR_PACKAGE;
    return nearest_cache(hwloc_get_common_ancestor_obj(topology, at_a, at_b));
}

/* -- Core kinds ---------------------------------------------------------- */

#if HWLOC_API_VERSION >= 0x00020400
static void name_kind(struct fw_core_kind *kind, int number, unsigned ninfos,
                      struct hwloc_info_s *infos)
{
    (void)snprintf(kind->name, sizeof kind->name, "kind %d", number);
    for (unsigned i = 0; i < ninfos; i++) {
        if (strcmp(infos[i].name, "CoreType") != 0)
            continue;
        if (strcmp(infos[i].value, "IntelCore") == 0)
            (void)snprintf(kind->name, sizeof kind->name, "performance");
        else if (strcmp(infos[i].value, "IntelAtom") == 0)
            (void)snprintf(kind->name, sizeof kind->name, "efficiency");
        else
            fw_text_copy(kind->name, sizeof kind->name, infos[i].value);
    }
}

static void find_kinds(hwloc_topology_t topology, struct fw_topology *out)
{
    const int n = hwloc_cpukinds_get_nr(topology, 0);
    hwloc_bitmap_t set = hwloc_bitmap_alloc();

    for (int k = 0; set != NULL && k < n && k < FW_CORE_KINDS; k++) {
        struct fw_core_kind *kind = &out->kind[k];
        unsigned ninfos = 0;
        struct hwloc_info_s *infos = NULL;

        if (hwloc_cpukinds_get_info(topology, (unsigned)k, set, &kind->efficiency, &ninfos, &infos,
                                    0) != 0)
            break;
        name_kind(kind, k, ninfos, infos);
        out->nkinds = k + 1;
        for (int i = 0; i < out->npus; i++)
            if (hwloc_bitmap_isset(set, (unsigned)out->pu[i].os))
                out->pu[i].kind = k;
    }
    hwloc_bitmap_free(set);
}
#else
static void find_kinds(hwloc_topology_t topology, struct fw_topology *out)
{
    (void)topology, (void)out;
}
#endif

/* One kind or none known: all cores are alike. */
static void settle_kinds(struct fw_topology *out)
{
    if (out->nkinds > 1)
        return;
    out->nkinds = 1;
    out->kind[0] = (struct fw_core_kind){ .name = "all alike", .efficiency = -1 };
    for (int i = 0; i < out->npus; i++)
        out->pu[i].kind = 0;
}

/* -- Counting ------------------------------------------------------------ */

/* Whether an allowed PU before place `i` is nearest to the same node. */
static bool node_counted(const struct fw_topology *t, int i)
{
    for (int j = i - 1; j >= 0; j--)
        if (t->pu[j].allowed && t->pu[j].node == t->pu[i].node)
            return true;
    return false;
}

static void count(struct fw_topology *t)
{
    const struct fw_pu *before = NULL; /* the PUs of a core or package stand together */

    for (int i = 0; i < t->npus; i++) {
        const struct fw_pu *pu = &t->pu[i];
        const bool core = before == NULL || before->core != pu->core;

        if (!pu->allowed)
            continue;
        t->allowed++;
        t->cores += core;
        t->packages += before == NULL || before->package != pu->package;
        t->nodes += (before == NULL || before->node != pu->node) && !node_counted(t, i);
        t->kind[pu->kind].pus++;
        t->kind[pu->kind].cores += core;
        before = pu;
    }
}

/* NUMA nodes of the machine that are no PU's nearest, whether it is allowed or not. */
static int count_memory_nodes(hwloc_topology_t topology, const struct fw_topology *t)
{
    const int all = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    int alone = 0;

    for (int n = 0; n < all; n++) {
        bool near = false;

        for (int i = 0; i < t->npus && !near; i++)
            near = t->pu[i].node == n;
        alone += !near;
    }
    return alone;
}

/* -- Loading ------------------------------------------------------------- */

static void fill_pu(hwloc_topology_t topology, hwloc_obj_t pu, struct fw_pu *out)
{
    const int core = index_of(topology, HWLOC_OBJ_CORE, pu);
    const int package = index_of(topology, HWLOC_OBJ_PACKAGE, pu);
    const int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);

    *out =
        (struct fw_pu){ .os = (int)pu->os_index,
                        .core = core >= 0 ? core : (cores > 0 ? cores : 0) + (int)pu->logical_index,
                        .package = package,
                        .node = node_of(pu),
                        .allowed = hwloc_bitmap_isset(hwloc_topology_get_allowed_cpuset(topology),
                                                      pu->os_index) != 0 };
}

static void fill(hwloc_topology_t topology, struct fw_topology *out)
{
    hwloc_obj_t before = NULL;

    for (int i = 0; i < out->npus; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, (unsigned)i);

        fill_pu(topology, pu, &out->pu[i]);
        if (before != NULL)
            out->pu[i].near =
                (unsigned char)near_of(topology, &out->pu[i - 1], &out->pu[i], before, pu);
        before = pu;
    }
    out->simulated = !hwloc_topology_is_thissystem(topology);
    out->offline = hwloc_bitmap_weight(hwloc_topology_get_complete_cpuset(topology)) -
                   hwloc_bitmap_weight(hwloc_topology_get_topology_cpuset(topology));
    find_kinds(topology, out);
    settle_kinds(out);
    count(out);
    out->memory_nodes = count_memory_nodes(topology, out);
}

static struct fw_topology *extract(hwloc_topology_t topology)
{
    const int npus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    struct fw_topology *out;

    if (npus < 1)
        return NULL;
    out =
        malloc(sizeof *out +
               (size_t)npus * sizeof *out->pu); /* often kept for the process's life: not counted */
    if (out == NULL)
        return NULL;
    *out = (struct fw_topology){ .npus = npus, .pu = (struct fw_pu *)(void *)(out + 1) };
    fill(topology, out);
    return out;
}

/* The major format of a topology's XML; 0: not told within the first lines. */
static int xml_format(const char *path)
{
    char head[1024];
    FILE *file = fopen(path, "re");
    size_t length = file != NULL ? fread(head, 1, sizeof head - 1, file) : 0;
    const char *at;
    int major = 0;

    if (file != NULL)
        (void)fclose(file);
    head[length] = '\0';
    at = strstr(head, "<topology");
    if (at != NULL && sscanf(at, "<topology version=\"%d", &major) != 1)
        major = 0;
    return major;
}

static furrow_status refuse_xml(const char *path, const char *asked_by)
{
    const int major = xml_format(path), known = HWLOC_API_VERSION >> 16;

    if (major > known)
        return fw_fail(
            FURROW_EINVAL,
            "%s: %s is in hwloc's format %d and this hwloc reads formats up to %d; write it "
            "with an hwloc %d",
            asked_by, path, major, known, known);
    return fw_fail(
        FURROW_EINVAL,
        "%s: %s is not a whole topology that hwloc can read; write it anew with \"lstopo "
        "FILE.xml\" on that machine",
        asked_by, path);
}

static furrow_status refuse_synthetic(const char *what, const char *asked_by)
{
    return fw_fail(FURROW_EINVAL,
                   "%s: hwloc knows no machine \"%.60s\"; write one that ends with PUs, like "
                   "\"pack:2 numa:2 core:8 pu:2\"",
                   asked_by, what);
}

static furrow_status choose(hwloc_topology_t topology, enum fw_machine machine, const char *what,
                            const char *asked_by)
{
    FILE *file;

    switch (machine) {
    case FW_MACHINE_XML:
        file = fopen(what, "re");
        if (file == NULL)
            return fw_fail(FURROW_EINVAL,
                           "%s: %s can't be read: %s; name a file that \"lstopo FILE.xml\" wrote",
                           asked_by, what, strerror(errno));
        (void)fclose(file);
        return hwloc_topology_set_xml(topology, what) == 0 ? FURROW_OK : refuse_xml(what, asked_by);
    case FW_MACHINE_SYNTHETIC:
        return hwloc_topology_set_synthetic(topology, what) == 0 ? FURROW_OK
                                                                 : refuse_synthetic(what, asked_by);
    case FW_MACHINE_HERE:
        break;
    }
    return FURROW_OK;
}

static furrow_status refuse_loaded(enum fw_machine machine, const char *what, const char *asked_by)
{
    switch (machine) {
    case FW_MACHINE_XML:
        return refuse_xml(what, asked_by);
    case FW_MACHINE_SYNTHETIC:
        return refuse_synthetic(what, asked_by);
    case FW_MACHINE_HERE:
        break;
    }
    return fw_fail(FURROW_ESYS,
                   "hwloc can't read this machine's topology: %s; look at what \"lstopo\" says",
                   strerror(errno));
}

/* Linux tells all that is used here, but for which cores of Intel's hybrid
 * processors are of which kind. hwloc asks the processors themselves for that, by
 * moving this thread from CPU to CPU: where one is busy it waits there. */
static unsigned long flags(void)
{
    unsigned long set = HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED;

#if defined __linux__ && HWLOC_API_VERSION >= 0x00020500
    if (access("/sys/devices/cpu_atom", F_OK) != 0)
        set |= HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING;
#endif
    return set;
}

furrow_status fw_topology_create(enum fw_machine machine, const char *what, const char *asked_by,
                                 struct fw_topology **out)
{
    struct fw_topology *made = NULL;
    hwloc_topology_t topology;
    furrow_status status;

    if (hwloc_topology_init(&topology) != 0)
        return fw_fail(FURROW_ENOMEM,
                       "no memory for the machine's topology; give the program more memory");
    (void)hwloc_topology_set_flags(topology, flags());
    status = choose(topology, machine, what, asked_by);
    if (status == FURROW_OK && hwloc_topology_load(topology) != 0)
        status = refuse_loaded(machine, what, asked_by);
    if (status == FURROW_OK && (made = extract(topology)) == NULL)
        status = fw_fail(FURROW_ENOMEM,
                         "no memory for the machine's topology; give the program more memory");
    hwloc_topology_destroy(topology);
    if (status != FURROW_OK)
        return status;
    if (machine == FW_MACHINE_HERE)
        (void)snprintf(made->name, sizeof made->name, "%s",
                       made->simulated ? "another machine" : "this machine");
    else
        fw_text_copy(made->name, sizeof made->name, what);
    *out = made;
    return FURROW_OK;
}

void fw_topology_destroy(struct fw_topology *topology)
{
    free(topology);
}

/* -- This process's ------------------------------------------------------ */

static struct {
    struct fw_topology *machine;
    furrow_status status;
    char message[FURROW_MESSAGE];
} process; /* set once, then read-only */

/* Where nothing is known: one PU. */
static struct fw_pu only_pu = { .allowed = true };
static struct fw_topology unknown = { .npus = 1,
                                      .pu = &only_pu,
                                      .allowed = 1,
                                      .cores = 1,
                                      .packages = 1,
                                      .nodes = 1,
                                      .nkinds = 1,
                                      .kind = { { "all alike", -1, 1, 1 } },
                                      .name = "unknown" };

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

static void load(void)
{
    const char *xml = variable("HWLOC_XMLFILE"), *synthetic = variable("HWLOC_SYNTHETIC");
    furrow_status status;

    process.machine = &unknown;
    if (xml != NULL)
        status = fw_topology_create(FW_MACHINE_XML, xml, "HWLOC_XMLFILE", &process.machine);
    else if (synthetic != NULL)
        status = fw_topology_create(FW_MACHINE_SYNTHETIC, synthetic, "HWLOC_SYNTHETIC",
                                    &process.machine);
    else
        status = fw_topology_create(FW_MACHINE_HERE, NULL, NULL, &process.machine);
    if (status == FURROW_EINVAL) {
        process.status = status;
        memcpy(process.message, furrow_message(), sizeof process.message);
    } else if (status != FURROW_OK) {
        fw_log(FW_LOG_WARN, "%s", furrow_message());
    }
    fw_message_clear();
}

furrow_status fw_topology(const struct fw_topology **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load);
    *out = process.machine;
    return process.status == FURROW_OK ? FURROW_OK : fw_fail(process.status, "%s", process.message);
}
