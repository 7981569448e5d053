/* Tasks that are tried again later: a list without a lock, in memory that
 * process workers share.
 *
 * A stack of indices. Its head has a tag that counts pushes and pops, so that a
 * head which came back is not taken for the one before. */
#ifndef FW_AGAIN_H
#define FW_AGAIN_H

#include <stdbool.h>
#include <stddef.h>

struct furrow_work;

/* A task to be tried again later: linked by index + 1, 0 ends. */
struct fw_again {
    size_t next;
    unsigned attempt; /* of the next try; only grows, and is stored before the task is linked */
};
enum { FW_AGAIN_BITS = 48 }; /* of again_head that are an index + 1 */

/* Tasks whose next try comes later. push: its worker, or the supervisor of dead
 * ones. pop: any worker; false: none. */
void fw_work_again_push(struct furrow_work *work, size_t index, unsigned attempt);
bool fw_work_again_pop(struct furrow_work *work, size_t *index, unsigned *attempt);

#endif
