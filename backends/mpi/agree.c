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

/* All of a tally where nothing failed, stopped or is to be added. So short that
 * MPI sends it at once; a longer one first asks the receiver, who may sleep. */
struct brief {
    struct fw_counts counts;
    uint64_t more; /* ranks whose tally has more */
};

static bool has_more(const struct fw_tally *tally)
{
    bool stopped = tally->cause != FW_CAUSE_NONE;

    for (int cause = 0; cause < FW_CAUSES; cause++)
        stopped |= tally->stop[cause].taken != 0;
    return stopped || tally->failures > 0 || tally->note[0] != '\0';
}

static void add_briefs(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++) {
        const struct brief *more = (const struct brief *)in + i;
        struct brief *sum = (struct brief *)inout + i;

        fw_counts_add(&sum->counts, &more->counts);
        sum->more += more->more;
    }
}

static void add_tallies(void *in, void *inout, int *n, MPI_Datatype *type)
{
    (void)type;
    for (int i = 0; i < *n; i++)
        fw_tally_add((struct fw_tally *)inout + i, (const struct fw_tally *)in + i);
}

/* The sum of all ranks' objects of `size` bytes: everybody's, or rank 0's. */
static furrow_status add_up(const void *mine, void *sum, size_t size, MPI_User_function *add, bool everywhere)
{
    MPI_Request request;
    MPI_Datatype type;
    MPI_Op op;
    int code;

    (void)MPI_Type_contiguous((int)size, MPI_BYTE, &type);
    (void)MPI_Type_commit(&type);
    (void)MPI_Op_create(add, 1, &op);
    if (everywhere)
        code = MPI_Iallreduce(mine, sum, 1, type, op, fw_world.comm, &request);
    else
        code = MPI_Ireduce(mine, sum, 1, type, op, 0, fw_world.comm, &request);
    if (code == MPI_SUCCESS)
        code = fw_mpi_wait(&request);
    (void)MPI_Op_free(&op);
    (void)MPI_Type_free(&type);
    return fw_mpi_check(code, everywhere ? "MPI_Iallreduce" : "MPI_Ireduce");
}

furrow_status fw_agree_tally(struct fw_tally *tally)
{
    struct brief mine = { .counts = tally->counts, .more = has_more(tally) }, all;
    struct fw_tally sum;
    furrow_status status;

    if (fw_world.size == 1)
        return FURROW_OK;
    memset(&all, 0, sizeof all);
    status = add_up(&mine, &all, sizeof all, add_briefs, true);
    if (status != FURROW_OK)
        return status;
    if (all.more == 0) {
        *tally = (struct fw_tally){ .counts = all.counts, .cause = FW_CAUSE_NONE };
        return FURROW_OK;
    }
    memset(&sum, 0, sizeof sum);
    status = add_up(tally, &sum, sizeof sum, add_tallies, false);
    if (fw_world.rank == 0)
        *tally = sum;
    return status;
}
