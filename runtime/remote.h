/* Jobs that several processes start together.
 *
 * What brings processes together (MPI) lives in a library of its own, which
 * installs its way of a job here. A job of level 0 that it takes goes there
 * whole, before it is checked: all processes must learn of what one of them
 * finds wrong. What it then does with the engine is in engine.h. */
#ifndef FW_REMOTE_H
#define FW_REMOTE_H

#include "context.h"
#include "work.h"

struct fw_remote {
    /* The job of a program that names this backend (NULL: none) is started
     * together. Calling thread, at level 0. */
    bool (*takes)(const char *backend);
    /* As furrow_map(), of a request that was not checked or is refused. */
    furrow_status (*map)(struct fw_request *request, const furrow_config *config, furrow_report *report);
    /* As furrow_plan(), of a request that was checked, its config complete. */
    furrow_status (*plan)(struct fw_request *request, furrow_report *report);
};

/* Kept by address until the program ends; NULL: none. One at a time. */
void fw_remote_install(const struct fw_remote *remote);

/* The way for a job that is started here with this config; NULL: the engine's
 * own. `body`: a loop over shared memory, which is never started together. */
const struct fw_remote *fw_remote_for(const struct fw_context *caller, const furrow_config *config, bool body);

#endif
