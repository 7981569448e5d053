/* What a task inherits from the thread that started the job: floating-point
 * control (rounding, exception masks, flush-to-zero), the per-thread locale
 * and the signal mask. Without it "the same bits on every backend" is false,
 * since pooled threads have the defaults instead. */
#ifndef FW_INHERIT_H
#define FW_INHERIT_H

#include <fenv.h>
#include <locale.h>
#include <signal.h>

struct fw_inherit {
    fenv_t floating;
    locale_t locale;
    sigset_t mask;
};

/* This thread's state; changes nothing. */
void fw_inherit_take(struct fw_inherit *out);

/* Installs `state` in this thread; its own is kept in `own`. */
void fw_inherit_install(const struct fw_inherit *state, struct fw_inherit *own);

/* Puts a thread's own state back. */
void fw_inherit_restore(const struct fw_inherit *own);

#endif
