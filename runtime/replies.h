/* Outputs of a length known only to the task, on their way to on_result.
 *
 * Two homes behind one interface. Where workers share the caller's memory a
 * reply is a heap copy. Where they are processes it is a region of a memory
 * file that was opened before they were forked: the worker writes it, the
 * caller maps it for the callback and punches it out afterwards. */
#ifndef FW_REPLIES_H
#define FW_REPLIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fw_reply {
    void *copy;      /* owned, heap home; or NULL */
    uint64_t offset; /* in the memory file */
    size_t size;
    bool given;      /* the task replied, maybe with no bytes */
};

struct fw_replies {
    bool shared;                /* which home. Set by open, then read-only. */
    int fd;                     /* owned, close-on-exec; -1 where not shared */
    _Atomic uint64_t end;       /* of the memory file: where the next reply goes */
    _Atomic uint64_t untaken;   /* bytes given and not yet dropped */
};

/* False: the system refused the memory file. */
bool fw_replies_open(struct fw_replies *replies, bool shared);
void fw_replies_close(struct fw_replies *replies);

/* Copies data; an earlier reply of the same task is dropped. False: no memory;
 * `reply` is then not given. Worker. */
bool fw_replies_give(struct fw_replies *replies, struct fw_reply *reply, const void *data, size_t size);

/* The bytes, valid until dropped; NULL: cannot be mapped (or no bytes). Caller. */
const void *fw_replies_take(struct fw_replies *replies, struct fw_reply *reply);

/* Gives back what the reply holds; harmless where there is none. */
void fw_replies_drop(struct fw_replies *replies, struct fw_reply *reply);

#endif
