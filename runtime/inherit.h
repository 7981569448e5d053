/* What a task inherits from the thread that started the job: floating-point
 * control (rounding, exception masks, flush-to-zero), the per-thread locale
 * and the signal mask. Without it "the same bits on every backend" is false,
 * since pooled threads have the defaults instead.
 *
 * A job that all threads take part in lasts a microsecond, so what is the same
 * already is not written again: registers are compared, the mask is exchanged
 * with one system call a worker. */
#ifndef FW_INHERIT_H
#define FW_INHERIT_H

#include <locale.h>
#include <signal.h>
#include <stdbool.h>

#include "floating.h"

struct fw_inherit {
    struct fw_floating floating;
    locale_t locale;
    sigset_t mask;
    bool other_mask; /* own state only: the mask was another one than the job's */
};

/* This thread's state; changes nothing. */
void fw_inherit_take(struct fw_inherit *out);

/* Installs `state` in this thread; its own is kept in `own`. */
void fw_inherit_install(const struct fw_inherit *state, struct fw_inherit *own);

/* Puts a thread's own state back: all of it that the job or its tasks changed,
 * but for a mask that was the same as the job's and that a task left changed. */
void fw_inherit_restore(const struct fw_inherit *own);

#endif
