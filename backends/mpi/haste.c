#include "haste.h"

#include "runtime/work.h"

enum fw_haste fw_haste_of(const struct fw_common *common)
{
    if (atomic_load(&common->urgent) != 0)
        return FW_HASTE_NOW;
    return atomic_load(&common->hurry) != 0 ? FW_HASTE_SOON : FW_HASTE_NONE;
}

void fw_haste_raise(struct fw_common *common, enum fw_haste haste)
{
    if (haste >= FW_HASTE_SOON)
        atomic_store(&common->hurry, 1);
    if (haste >= FW_HASTE_NOW)
        atomic_store(&common->urgent, 1);
}
