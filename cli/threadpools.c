#include "cli/threadpools.h"

void cli_threadpools_json(struct fw_json *json)
{
    fw_json_array(json, "threadpools");
    fw_json_end(json);
}
