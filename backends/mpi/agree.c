#include "agree.h"

#include <limits.h>
#include <string.h>

#include "wait.h"
#include "world.h"

/* Bytes of one message: counts are ints, and below 2 GiB every MPI is right. */
static const size_t piece_most = (size_t)1 << 30;

static furrow_status spread(void *bytes, size_t size, int root, MPI_Comm comm)
{
    char *at = bytes;

    while (size > 0) {
        const size_t piece = size < piece_most ? size : piece_most;
        MPI_Request request;
        int code = MPI_Ibcast(at, (int)piece, MPI_BYTE, root, comm, &request);

        if (code == MPI_SUCCESS)
            code = fw_mpi_wait(&request);
        if (code != MPI_SUCCESS)
            return fw_mpi_check(code, "MPI_Ibcast");
        at += piece;
        size -= piece;
    }
    return FURROW_OK;
}

furrow_status fw_agree_bytes(void *bytes, size_t size, int root)
{
    return fw_world.size > 1 ? spread(bytes, size, root, fw_world.comm) : FURROW_OK;
}

furrow_status fw_agree_node_bytes(void *bytes, size_t size)
{
    return fw_world.node_size > 1 ? spread(bytes, size, 0, fw_world.node) : FURROW_OK;
}

furrow_status fw_agree_leaders_bytes(void *bytes, size_t size)
{
    return spread(bytes, size, 0, fw_world.leaders);
}

/* -- Statuses ----------------------------------------------------------- */

struct words {
    furrow_status status;
    uint32_t invalid;
    char text[FURROW_MESSAGE];
};

static void say(struct words *words, furrow_status status, bool invalid)
{
    words->status = status;
    words->invalid = invalid;
    words->text[0] = '\0';
    if (fw_world.rank > 0)
        fw_message_append(words->text, "rank %d (%s): %s", fw_world.rank, fw_world.host, furrow_message());
    else
        fw_text_copy(words->text, sizeof words->text, furrow_message());
}

furrow_status fw_agree_status(furrow_status mine, bool *wants, bool *invalid)
{
    /* The lowest rank that found something wrong, and minus one where one wants. */
    int say_all[2] = { mine != FURROW_OK ? fw_world.rank : INT_MAX, *wants ? -1 : 0 }, all[2];
    struct words words;
    MPI_Request request;
    furrow_status status;
    int code;

    if (fw_world.size == 1)
        return mine;
    code = MPI_Iallreduce(say_all, all, 2, MPI_INT, MPI_MIN, fw_world.comm, &request);
    if (code == MPI_SUCCESS)
        code = fw_mpi_wait(&request);
    if (code != MPI_SUCCESS)
        return fw_mpi_check(code, "MPI_Iallreduce");
    *wants = all[1] < 0;
    if (all[0] == INT_MAX)
        return FURROW_OK;
    memset(&words, 0, sizeof words);
    if (all[0] == fw_world.rank)
        say(&words, mine, *invalid);
    status = fw_agree_bytes(&words, sizeof words, all[0]);
    if (status != FURROW_OK)
        return status;
    *invalid = words.invalid != 0;
    return fw_fail(words.status, "%s", words.text);
}

/* -- Tallies ------------------------------------------------------------ */

static void add(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++)
        fw_tally_add((struct fw_tally *)inout + i, (const struct fw_tally *)in + i);
}

static int reduce(struct fw_tally *tally, struct fw_tally *sum, MPI_Datatype type, MPI_Op op)
{
    MPI_Request request;
    int code = MPI_Ireduce(tally, sum, 1, type, op, 0, fw_world.comm, &request);

    return code == MPI_SUCCESS ? fw_mpi_wait(&request) : code;
}

furrow_status fw_agree_tally(struct fw_tally *tally)
{
    struct fw_tally sum;
    MPI_Datatype type;
    MPI_Op op;
    int code;

    if (fw_world.size == 1)
        return FURROW_OK;
    memset(&sum, 0, sizeof sum);
    (void)MPI_Type_contiguous((int)sizeof *tally, MPI_BYTE, &type);
    (void)MPI_Type_commit(&type);
    (void)MPI_Op_create(add, 1, &op);
    code = reduce(tally, &sum, type, op);
    (void)MPI_Op_free(&op);
    (void)MPI_Type_free(&type);
    if (fw_world.rank == 0)
        *tally = sum;
    return fw_mpi_check(code, "MPI_Ireduce");
}
