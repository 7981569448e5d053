#include "engine.h"

const struct fw_engine furrow_engine = {
    .version = FW_ENGINE_VERSION,
    .release = FURROW_VERSION,
    .size = sizeof(struct fw_engine),
    .work_size = sizeof(struct furrow_work),
    .fw_fail = fw_fail,
    .fw_message_append = fw_message_append,
    .fw_log = fw_log,
    .fw_log_once = fw_log_once,
#define FW_ENGINE_SLOT(type, name, parameters, arguments) .name = name,
#define FW_ENGINE_VOID_SLOT(name, parameters, arguments) .name = name,
    FW_ENGINE_CALLS(FW_ENGINE_SLOT, FW_ENGINE_VOID_SLOT)
#undef FW_ENGINE_SLOT
#undef FW_ENGINE_VOID_SLOT
};
