/* How a stop concerns running tasks: what the ranks tell each other of it. */
#ifndef FW_MPI_HASTE_H
#define FW_MPI_HASTE_H

struct fw_common;

/* As `n` in letters. */
enum fw_haste {
    FW_HASTE_NONE, /* they finish */
    FW_HASTE_SOON, /* they are to return soon */
    FW_HASTE_NOW   /* they are ended where that can be */
};

/* Of the workers that have this in common. */
enum fw_haste fw_haste_of(const struct fw_common *common);

/* At least so much from now on; after the stop itself, so that a task that returns
 * for it is its worker's last. */
void fw_haste_raise(struct fw_common *common, enum fw_haste haste);

#endif
