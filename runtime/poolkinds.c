/* The kinds of thread libraries we know: names of files and symbols, and what
 * their entry points take and give. */
#include "poolkinds.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef void entry_point(void);

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* -- Symbols ------------------------------------------------------------ */

static entry_point *as_function(void *symbol)
{
    entry_point *function;

    memcpy(&function, &symbol, sizeof function);
    return function;
}

/* A symbol that the object itself defines: dlsym() looks into what it needs,
 * too. NULL: none. */
static entry_point *own_symbol(const struct fw_pool_object *object, const char *name)
{
    void *symbol = dlsym(object->handle, name);
    struct link_map *map = NULL;
    Dl_info where;

    if (symbol == NULL || dladdr1(symbol, &where, (void **)&map, RTLD_DL_LINKMAP) == 0)
        return NULL;
    return map == object->map ? as_function(symbol) : NULL;
}

/* -- Settings of one kind of library ------------------------------------ */

static int get_int(const struct fw_pool *pool)
{
    return ((int (*)(void))pool->getter)();
}

static int set_int(const struct fw_pool *pool, int threads)
{
    const int before = get_int(pool);

    ((void (*)(int))pool->setter)(threads);
    return before;
}

/* MKL: sets the thread's own number; 0 is "the process's". */
static int exchange_int(const struct fw_pool *pool, int threads)
{
    return ((int (*)(int))pool->setter)(threads);
}

/* BLIS: a 64-bit number; -1 is "not set", which is one thread. */
static int get_wide(const struct fw_pool *pool)
{
    return (int)((int64_t(*)(void))pool->getter)();
}

static int set_wide(const struct fw_pool *pool, int threads)
{
    const int before = get_wide(pool);

    ((void (*)(int64_t))pool->setter)(threads);
    return before;
}

/* -- The libraries we know ---------------------------------------------- */

/* A kind of library: how its files are called, and its entry points. */
struct kind {
    const char *name;
    const char *const *files;    /* what names of files begin with */
    const char *const *prefixes; /* of symbols */
    const char *const *suffixes;
    const char *getter, *setter;
    enum fw_pool_scope scope;
    enum fw_poolvar variable;
    int (*get)(const struct fw_pool *pool);
    int (*set)(const struct fw_pool *pool, int threads);
    void (*refine)(const struct fw_pool_object *object, const char *prefix, const char *suffix,
                   struct fw_pool *pool);
};

/* OpenBLAS says how it was built. On OpenMP its setting is forgotten with each
 * call, which asks OpenMP instead; without threads there is nothing to set. */
static void refine_openblas(const struct fw_pool_object *object, const char *prefix,
                            const char *suffix, struct fw_pool *pool)
{
    static const char *const layers[] = { "none", "pthreads", "OpenMP" };
    char name[64];
    entry_point *ask;
    int parallel;

    (void)snprintf(name, sizeof name, "%sopenblas_get_parallel%s", prefix, suffix);
    ask = own_symbol(object, name);
    parallel = ask != NULL ? ((int (*)(void))ask)() : 1;
    if (parallel < 0 || parallel > 2)
        return;
    pool->layer = layers[parallel];
    if (parallel != 1) {
        pool->scope = FW_POOL_FOLLOWS;
        pool->set = NULL;
    }
}

/* BLIS keeps its number per thread from 1.0 on, and in AMD's builds. */
static void refine_blis(const struct fw_pool_object *object, const char *prefix, const char *suffix,
                        struct fw_pool *pool)
{
    entry_point *ask = own_symbol(object, "bli_info_get_version_str");
    const char *version = ask != NULL ? ((const char *(*)(void))ask)() : NULL;

    (void)prefix, (void)suffix;
    pool->scope = version == NULL || begins(version, "0.") ? FW_POOL_PROCESS : FW_POOL_THREAD;
}

static const char *const nothing[] = { "", NULL };

/* Builds rename the symbols so that two of them can be loaded: numpy's and
 * scipy's wheels, builds with 64-bit integers. A lone "_" is Fortran's. */
static const char *const openblas_prefixes[] = { "", "scipy_", NULL };
static const char *const openblas_suffixes[] = { "", "64_", "_64", NULL };

static const char *const flexiblas_files[] = { "libflexiblas", "libblas", NULL };
static const char *const openblas_files[] = { "libopenblas", "libscipy_openblas", "libblas",
                                              "libcblas", NULL };
static const char *const blis_files[] = { "libblis", "libblas", NULL };
static const char *const mkl_files[] = { "libmkl_", "libblas", NULL };

static const struct kind kinds[] = {
    { "FlexiBLAS", flexiblas_files, nothing, nothing, "flexiblas_get_num_threads",
      "flexiblas_set_num_threads", FW_POOL_PROCESS, FW_VAR_OPENBLAS, get_int, set_int, NULL },
    { "OpenBLAS", openblas_files, openblas_prefixes, openblas_suffixes, "openblas_get_num_threads",
      "openblas_set_num_threads", FW_POOL_PROCESS, FW_VAR_OPENBLAS, get_int, set_int,
      refine_openblas },
    { "BLIS", blis_files, nothing, nothing, "bli_thread_get_num_threads",
      "bli_thread_set_num_threads", FW_POOL_PROCESS, FW_VAR_BLIS, get_wide, set_wide, refine_blis },
    { "MKL", mkl_files, nothing, nothing, "MKL_Get_Max_Threads", "MKL_Set_Num_Threads_Local",
      FW_POOL_THREAD, FW_VAR_MKL, get_int, exchange_int, NULL },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const struct {
    const char *file, *name;
} runtimes[] = { { "libgomp", "libgomp" }, { "libomp", "libomp" }, { "libiomp5", "libiomp5" } };
enum { RUNTIMES = sizeof runtimes / sizeof runtimes[0] };

static bool file_of_kind(const char *file, const struct kind *kind)
{
    for (const char *const *f = kind->files; *f != NULL; f++)
        if (begins(file, *f))
            return true;
    return false;
}

const char *fw_poolkind_runtime(const char *file)
{
    for (int r = 0; r < RUNTIMES; r++)
        if (begins(file, runtimes[r].file))
            return runtimes[r].name;
    return NULL;
}

bool fw_poolkind_known(const char *file)
{
    if (fw_poolkind_runtime(file) != NULL)
        return true;
    for (int k = 0; k < KINDS; k++)
        if (file_of_kind(file, &kinds[k]))
            return true;
    return false;
}

bool fw_poolkind_find_runtime(const struct fw_pool_object *object, struct fw_openmp *out)
{
    entry_point *found[7];
    static const char *const names[7] = { "omp_get_max_threads",       "omp_set_num_threads",
                                          "omp_get_max_active_levels", "omp_set_max_active_levels",
                                          "omp_get_active_level",      "omp_get_level",
                                          "omp_get_team_size" };

    out->name = fw_poolkind_runtime(object->file);
    if (out->name == NULL)
        return false;
    for (int i = 0; i < 7; i++)
        if ((found[i] = own_symbol(object, names[i])) == NULL)
            return false;
    out->max_threads = (int (*)(void))found[0];
    out->set_threads = (void (*)(int))found[1];
    out->max_levels = (int (*)(void))found[2];
    out->set_levels = (void (*)(int))found[3];
    out->active_level = (int (*)(void))found[4];
    out->level = (int (*)(void))found[5];
    out->team_size = (int (*)(int))found[6];
    return true;
}

/* Under the names of one build; false: the object does not have them. */
static bool find_build(const struct fw_pool_object *object, const struct kind *kind,
                       const char *prefix, const char *suffix, struct fw_pool *out)
{
    char name[64];

    (void)snprintf(name, sizeof name, "%s%s%s", prefix, kind->getter, suffix);
    out->getter = own_symbol(object, name);
    (void)snprintf(name, sizeof name, "%s%s%s", prefix, kind->setter, suffix);
    out->setter = own_symbol(object, name);
    if (out->getter == NULL || out->setter == NULL)
        return false;
    if (kind->refine != NULL)
        kind->refine(object, prefix, suffix, out);
    return true;
}

static bool find_kind(const struct fw_pool_object *object, const struct kind *kind,
                      struct fw_pool *out)
{
    *out = (struct fw_pool){ .name = kind->name,
                             .layer = "",
                             .scope = kind->scope,
                             .variable = kind->variable,
                             .get = kind->get,
                             .set = kind->set,
                             .object = object->map };
    for (const char *const *p = kind->prefixes; *p != NULL; p++)
        for (const char *const *s = kind->suffixes; *s != NULL; s++)
            if (find_build(object, kind, *p, *s, out))
                return true;
    return false;
}

bool fw_poolkind_find(const struct fw_pool_object *object, struct fw_pool *out)
{
    for (int k = 0; k < KINDS; k++)
        if (file_of_kind(object->file, &kinds[k]) && find_kind(object, &kinds[k], out))
            return true;
    return false;
}
