/* The thread pools of other libraries that are loaded, as `furrow info` shows
 * them: those of the command itself, which links what the library links. */
#ifndef FW_CLI_THREADPOOLS_H
#define FW_CLI_THREADPOOLS_H

#include "cli/json.h"

/* A line a library. */
void cli_threadpools_text(void);

/* Member "threadpools": one object a library. */
void cli_threadpools_json(struct fw_json *json);

#endif
