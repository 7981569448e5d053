/* Letters between ranks as bytes: how they are written and read. No MPI, and no
 * trust: what another rank sent may have any length and hold anything. */
#ifndef FW_MPI_LETTER_H
#define FW_MPI_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fw_letter_kind {
    FW_LETTER_TASKS = 1, /* from rank 0: run these */
    FW_LETTER_RECALL,    /* from rank 0: give back tasks that nobody has begun; with callbacks up to n, else some */
    FW_LETTER_STOP,      /* from rank 0: the job stops; n: how running tasks are concerned */
    FW_LETTER_END,       /* from rank 0: no more tasks; then: no more letters. To rank 0: all have left */
    FW_LETTER_RESULTS,   /* to rank 0 */
    FW_LETTER_UNRUN,     /* to rank 0: tasks that were not run */
    FW_LETTER_STOPPED,   /* to rank 0: the job stops, for a reason seen here; n as above */
    FW_LETTER_LOST,      /* to rank 0: the job failed here, and what was lent to this rank comes back no more */
    FW_LETTER_WANTED     /* to rank 0: this node has few tasks left */
};

/* How a letter begins; what follows depends on its kind. */
struct fw_letter_head {
    uint64_t bytes; /* of the whole letter */
    uint32_t kind;
    uint32_t n;     /* entries */
};

/* -- Writing ------------------------------------------------------------- */

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
/* Something was put into it, or should have been. */
bool fw_letter_begun(const struct fw_letter *letter);
/* The head says how long the letter is: it is complete. */
void fw_letter_seal(struct fw_letter *letter);
void fw_letter_drop(struct fw_letter *letter);

/* -- Reading ------------------------------------------------------------- */

/* Bytes of a letter of which the first `came` are at `head`, where messages have
 * at most `piece` of them. 0: what came is no letter. */
size_t fw_letter_length(const struct fw_letter_head *head, size_t came, size_t piece);

/* A letter that came. */
struct fw_post {
    struct fw_letter_head *head; /* NULL: none */
    bool owned;   /* `head`; else it is the mailbox's, until the next letter */
    int from;
    size_t bytes; /* that are there */
    size_t read;  /* of them taken, the head among them */
};

/* The next `size` bytes, aligned for any entry; NULL: the letter is shorter. */
const void *fw_post_take(struct fw_post *post, size_t size);
void fw_post_drop(struct fw_post *post);

#endif
