/* Messages between rank 0 and the others while a job runs: non-blocking, any
 * size, in order between two ranks.
 *
 * One thread of a rank, the one that may call MPI, has a mailbox for a job. A
 * rank that has no memory left still says that it fails, and still receives:
 * others wait for both. So letters without entries need none, and no message is
 * longer than a reserve, in which a letter of one message can be read, and from
 * which one of several gets lost. */
#ifndef FW_MPI_MAIL_H
#define FW_MPI_MAIL_H

#include "letter.h"
#include "wait.h"

#include "runtime/message.h"

struct fw_mail_out;

struct fw_mail {
    struct fw_mail_out *out;    /* owned: what is being sent, oldest first */
    struct fw_mail_out *spare;  /* of `reserve`, for letters without entries */
    struct fw_mail_out *reserve; /* owned */
    void *nowhere;              /* owned: room for a message where there is no memory for it */
    size_t sending;             /* bytes of what is being sent */
    bool broken;                /* MPI failed: letters are lost, and nobody is to be waited for */
};

/* For letters to so many other ranks. FURROW_ENOMEM. */
FW_MUST_CHECK furrow_status fw_mail_open(struct fw_mail *mail, int others);
/* Also of one that was never opened, all zero. */
void fw_mail_close(struct fw_mail *mail);

/* Hands the letter over, which is empty then. FURROW_ENOMEM, FURROW_ESYS. */
FW_MUST_CHECK furrow_status fw_mail_send(struct fw_mail *mail, struct fw_letter *letter, int to);

/* A letter without entries, with a number: needs no memory as long as at most
 * FW_MAIL_WORDS of them to each of the others are on the way. FURROW_ESYS. */
enum { FW_MAIL_WORDS = 6 };
FW_MUST_CHECK furrow_status fw_mail_say(struct fw_mail *mail, enum fw_letter_kind kind, uint32_t n, int to);

/* Frees what has been received by its addressee. */
FW_MUST_CHECK furrow_status fw_mail_push(struct fw_mail *mail);

/* The next letter that has come; post->head is NULL where there is none, and
 * with FURROW_ENOMEM, where there was one that is lost. FURROW_ESYS: also where
 * what came is no letter. One that is not `owned` is overwritten by the next. */
FW_MUST_CHECK furrow_status fw_mail_receive(struct fw_mail *mail, struct fw_post *post);

/* Waits until all was received, unless MPI fails. */
FW_MUST_CHECK furrow_status fw_mail_flush(struct fw_mail *mail);

#endif
