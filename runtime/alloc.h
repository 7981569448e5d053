/* Memory that processes share: furrow_alloc() and what the engine asks of it. */
#ifndef FW_ALLOC_H
#define FW_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* These bytes lie in one piece of memory from furrow_alloc() that has not been
 * freed: workers forked from now on write them in place. Any thread. */
bool fw_alloc_holds(const void *begin, size_t size);

#endif
