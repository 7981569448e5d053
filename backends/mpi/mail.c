#include "mail.h"

#include <string.h>

#include "world.h"

#include "runtime/engine.h"

/* Bytes of one message; a longer letter is several, one behind the other. */
enum { PIECE = 1 << 30, TAG = 1 };

/* -- Writing and reading ------------------------------------------------- */

static struct fw_letter_head *head_of(const struct fw_letter *letter)
{
    return (struct fw_letter_head *)(void *)letter->text;
}

static bool grow(struct fw_letter *letter, size_t more)
{
    size_t room = letter->room > 0 ? letter->room : 4096;
    char *text;

    if (more > SIZE_MAX / 4 || letter->used > SIZE_MAX / 4)
        return false;
    while (room < letter->used + more)
        room *= 2;
    if (room == letter->room)
        return true;
    text = fw_malloc(room);
    if (text == NULL)
        return false;
    if (letter->text != NULL)
        memcpy(text, letter->text, letter->used);
    fw_free(letter->text);
    letter->text = text;
    letter->room = room;
    return true;
}

void *fw_letter_put(struct fw_letter *letter, const void *bytes, size_t size)
{
    const size_t padded = (size + 7) / 8 * 8; /* so that what follows is aligned */
    char *at;

    if (letter->short_of_memory || !grow(letter, padded)) {
        letter->short_of_memory = true;
        return NULL;
    }
    at = letter->text + letter->used;
    letter->used += padded;
    if (padded > size)
        memset(at + size, 0, padded - size);
    if (bytes != NULL)
        memcpy(at, bytes, size);
    else
        memset(at, 0, size);
    return at;
}

void fw_letter_begin(struct fw_letter *letter, enum fw_letter_kind kind)
{
    const struct fw_letter_head head = { 0, (uint32_t)kind, 0 };

    *letter = (struct fw_letter){ NULL, 0, 0, false };
    (void)fw_letter_put(letter, &head, sizeof head);
}

void fw_letter_count(struct fw_letter *letter)
{
    if (!letter->short_of_memory)
        head_of(letter)->n++;
}

uint32_t fw_letter_entries(const struct fw_letter *letter)
{
    return letter->text != NULL ? head_of(letter)->n : 0;
}

void fw_letter_drop(struct fw_letter *letter)
{
    fw_free(letter->text);
    *letter = (struct fw_letter){ NULL, 0, 0, false };
}

const void *fw_post_take(struct fw_post *post, size_t size)
{
    const size_t padded = (size + 7) / 8 * 8;
    const char *at = (const char *)post->head + post->read;

    if (padded > post->head->bytes - post->read)
        return NULL;
    post->read += padded;
    return at;
}

void fw_post_drop(struct fw_post *post)
{
    fw_free(post->head);
    post->head = NULL;
}

/* -- Sending ------------------------------------------------------------ */

struct fw_mail_out {
    struct fw_mail_out *next;
    struct fw_letter letter; /* owned */
    int pieces;
    MPI_Request request[];   /* one a piece */
};

static void add(struct fw_mail *mail, struct fw_mail_out *out)
{
    struct fw_mail_out **end = &mail->out;

    while (*end != NULL)
        end = &(*end)->next;
    *end = out;
    mail->sending += out->letter.used;
}

/* Synchronous: complete only when the addressee has begun to receive, so that
 * what is sent and not received is known here and lies nowhere else. */
static int start(struct fw_mail_out *out, int to)
{
    int code = MPI_SUCCESS;

    for (int i = 0; i < out->pieces && code == MPI_SUCCESS; i++) {
        const size_t at = (size_t)i * PIECE, left = out->letter.used - at;

        code = MPI_Issend(out->letter.text + at, left < PIECE ? (int)left : PIECE, MPI_BYTE, to, TAG, fw_world.comm,
                          &out->request[i]);
    }
    return code;
}

/* Of a call of MPI. */
static furrow_status check(struct fw_mail *mail, int code, const char *call)
{
    mail->broken |= code != MPI_SUCCESS;
    return fw_mpi_check(code, call);
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
    head_of(letter)->bytes = letter->used;
    *out = (struct fw_mail_out){ .letter = *letter, .pieces = pieces };
    *letter = (struct fw_letter){ NULL, 0, 0, false };
    for (int i = 0; i < pieces; i++)
        out->request[i] = MPI_REQUEST_NULL;
    add(mail, out);
    return check(mail, start(out, to), "MPI_Issend");
}

furrow_status fw_mail_insist(struct fw_mail *mail, enum fw_letter_kind kind, int to)
{
    struct fw_pause pause = { 0, 0 };

    for (;;) {
        struct fw_letter letter;
        furrow_status status;

        fw_letter_begin(&letter, kind);
        status = fw_mail_send(mail, &letter, to);
        if (status != FURROW_ENOMEM)
            return status;
        status = fw_mail_push(mail);
        if (status != FURROW_OK)
            return status;
        fw_pause(&pause);
    }
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
        mail->sending -= out->letter.used;
        *at = out->next;
        fw_letter_drop(&out->letter);
        fw_free(out);
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

static int receive_piece(MPI_Message *message, char *at, int bytes)
{
    MPI_Request request;
    int code = MPI_Imrecv(at, bytes, MPI_BYTE, message, &request);

    return code == MPI_SUCCESS ? fw_mpi_wait(&request) : code;
}

/* The pieces behind the first one, which are on their way. */
static int receive_rest(char *text, size_t have, size_t bytes, int from)
{
    int code = MPI_SUCCESS;

    while (have < bytes && code == MPI_SUCCESS) {
        const size_t left = bytes - have;
        const int piece = left < PIECE ? (int)left : PIECE;
        MPI_Request request;

        code = MPI_Irecv(text + have, piece, MPI_BYTE, from, TAG, fw_world.comm, &request);
        if (code == MPI_SUCCESS)
            code = fw_mpi_wait(&request);
        have += (size_t)piece;
    }
    return code;
}

static int receive(struct fw_post *post, MPI_Message *message, int first)
{
    struct fw_letter_head *head = fw_malloc((size_t)first);
    int code = head != NULL ? receive_piece(message, (char *)head, first) : MPI_ERR_NO_MEM;

    if (code == MPI_SUCCESS && head->bytes > (uint64_t)first) {
        char *whole = fw_malloc((size_t)head->bytes);

        if (whole != NULL)
            memcpy(whole, head, (size_t)first);
        code = whole != NULL ? receive_rest(whole, (size_t)first, (size_t)head->bytes, post->from) : MPI_ERR_NO_MEM;
        fw_free(head);
        head = (struct fw_letter_head *)(void *)whole;
    }
    post->head = head;
    post->read = sizeof *head;
    return code;
}

furrow_status fw_mail_receive(struct fw_mail *mail, struct fw_post *post)
{
    MPI_Message message;
    MPI_Status what;
    int there = 0, bytes = 0;
    int code = MPI_Improbe(MPI_ANY_SOURCE, TAG, fw_world.comm, &there, &message, &what);

    post->head = NULL;
    if (code != MPI_SUCCESS || !there)
        return check(mail, code, "MPI_Improbe");
    (void)MPI_Get_count(&what, MPI_BYTE, &bytes);
    post->from = what.MPI_SOURCE;
    code = receive(post, &message, bytes);
    if (code != MPI_SUCCESS)
        fw_post_drop(post);
    return check(mail, code, "MPI_Imrecv");
}
