/* Messages between rank 0 and the others while a job runs: non-blocking, any
 * size, in order between two ranks.
 *
 * One thread of a rank, the one that may call MPI, has a mailbox for a job. */
#ifndef FW_MPI_MAIL_H
#define FW_MPI_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wait.h"

#include "runtime/message.h"

enum fw_letter_kind {
    FW_LETTER_TASKS = 1, /* from rank 0: run these */
    FW_LETTER_RECALL,    /* from rank 0: give back up to `n` tasks that nobody has begun */
    FW_LETTER_STOP,      /* from rank 0: the job stops; n: how running tasks are concerned */
    FW_LETTER_END,       /* from rank 0: no more tasks; then: no more letters. To rank 0: all have left */
    FW_LETTER_RESULTS,   /* to rank 0 */
    FW_LETTER_UNRUN,     /* to rank 0: tasks that were not run */
    FW_LETTER_STOPPED,   /* to rank 0: the job stops, for a reason seen here; n as above */
    FW_LETTER_WANTED     /* to rank 0: this node has few tasks left */
};

/* How a letter begins; what follows depends on its kind. */
struct fw_letter_head {
    uint64_t bytes; /* of the whole letter */
    uint32_t kind;
    uint32_t n;     /* entries */
};

/* A letter being written: grows by what is put into it. */
struct fw_letter {
    char *text; /* owned; begins with the head. NULL: nothing yet, or no memory */
    size_t used, room;
    bool short_of_memory;
};

void fw_letter_begin(struct fw_letter *letter, enum fw_letter_kind kind);
/* Appends bytes; `bytes` NULL: room for them, zeroed. Returns where they are,
 * valid until the next put; NULL: no memory, which fw_mail_send() tells. */
void *fw_letter_put(struct fw_letter *letter, const void *bytes, size_t size);
/* One more entry was put. */
void fw_letter_count(struct fw_letter *letter);
uint32_t fw_letter_entries(const struct fw_letter *letter);
void fw_letter_drop(struct fw_letter *letter);

/* A letter that came. */
struct fw_post {
    struct fw_letter_head *head; /* owned; fw_post_drop() */
    int from;
    size_t read; /* bytes taken, the head among them */
};

/* The next `size` bytes; NULL: the letter is shorter. */
const void *fw_post_take(struct fw_post *post, size_t size);
void fw_post_drop(struct fw_post *post);

struct fw_mail_out;

struct fw_mail {
    struct fw_mail_out *out; /* owned: what is being sent, oldest first */
    size_t sending;          /* bytes of it */
    bool broken;             /* MPI failed: letters are lost, and nobody is to be waited for */
};

/* Hands the letter over, which is empty then. FURROW_ENOMEM, FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_mail_send(struct fw_mail *mail, struct fw_letter *letter, int to);

/* A letter without entries; waits where there is no memory for it, since the
 * addressee waits for it. FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_mail_insist(struct fw_mail *mail, enum fw_letter_kind kind, int to);

/* Frees what has been received by its addressee. */
FW_MUST_CHECK furrow_status fw_mail_push(struct fw_mail *mail);

/* The next letter that has come; post->head is NULL where there is none. */
FW_MUST_CHECK furrow_status fw_mail_receive(struct fw_mail *mail, struct fw_post *post);

/* Waits until all was received, unless MPI fails. */
FW_MUST_CHECK furrow_status fw_mail_flush(struct fw_mail *mail);

#endif
