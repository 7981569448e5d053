#include "inherit.h"

#include <pthread.h>

void fw_inherit_take(struct fw_inherit *out)
{
    (void)fegetenv(&out->floating);
    out->locale = uselocale((locale_t)0);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &out->mask);
}

void fw_inherit_install(const struct fw_inherit *state, struct fw_inherit *own)
{
    (void)fegetenv(&own->floating);
    (void)fesetenv(&state->floating);
    own->locale = uselocale(state->locale);
    (void)pthread_sigmask(SIG_SETMASK, &state->mask, &own->mask);
}

void fw_inherit_restore(const struct fw_inherit *own)
{
    (void)pthread_sigmask(SIG_SETMASK, &own->mask, NULL);
    (void)uselocale(own->locale);
    (void)fesetenv(&own->floating);
}
