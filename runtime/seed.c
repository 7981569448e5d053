/* Seeds of tasks, for callers outside the runtime. */
#include "seed.h"

#include <furrow/furrow.h>

uint64_t furrow_seed(uint64_t seed, size_t index)
{
    return fw_seed(seed, index);
}
