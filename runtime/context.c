#include "context.h"

#include "cpus.h"
#include "memory.h"
#include "work.h"

static _Thread_local struct fw_context own;   /* outside all tasks */
static FW_NEAR_TLS struct fw_context *here; /* NULL: `own`, not yet looked for */

/* What threads of a process worker start from; without a backend: no worker. */
static struct fw_context process;

void fw_context_of_process(const struct fw_context *frame)
{
    process.backend = frame->backend;
    process.level = frame->level;
    process.at = frame->at;
    process.cpus = frame->cpus;
    process.task.index = FW_NO_TASK;
}

/* The own frame of a thread that a task of a process worker started. */
static struct fw_context *own_in_worker(void)
{
    if (own.backend == NULL) {
        struct fw_scope *scopes = own.scopes;

        own = process;
        own.scopes = scopes;
    }
    return &own;
}

FW_HOT struct fw_context *fw_context_here(void)
{
    if (here == NULL)
        here = process.backend == NULL ? &own : own_in_worker();
    return here;
}

FW_HOT void fw_context_enter(struct fw_context *frame, bool transparent)
{
    frame->outer = fw_context_here();
    frame->depth = frame->outer->depth + 1;
    frame->scopes = transparent ? frame->outer->scopes : NULL;
    frame->floor = frame->scopes;
    frame->limits = NULL;
    /* A transparent frame is where its caller is: in the same regions. */
    if (transparent)
        frame->openmp = frame->outer->openmp;
    else
        fw_openmp_here(&frame->openmp);
    here = frame;
}

void fw_context_tidy(struct fw_context *frame)
{
    while (frame->scopes != frame->floor)
        fw_scope_pop(&frame->scopes);
    while (frame->limits != NULL)
        fw_limit_pop(&frame->limits);
}

FW_HOT void fw_context_leave(struct fw_context *frame)
{
    fw_context_tidy(frame);
    here = frame->outer;
}

void fw_message_tag(const void **context, size_t *index, unsigned *attempt)
{
    const struct fw_context *frame = fw_context_here();

    *context = frame;
    *index = frame->task.index;
    *attempt = frame->task.attempt;
}

furrow_status furrow_config_get(furrow_config *config)
{
    const struct fw_context *frame = fw_context_here();

    fw_message_clear();
    if (config == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_config_get: config is NULL; pass where it is to be written");
    return fw_config_resolve(NULL, frame->scopes, frame->level == 0, fw_env(), config);
}

furrow_status furrow_config_push(const furrow_config *config)
{
    struct fw_context *frame = fw_context_here();
    furrow_status status;

    fw_message_clear();
    if (config == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_config_push: config is NULL; pass a config");
    status = fw_scope_push(&frame->scopes, config);
    if (status == FURROW_OK && frame->work != NULL)
        fw_work_untidy(frame->work, frame->worker);
    return status;
}

furrow_status furrow_config_pop(void)
{
    struct fw_context *frame = fw_context_here();

    fw_message_clear();
    if (frame->scopes == frame->floor)
        return fw_fail(FURROW_EINVAL, "furrow_config_pop: nothing is pushed in this scope; "
                                      "pop once for each furrow_config_push() of this thread and task");
    fw_scope_pop(&frame->scopes);
    return FURROW_OK;
}

furrow_status furrow_thread_limit_push(int threads)
{
    struct fw_context *frame = fw_context_here();
    furrow_status status;

    fw_message_clear();
    if (threads < 1)
        return fw_fail(FURROW_EINVAL, "furrow_thread_limit_push: threads is %d; use a positive number", threads);
    status = fw_limit_push(&frame->limits, threads);
    if (status == FURROW_OK && frame->work != NULL)
        fw_work_untidy(frame->work, frame->worker);
    return status;
}

furrow_status furrow_thread_limit_pop(void)
{
    struct fw_context *frame = fw_context_here();

    fw_message_clear();
    if (frame->limits == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_thread_limit_pop: nothing is pushed in this scope; pop once for each "
                                      "furrow_thread_limit_push() of this thread and task");
    fw_limit_pop(&frame->limits);
    return FURROW_OK;
}

int furrow_level(void)
{
    return fw_context_here()->level;
}

const char *furrow_backend_name(void)
{
    const furrow_backend *backend = fw_context_here()->backend;

    return backend != NULL ? backend->name : "none";
}

int furrow_cpu_count(unsigned flags)
{
    const struct fw_context *frame = fw_context_here();
    const struct fw_cpus *all = fw_cpus();

    if (frame->at == NULL)
        return (flags & FURROW_PHYSICAL) != 0 ? all->cores : all->count;
    return (flags & FURROW_PHYSICAL) != 0 ? fw_cpus_cores(all, frame->at, frame->cpus) : frame->cpus;
}
