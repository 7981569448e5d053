#include "cli/threadpools.h"

#include "runtime/pools.h"

enum { MOST = FW_OPENMP_MOST + FW_POOLS_MOST };

static int list(struct fw_threadpool pool[MOST])
{
    int n;

    fw_pools_refresh();
    n = fw_threadpools_list(pool, MOST);
    return n < MOST ? n : MOST;
}

void cli_threadpools_text(void)
{
    struct fw_threadpool pool[MOST];
    const int n = list(pool);

    for (int i = 0; i < n; i++)
        printf("%-10s%-12s%5d  thread%s a %s%s%s\n", i == 0 ? "Pools" : "", pool[i].name, pool[i].threads,
               pool[i].threads == 1 ? "" : "s", pool[i].scope, pool[i].path[0] != '\0' ? ", " : "", pool[i].path);
}

void cli_threadpools_json(struct fw_json *json)
{
    struct fw_threadpool pool[MOST];
    const int n = list(pool);

    fw_json_array(json, "threadpools");
    for (int i = 0; i < n; i++) {
        fw_json_object(json, NULL);
        fw_json_string(json, "name", pool[i].name);
        fw_json_string(json, "layer", pool[i].layer);
        fw_json_string(json, "scope", pool[i].scope);
        fw_json_int(json, "threads", pool[i].threads);
        fw_json_string(json, "path", pool[i].path);
        fw_json_end(json);
    }
    fw_json_end(json);
}
