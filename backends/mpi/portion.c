#include "portion.h"

#include <string.h>

#include "world.h"

#include "runtime/engine.h"

enum { WORDS = 32, MOST = 64 * WORDS }; /* CPUs of a host; where there are more nothing is dealt */

/* What a rank may use, by place in hwloc's order. Plain bytes. */
struct claim {
    uint64_t joins;
    uint64_t word[WORDS];
};

static bool claims(const struct claim *claim, int place)
{
    return (claim->word[place / 64] >> (place % 64) & 1) != 0;
}

static bool is_all_of_host(int ranks)
{
    const struct fw_launcher *launcher = fw_cpus_launcher();

    return launcher->name == NULL || launcher->local_size == ranks;
}

static struct claim claim_of(const struct fw_topology *topology, const struct fw_cpus *cpus, int ranks)
{
    struct claim claim = { .joins = topology->npus <= MOST && is_all_of_host(ranks) };
    int place = 0;

    for (int i = 0; i < cpus->nallowed && claim.joins; i++) { /* both are in hwloc's order */
        while (place < topology->npus && topology->pu[place].os != cpus->allowed[i])
            place++;
        if (place < topology->npus)
            claim.word[place / 64] |= UINT64_C(1) << (place % 64);
    }
    return claim;
}

static bool all_join(const struct claim *claim, int ranks)
{
    for (int r = 0; r < ranks; r++)
        if (!claim[r].joins)
            return false;
    return true;
}

static int count_all(const struct claim *claim, int ranks)
{
    int n = 0;

    for (int place = 0; place < MOST; place++)
        for (int r = 0; r < ranks; r++)
            if (claims(&claim[r], place)) {
                n++;
                break;
            }
    return n;
}

/* `may` and `os` have room for ranks * npus and npus entries. */
static furrow_status take(const struct fw_topology *topology, const struct claim *claim, int ranks, int rank, bool *may,
                          int *os)
{
    const int npus = topology->npus;
    furrow_status status;
    int n = 0;

    for (int r = 0; r < ranks; r++)
        for (int p = 0; p < npus; p++)
            may[(size_t)r * (size_t)npus + (size_t)p] = claims(&claim[r], p);
    status = fw_ranks_deal(may, ranks, npus, os);
    if (status != FURROW_OK)
        return status;
    for (int p = 0; p < npus; p++) /* owners become indices, none before its place */
        if (os[p] == rank)
            os[n++] = topology->pu[p].os;
    return fw_cpus_dealt(os, n, ranks);
}

static furrow_status deal(const struct fw_topology *topology, const struct claim *claim, int ranks, int rank)
{
    const size_t npus = (size_t)topology->npus;
    bool *may = fw_malloc((size_t)ranks * npus * sizeof *may);
    int *os = fw_malloc(npus * sizeof *os);
    furrow_status status = FURROW_OK;

    if (may != NULL && os != NULL)
        status = take(topology, claim, ranks, rank, may, os);
    else
        status = fw_fail(FURROW_ENOMEM, "mpi: no memory to deal the CPUs of a host to %d ranks", ranks);
    fw_free(may);
    fw_free(os);
    return status;
}

/* True on all ranks of the host or on none. */
static bool all_have(bool have, MPI_Comm host)
{
    const int mine = have;
    int all = 0;

    return MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, host) == MPI_SUCCESS && all;
}

furrow_status fw_portion_take(MPI_Comm host, struct fw_crowd *crowd)
{
    const struct fw_topology *topology;
    struct claim mine, *all;
    int ranks = 1, rank = 0;
    furrow_status status;

    (void)MPI_Comm_size(host, &ranks);
    (void)MPI_Comm_rank(host, &rank);
    *crowd = (struct fw_crowd){ ranks, fw_cpus()->nallowed };
    if (fw_cpus_launcher()->local_size > ranks)
        crowd->ranks = fw_cpus_launcher()->local_size;
    if (ranks == 1)
        return FURROW_OK;
    if (fw_topology(&topology) != FURROW_OK) /* said by every job */
        fw_message_clear();
    mine = claim_of(topology, fw_cpus(), ranks);
    all = fw_malloc((size_t)ranks * sizeof *all);
    if (!all_have(all != NULL, host)) {
        fw_free(all);
        return fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %d ranks on one of them", ranks);
    }
    status = fw_mpi_check(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, host), "MPI_Allgather");
    if (status == FURROW_OK && all_join(all, ranks)) {
        crowd->cpus = count_all(all, ranks);
        status = deal(topology, all, ranks, rank);
    }
    fw_free(all);
    return status;
}
