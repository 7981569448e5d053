/* The backends there are: the built-in ones, in the order of preference, and
 * the registered ones after them, the fallback last. */
#ifndef FW_REGISTRY_H
#define FW_REGISTRY_H

#include <stdbool.h>

#include <furrow/backend.h>

enum { FW_REGISTRY_MAX = 40 };

/* Fills `out` with up to FW_REGISTRY_MAX backends in the order of preference:
 * chosen ones first, then the user's own, the fallback last. *chosen: how many
 * from the start may be chosen without being named. Returns how many. */
int fw_registry_list(const furrow_backend *out[FW_REGISTRY_MAX], int *chosen);

/* NULL: none has this name. */
const furrow_backend *fw_registry_find(const char *name);

/* It is one of the library's own: it needs nothing of its threads that the
 * caller's thread lacks. */
bool fw_registry_is_own(const furrow_backend *backend);

/* The backend that runs everything in the caller: always there. */
const furrow_backend *fw_registry_fallback(void);

#endif
