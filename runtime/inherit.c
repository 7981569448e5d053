#include "inherit.h"

#include <pthread.h>
#include <string.h>

/* Bytes of a mask that pthread_sigmask() does not write stay 0, so that masks
 * can be compared as bytes. */
static void take_mask(sigset_t *out)
{
    memset(out, 0, sizeof *out);
    (void)pthread_sigmask(SIG_SETMASK, NULL, out);
}

void fw_inherit_take(struct fw_inherit *out)
{
    struct fw_inherit now;

    memset(&now, 0, sizeof now); /* padding is compared too */
    now.floating = fw_floating_get();
    now.locale = uselocale((locale_t)0);
    take_mask(&now.mask);
    if (memcmp(out, &now, sizeof now) != 0) /* else it may be in other caches */
        memcpy(out, &now, sizeof now);
}

void fw_inherit_install(const struct fw_inherit *state, struct fw_inherit *own)
{
    own->floating = fw_floating_get();
    fw_floating_set(&state->floating);
    own->locale = uselocale(state->locale);
    memset(&own->mask, 0, sizeof own->mask);
    (void)pthread_sigmask(SIG_SETMASK, &state->mask, &own->mask);
    own->other_mask = memcmp(&own->mask, &state->mask, sizeof own->mask) != 0;
}

void fw_inherit_restore(const struct fw_inherit *own)
{
    if (own->other_mask)
        (void)pthread_sigmask(SIG_SETMASK, &own->mask, NULL);
    (void)uselocale(own->locale);
    fw_floating_set(&own->floating);
}
