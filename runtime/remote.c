#include "remote.h"

#include "threadlimit.h"

static _Atomic(const struct fw_remote *) installed;

void fw_remote_install(const struct fw_remote *remote)
{
    atomic_store(&installed, remote);
}

/* The backend that the config names before anything is known to be right. */
static const char *named(const struct fw_context *caller, const furrow_config *config)
{
    const char *name = NULL;

    if (config != NULL)
        name = config->backend;
    else if (caller->scopes != NULL)
        name = caller->scopes->config.backend;
    return name != NULL ? name : fw_env()->config.backend;
}

const struct fw_remote *fw_remote_for(const struct fw_context *caller, const furrow_config *config, bool body)
{
    const struct fw_remote *remote = atomic_load(&installed);

    if (remote == NULL || body || caller->level > 0 || caller->callback || fw_openmp_team(&caller->openmp) > 1)
        return NULL;
    return remote->takes(named(caller, config)) ? remote : NULL;
}
