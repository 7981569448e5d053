/* What a task function may call with its own task. */
#include <string.h>

#include "stream.h"
#include "work.h"

/* The task's words are kept with the try they belong to, so that they are never
 * taken for those of another one. */
static void say(const furrow_task *task, const char *text)
{
    const struct fw_context *frame = fw_context_of(task);
    struct fw_worker *me;

    if (frame->work == NULL)
        return;
    me = &frame->work->worker[frame->worker];
    memcpy(frame->work->blame[frame->worker].words, text, FURROW_MESSAGE);
    me->said_index = task->index;
    me->said_attempt = task->attempt;
}

int furrow_task_fail(furrow_task *task, int code, const char *format, ...)
{
    char text[FURROW_MESSAGE] = "";
    va_list args;

    va_start(args, format);
    fw_message_format(text, format, args);
    va_end(args);
    say(task, text);
    return code != 0 ? code : 1;
}

int furrow_task_fail_text(furrow_task *task, int code, const char *text, size_t length)
{
    char line[FURROW_MESSAGE] = "";
    size_t n;

    while (length > 0 && text[length - 1] == ' ')
        length--;
    n = length < sizeof line ? length : fw_text_cut(text, sizeof line - 1);
    memcpy(line, text, n);
    fw_message_one_line(line);
    say(task, line);
    return code != 0 ? code : 1;
}

int furrow_task_reply(furrow_task *task, const void *data, size_t size)
{
    const struct fw_context *frame = fw_context_of(task);
    furrow_work *work = frame->work;

    if (work == NULL || work->stream == NULL || work->request.job.on_result == NULL)
        return furrow_task_fail(task, 1, "furrow_task_reply: the job has no on_result to take a reply; "
                                         "set job.on_result");
    if (data == NULL && size > 0)
        return furrow_task_fail(task, 1, "furrow_task_reply: data is NULL but size is %zu; "
                                         "pass the bytes, or size 0", size);
    if (!fw_stream_reply(work, frame->worker, data, size))
        return furrow_task_fail(task, 1, "furrow_task_reply: no memory for a reply of %zu bytes; "
                                         "reply less, or give the program more memory", size);
    return 0;
}

/* This try's clock, where the job has a time limit. */
static bool past_limit(const struct fw_context *frame)
{
    const furrow_work *work = frame->work;
    uint64_t start;

    if (work->limit_ns == 0)
        return false;
    start = atomic_load_explicit(&work->worker[frame->worker].task_started, memory_order_relaxed);
    return start != 0 && fw_now() - start > work->limit_ns;
}

bool furrow_task_expired(const furrow_task *task)
{
    /* A task is also due when the task that started its job is. */
    for (const struct fw_context *frame = fw_context_of(task); frame != NULL && frame->work != NULL;
         frame = frame->work->caller)
        if (fw_work_hurries(frame->work) || past_limit(frame))
            return true;
    return false;
}
