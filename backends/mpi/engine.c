/* The engine's internal functions, by their own names, through the one object
 * that libfurrow exports for us (runtime/engine.h). Left out where both are
 * static: there the names are found as they are. */
#include "runtime/engine.h"

#include <stdio.h>

#define FORWARD(type, name, parameters, arguments)                                                 \
    type name parameters                                                                           \
    {                                                                                              \
        return furrow_engine.name arguments;                                                       \
    }
#define FORWARD_VOID(name, parameters, arguments)                                                  \
    void name parameters                                                                           \
    {                                                                                              \
        furrow_engine.name arguments;                                                              \
    }
FW_ENGINE_CALLS(FORWARD, FORWARD_VOID)

static void format(char text[FURROW_MESSAGE], const char *pattern, va_list args)
{
    (void)vsnprintf(text, FURROW_MESSAGE, pattern, args);
}

furrow_status fw_fail(furrow_status status, const char *pattern, ...)
{
    char text[FURROW_MESSAGE];
    va_list args;

    va_start(args, pattern);
    format(text, pattern, args);
    va_end(args);
    return furrow_engine.fw_fail(status, "%s", text);
}

void fw_message_append(char out[FURROW_MESSAGE], const char *pattern, ...)
{
    char text[FURROW_MESSAGE];
    va_list args;

    va_start(args, pattern);
    format(text, pattern, args);
    va_end(args);
    furrow_engine.fw_message_append(out, "%s", text);
}

void fw_log(enum fw_log_level level, const char *pattern, ...)
{
    char text[FURROW_MESSAGE];
    va_list args;

    va_start(args, pattern);
    format(text, pattern, args);
    va_end(args);
    furrow_engine.fw_log(level, "%s", text);
}

void fw_log_once(const char *key, const char *pattern, ...)
{
    char text[FURROW_MESSAGE];
    va_list args;

    va_start(args, pattern);
    format(text, pattern, args);
    va_end(args);
    furrow_engine.fw_log_once(key, "%s", text);
}
