/* Which thread libraries we know, and how one is recognised. Adding a library is
 * a row of the table in poolkinds.c and a row in docs/threadpools.md. */
#ifndef FW_POOLKINDS_H
#define FW_POOLKINDS_H

#include <link.h>

#include "pools.h"

/* A loaded object that may be a thread library. */
struct fw_pool_object {
    void *handle;            /* of dlopen(); owned by who made it */
    struct link_map *map;
    const char *path, *file; /* its last part */
};

/* Whether an object whose file is called so is worth a look. */
bool fw_poolkind_known(const char *file);

/* The name of the OpenMP runtime whose file is called so; NULL: none is. */
const char *fw_poolkind_runtime(const char *file);

/* Fills all but the path; false: the object is none, `out` is unspecified. */
bool fw_poolkind_find_runtime(const struct fw_pool_object *object, struct fw_openmp *out);
bool fw_poolkind_find(const struct fw_pool_object *object, struct fw_pool *out);

#endif
