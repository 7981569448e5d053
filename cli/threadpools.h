/* The thread pools of other libraries that are loaded, as `furrow info` shows
 * them. */
#ifndef FW_CLI_THREADPOOLS_H
#define FW_CLI_THREADPOOLS_H

#include "cli/json.h"

/* Member "threadpools": one object a library. */
void cli_threadpools_json(struct fw_json *json);

#endif
