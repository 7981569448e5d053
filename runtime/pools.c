#include "pools.h"

#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "poolhold.h"
#include "poolkinds.h"

/* Entries are written once, under `lock`, before a counter covers them. */
static struct fw_openmp openmp[FW_OPENMP_MOST];
static struct fw_pool pools[FW_POOLS_MOST];
static atomic_int nopenmp, npools;
static const void *openmp_object[FW_OPENMP_MOST]; /* guarded by `lock` */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned long long
    seen_loads; /* the linker's counter at the last scan; 0: none yet */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* -- Looking at one object ---------------------------------------------- */

/* lock held. Kept for the life of the process; NULL: no memory. */
static const char *keep_text(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    return copy != NULL ? strcpy(copy, text) : NULL;
}

/* lock held */
static bool is_known(const struct link_map *map)
{
    for (int i = 0; i < atomic_load(&nopenmp); i++)
        if (openmp_object[i] == map)
            return true;
    for (int i = 0; i < atomic_load(&npools); i++)
        if (pools[i].object == map)
            return true;
    return false;
}

static void too_many(const struct fw_pool_object *object)
{
    fw_log_once(
        "pools full",
        "%s is one thread library more than furrow keeps count of; its threads are not limited",
        object->path);
}

/* lock held. False: it is none. */
static bool add_runtime(const struct fw_pool_object *object)
{
    const int n = atomic_load(&nopenmp);
    struct fw_openmp found;

    if (!fw_poolkind_find_runtime(object, &found))
        return false;
    if (n == FW_OPENMP_MOST || (found.path = keep_text(object->path)) == NULL) {
        too_many(object);
        return false;
    }
    openmp[n] = found;
    openmp_object[n] = object->map;
    atomic_store(&nopenmp, n + 1);
    return true;
}

/* lock held. False: it is none. */
static bool add_pool(const struct fw_pool_object *object)
{
    const int n = atomic_load(&npools);
    struct fw_pool found;

    if (!fw_poolkind_find(object, &found))
        return false;
    if (n == FW_POOLS_MOST || (found.path = keep_text(object->path)) == NULL) {
        too_many(object);
        return false;
    }
    pools[n] = found;
    atomic_store(&npools, n + 1);
    return true;
}

/* lock held. The handle of a library that is kept is never closed. */
static void look_at(const char *path)
{
    struct fw_pool_object object = { .handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD),
                                     .path = path,
                                     .file = last_part(path) };
    bool kept = false;

    if (object.handle == NULL)
        return; /* gone again */
    if (dlinfo(object.handle, RTLD_DI_LINKMAP, &object.map) == 0 && !is_known(object.map))
        kept = add_runtime(&object) || add_pool(&object);
    if (!kept)
        (void)dlclose(object.handle);
}

/* -- Scanning ----------------------------------------------------------- */

/* Paths of loaded objects that may be known, each with its NUL. */
struct paths {
    char *text; /* owned */
    size_t used, size;
};

static bool make_room(struct paths *paths, size_t more)
{
    size_t size = paths->size > 0 ? paths->size : 1024;
    char *text;

    while (size < paths->used + more)
        size *= 2;
    if (size == paths->size)
        return true;
    text = realloc(paths->text, size);
    if (text == NULL)
        return false;
    paths->text = text;
    paths->size = size;
    return true;
}

/* For dl_iterate_phdr(), under the linker's lock: nothing is opened here. */
static int note_path(struct dl_phdr_info *info, size_t size, void *data)
{
    struct paths *paths = data;
    const size_t length = info->dlpi_name != NULL ? strlen(info->dlpi_name) + 1 : 0;

    (void)size;
    if (length > 1 && fw_poolkind_known(last_part(info->dlpi_name)) && make_room(paths, length)) {
        memcpy(paths->text + paths->used, info->dlpi_name, length);
        paths->used += length;
    }
    return 0;
}

static int note_loads(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    *(unsigned long long *)data = info->dlpi_adds;
    return 1; /* the counter is the same for all */
}

/* Objects that the linker has loaded, ever. */
static unsigned long long count_loads(void)
{
    unsigned long long loads = 0;

    (void)dl_iterate_phdr(note_loads, &loads);
    return loads;
}

/* lock held. The runtime that furrow itself is linked with, also where it is
 * part of the program. */
static void add_own_runtime(void)
{
    int (*level)(void) = omp_get_level;
    struct link_map *map = NULL;
    Dl_info where = { 0 };
    void *address;
    const char *name, *path = "";

    memcpy(&address, &level, sizeof address);
    if (dladdr1(address, &where, (void **)&map, RTLD_DL_LINKMAP) != 0 && map != NULL &&
        map->l_name[0] != '\0')
        path = keep_text(map->l_name);
    path = path != NULL ? path : "";
    name = fw_poolkind_runtime(last_part(path));
    openmp[0] = (struct fw_openmp){ .name = name != NULL ? name : "OpenMP",
                                    .path = path,
                                    .max_threads = omp_get_max_threads,
                                    .set_threads = omp_set_num_threads,
                                    .max_levels = omp_get_max_active_levels,
                                    .set_levels = omp_set_max_active_levels,
                                    .active_level = omp_get_active_level,
                                    .level = omp_get_level,
                                    .team_size = omp_get_team_size };
    openmp_object[0] = map;
    atomic_store(&nopenmp, 1);
}

/* In a forked child: another thread may have held the lock. What it was adding
 * is not counted yet, and the scan is due again. */
static void after_fork(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    fw_pools_after_fork();
}

/* lock held */
static void scan(void)
{
    struct paths paths = { 0 };

    if (atomic_load(&nopenmp) == 0) {
        (void)pthread_atfork(NULL, NULL, after_fork);
        add_own_runtime();
    }
    (void)dl_iterate_phdr(note_path, &paths);
    for (size_t at = 0; at < paths.used; at += strlen(paths.text + at) + 1)
        look_at(paths.text + at);
    free(paths.text);
}

void fw_pools_refresh(void)
{
    const unsigned long long loads = count_loads();

    if (atomic_load_explicit(&seen_loads, memory_order_acquire) == loads)
        return;
    (void)pthread_mutex_lock(&lock);
    if (atomic_load(&seen_loads) != loads) {
        scan();
        atomic_store(&seen_loads, loads);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* -- What was found ----------------------------------------------------- */

int fw_openmp_count(void)
{
    return atomic_load_explicit(&nopenmp, memory_order_acquire);
}

const struct fw_openmp *fw_openmp_at(int number)
{
    return &openmp[number];
}

int fw_pools_count(void)
{
    return atomic_load_explicit(&npools, memory_order_acquire);
}

const struct fw_pool *fw_pools_at(int number)
{
    return &pools[number];
}

void fw_pools_check(const char *name, const char *path, enum fw_poolvar variable, int asked,
                    int says)
{
    if (says > asked)
        fw_log_once(path,
                    "%s (%s) was asked for %d threads and still has %d; set %s=%d before the "
                    "program starts",
                    name, path, asked, says, fw_poolvar_name(variable), asked);
}

static const char *scope_text(const struct fw_pool *pool)
{
    static const char *const texts[] = {
        [FW_POOL_THREAD] = "thread", [FW_POOL_PROCESS] = "process", [FW_POOL_FOLLOWS] = "OpenMP"
    };

    return pool->scope == FW_POOL_FOLLOWS && strcmp(pool->layer, "none") == 0 ? "none"
                                                                              : texts[pool->scope];
}

int fw_threadpools_list(struct fw_threadpool *out, int most)
{
    int n = 0;

    fw_pools_refresh();
    for (int i = 0; i < fw_openmp_count(); i++, n++)
        if (n < most)
            out[n] = (struct fw_threadpool){ openmp[i].name, "OpenMP", "thread",
                                             openmp[i].max_threads(), openmp[i].path };
    for (int i = 0; i < fw_pools_count(); i++, n++)
        if (n < most) {
            const int threads = pools[i].get(&pools[i]);

            out[n] = (struct fw_threadpool){ pools[i].name, pools[i].layer, scope_text(&pools[i]),
                                             threads > 0 ? threads : 1, pools[i].path };
        }
    return n;
}
