#include "mail.h"

#include <string.h>

#include "world.h"

#include "runtime/engine.h"

/* Bytes of one message; a longer letter is several, one behind the other. Most
 * letters are shorter (lend.c, plot.c). */
enum { PIECE = 2 << 20, TAG = 1 };

struct fw_mail_out {
    struct fw_mail_out *next;
    struct fw_letter letter;    /* owned; or its text is `head` */
    struct fw_letter_head head; /* of a letter without entries */
    bool reserved;              /* one of the mailbox's reserve */
    int pieces;
    MPI_Request *request;       /* one a piece: `first`, or behind this */
    MPI_Request first;
};

furrow_status fw_mail_open(struct fw_mail *mail, int others)
{
    const size_t n = (size_t)others * FW_MAIL_WORDS;

    memset(mail, 0, sizeof *mail);
    mail->reserve = fw_malloc(n * sizeof *mail->reserve);
    mail->nowhere = fw_malloc(PIECE);
    if (mail->reserve == NULL || mail->nowhere == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for messages to %d ranks", others);
    for (size_t i = 0; i < n; i++) {
        mail->reserve[i] = (struct fw_mail_out){ .next = mail->spare, .reserved = true };
        mail->spare = &mail->reserve[i];
    }
    return FURROW_OK;
}

void fw_mail_close(struct fw_mail *mail)
{
    if (mail->out == NULL) /* else MPI failed, and may still read them */
        fw_free(mail->reserve);
    fw_free(mail->nowhere);
    memset(mail, 0, sizeof *mail);
}

/* -- Sending ------------------------------------------------------------ */

static void add(struct fw_mail *mail, struct fw_mail_out *out)
{
    struct fw_mail_out **end = &mail->out;

    while (*end != NULL)
        end = &(*end)->next;
    out->next = NULL;
    *end = out;
    mail->sending += out->letter.used;
}

static void drop(struct fw_mail *mail, struct fw_mail_out *out)
{
    mail->sending -= out->letter.used;
    if (out->letter.text != (char *)&out->head)
        fw_letter_drop(&out->letter);
    if (out->reserved) {
        out->next = mail->spare;
        mail->spare = out;
    } else {
        fw_free(out);
    }
}

/* Of a call of MPI. */
static furrow_status check(struct fw_mail *mail, int code, const char *call)
{
    mail->broken |= code != MPI_SUCCESS;
    return fw_mpi_check(code, call);
}

/* Synchronous: complete only when the addressee has begun to receive, so that
 * what is sent and not received is known here and lies nowhere else. */
static furrow_status start(struct fw_mail *mail, struct fw_mail_out *out, int to)
{
    int code = MPI_SUCCESS;

    fw_letter_seal(&out->letter);
    for (int i = 0; i < out->pieces; i++)
        out->request[i] = MPI_REQUEST_NULL;
    add(mail, out);
    for (int i = 0; i < out->pieces && code == MPI_SUCCESS; i++) {
        const size_t at = (size_t)i * PIECE, left = out->letter.used - at;

        code = MPI_Issend(out->letter.text + at, left < PIECE ? (int)left : PIECE, MPI_BYTE, to, TAG, fw_world.comm,
                          &out->request[i]);
    }
    return check(mail, code, "MPI_Issend");
}

furrow_status fw_mail_send(struct fw_mail *mail, struct fw_letter *letter, int to)
{
    const int pieces = (int)((letter->used + PIECE - 1) / PIECE);
    struct fw_mail_out *out =
        letter->short_of_memory ? NULL : fw_malloc(sizeof *out + (size_t)pieces * sizeof out->request[0]);

    if (out == NULL) {
        fw_letter_drop(letter);
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a message to rank %d; run fewer or smaller tasks at a time", to);
    }
    *out = (struct fw_mail_out){ .letter = *letter, .pieces = pieces, .request = (MPI_Request *)(void *)(out + 1) };
    *letter = (struct fw_letter){ NULL, 0, 0, false };
    return start(mail, out, to);
}

furrow_status fw_mail_say(struct fw_mail *mail, enum fw_letter_kind kind, uint32_t n, int to)
{
    struct fw_mail_out *out = mail->spare;

    if (out != NULL)
        mail->spare = out->next;
    else if ((out = fw_malloc(sizeof *out)) == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a message to rank %d; run fewer or smaller tasks at a time", to);
    else
        out->reserved = false;
    out->head = (struct fw_letter_head){ 0, (uint32_t)kind, n };
    out->letter = (struct fw_letter){ (char *)&out->head, sizeof out->head, sizeof out->head, false };
    out->pieces = 1;
    out->request = &out->first;
    return start(mail, out, to);
}

furrow_status fw_mail_push(struct fw_mail *mail)
{
    struct fw_mail_out **at = &mail->out;

    while (*at != NULL) {
        struct fw_mail_out *out = *at;
        int done = 0, code = MPI_Testall(out->pieces, out->request, &done, MPI_STATUSES_IGNORE);

        if (code != MPI_SUCCESS)
            return check(mail, code, "MPI_Testall");
        if (!done) {
            at = &out->next;
            continue;
        }
        *at = out->next;
        drop(mail, out);
    }
    return FURROW_OK;
}

furrow_status fw_mail_flush(struct fw_mail *mail)
{
    struct fw_pause pause = { 0, 0 };
    furrow_status status = fw_mail_push(mail);

    while (status == FURROW_OK && mail->out != NULL && !mail->broken) {
        fw_pause(&pause);
        status = fw_mail_push(mail);
    }
    return status;
}

/* -- Receiving ---------------------------------------------------------- */

static int receive_first(MPI_Message *message, void *at, int bytes)
{
    MPI_Request request;
    int code = MPI_Imrecv(at, bytes, MPI_BYTE, message, &request);

    return code == MPI_SUCCESS ? fw_mpi_wait(&request) : code;
}

static int receive_next(void *at, int bytes, int from)
{
    MPI_Request request;
    int code = MPI_Irecv(at, bytes, MPI_BYTE, from, TAG, fw_world.comm, &request);

    return code == MPI_SUCCESS ? fw_mpi_wait(&request) : code;
}

/* The pieces behind the first one, which are on their way. `text` NULL: they are
 * lost. */
static int receive_rest(const struct fw_mail *mail, char *text, size_t have, size_t bytes, int from)
{
    int code = MPI_SUCCESS;

    while (have < bytes && code == MPI_SUCCESS) {
        const size_t left = bytes - have;
        const int piece = left < PIECE ? (int)left : PIECE;

        code = receive_next(text != NULL ? text + have : mail->nowhere, piece, from);
        have += (size_t)piece;
    }
    return code;
}

/* A letter whose first piece is in `post`, and the rest on its way. */
static furrow_status complete(struct fw_mail *mail, struct fw_post *post, size_t came)
{
    char *whole = fw_malloc(post->bytes);
    furrow_status status;

    if (whole != NULL)
        memcpy(whole, post->head, came);
    fw_post_drop(post);
    status = check(mail, receive_rest(mail, whole, came, post->bytes, post->from), "MPI_Irecv");
    post->head = (struct fw_letter_head *)(void *)whole;
    post->owned = true;
    if (status == FURROW_OK && whole == NULL)
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a message of rank %d (%zu bytes); run fewer or smaller tasks "
                       "at a time", post->from, post->bytes);
    return status;
}

static furrow_status receive(struct fw_mail *mail, struct fw_post *post, MPI_Message *message, int came)
{
    const size_t least = sizeof *post->head;
    void *at = came <= PIECE ? fw_malloc((size_t)came > least ? (size_t)came : least) : NULL;
    furrow_status status;

    post->owned = at != NULL;
    post->head = at != NULL ? at : mail->nowhere;
    status = check(mail, receive_first(message, post->head, came <= PIECE ? came : PIECE), "MPI_Imrecv");
    if (status != FURROW_OK)
        return status;
    post->bytes = fw_letter_length(post->head, (size_t)came, PIECE);
    post->read = sizeof *post->head;
    if (post->bytes == 0)
        return fw_fail(FURROW_ESYS, "mpi: a message of rank %d makes no sense; are all ranks of one build of furrow?",
                       post->from);
    return post->bytes > (size_t)came ? complete(mail, post, (size_t)came) : FURROW_OK;
}

furrow_status fw_mail_receive(struct fw_mail *mail, struct fw_post *post)
{
    MPI_Message message;
    MPI_Status what;
    furrow_status status;
    int there = 0, bytes = 0;
    int code = MPI_Improbe(MPI_ANY_SOURCE, TAG, fw_world.comm, &there, &message, &what);

    *post = (struct fw_post){ .head = NULL };
    if (code != MPI_SUCCESS || !there)
        return check(mail, code, "MPI_Improbe");
    (void)MPI_Get_count(&what, MPI_BYTE, &bytes);
    post->from = what.MPI_SOURCE;
    status = receive(mail, post, &message, bytes);
    if (status != FURROW_OK)
        fw_post_drop(post);
    return status;
}
