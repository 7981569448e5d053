/* furrow_mpi_init() and what it sets up. Everything here is collective over the
 * communicator; errors of MPI itself are returned, as far as it returns them. */
#include "world.h"

#include <string.h>
#include <unistd.h>

#include <furrow/mpi.h>

#include "agree.h"
#include "backend.h"
#include "job.h"
#include "portion.h"
#include "serve.h"
#include "wait.h"

#include "runtime/engine.h"

struct fw_world fw_world = { .comm = MPI_COMM_NULL, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL,
                           .kept = { { NULL, 0, -1 }, { NULL, 0, -1 } } };

bool fw_world_here(void)
{
    return fw_world.any_thread || pthread_equal(fw_world.thread, pthread_self()) != 0;
}

furrow_status fw_mpi_check(int code, const char *call)
{
    char words[MPI_MAX_ERROR_STRING] = "";
    int length = 0;

    if (code == MPI_SUCCESS)
        return FURROW_OK;
    (void)MPI_Error_string(code, words, &length);
    return fw_fail(FURROW_ESYS, "mpi: %s failed: %.120s", call, words);
}

/* -- Who is where ------------------------------------------------------- */

/* What the lowest rank of a host shows the others. Plain bytes. */
struct sign {
    struct fw_window_address address;
    uint64_t mark; /* what stands at its start */
    int32_t leader, unused;
};

/* *leader: in, this rank; out, the lowest one of its host where this rank can map
 * memory that it made. *all: whether all ranks of the host can. */
static void find_leader(MPI_Comm host, int host_rank, int *leader, bool *all)
{
    struct sign sign = { .mark = (uint64_t)getpid() << 32 ^ fw_now(), .leader = *leader };
    struct fw_window window;
    int shares = 1, all_share = 0;

    if (host_rank == 0 && fw_window_make(&window, (size_t)sysconf(_SC_PAGESIZE)))
        memcpy(window.base, &sign.mark, sizeof sign.mark);
    if (host_rank == 0)
        sign.address = fw_window_address(&window);
    (void)MPI_Bcast(&sign, sizeof sign, MPI_BYTE, 0, host);
    if (host_rank > 0)
        shares = fw_window_open(&window, &sign.address) && memcmp(window.base, &sign.mark, sizeof sign.mark) == 0;
    (void)MPI_Allreduce(&shares, &all_share, 1, MPI_INT, MPI_MIN, host);
    fw_window_close(&window);
    *leader = shares ? sign.leader : *leader;
    *all = all_share != 0;
}

/* The node: ranks on one host that share memory with the lowest of them; one
 * that does not is a node of its own. CPUs are the host's. */
static furrow_status find_node(struct fw_world *world, int *leader)
{
    furrow_status status;
    MPI_Comm host = MPI_COMM_NULL;
    struct fw_crowd crowd;
    int host_rank = 0, code;
    bool all;

    *leader = world->rank;
    code = MPI_Comm_split_type(world->comm, MPI_COMM_TYPE_SHARED, world->rank, MPI_INFO_NULL, &host);
    if (code != MPI_SUCCESS)
        return fw_mpi_check(code, "MPI_Comm_split_type");
    status = fw_portion_take(host, &crowd);
    world->looks = fw_pace_looks(crowd.ranks, crowd.cpus);
    (void)MPI_Comm_rank(host, &host_rank);
    find_leader(host, host_rank, leader, &all);
    world->node = host;
    if (!all) { /* those that do are a node, each other one is one */
        code = MPI_Comm_split(host, *leader, world->rank, &world->node);
        (void)MPI_Comm_free(&host);
    }
    if (code == MPI_SUCCESS) {
        (void)MPI_Comm_rank(world->node, &world->node_rank);
        (void)MPI_Comm_size(world->node, &world->node_size);
    }
    return status != FURROW_OK ? status : fw_mpi_check(code, "MPI_Comm_split");
}

static void count_nodes(struct fw_world *world)
{
    world->nodes = 0;
    for (int r = 0; r < world->size; r++)
        world->nodes += world->peer[r].leader == r;
}

/* What one rank alone found wrong ends the same way on all: none waits for it. */
static furrow_status agree(const struct fw_world *world, furrow_status status)
{
    const int bad = status != FURROW_OK;
    int any = bad;
    bool unused = false;
    furrow_status reduced = fw_mpi_check(MPI_Allreduce(&bad, &any, 1, MPI_INT, MPI_MAX, world->comm), "MPI_Allreduce");

    if (reduced != FURROW_OK)
        return reduced;
    return any ? fw_agree_status(status, &unused, &unused) : FURROW_OK;
}

static furrow_status look_around(struct fw_world *world)
{
    struct fw_peer mine;
    int code, leader;
    furrow_status status = find_node(world, &leader);

    world->peer = fw_malloc((size_t)world->size * sizeof *world->peer);
    if (status == FURROW_OK && world->peer == NULL)
        status = fw_fail(FURROW_ENOMEM, "mpi: no memory for a table of %d ranks", world->size);
    status = agree(world, status);
    if (status != FURROW_OK)
        return status;
    mine = (struct fw_peer){ fw_cpus()->count, leader };
    code = MPI_Allgather(&mine, sizeof mine, MPI_BYTE, world->peer, sizeof mine, MPI_BYTE, world->comm);
    if (code != MPI_SUCCESS)
        return fw_mpi_check(code, "MPI_Allgather");
    count_nodes(world);
    if (world->nodes == 1)
        return FURROW_OK;
    return fw_mpi_check(MPI_Comm_split(world->comm, world->node_rank == 0 ? 0 : MPI_UNDEFINED, world->rank,
                                       &world->leaders), "MPI_Comm_split");
}

/* -- Public ------------------------------------------------------------- */

static bool is_running(void)
{
    int initialized = 0, finalized = 0;

    (void)MPI_Initialized(&initialized);
    (void)MPI_Finalized(&finalized);
    return initialized && !finalized;
}

static void put_down(struct fw_world *world)
{
    for (int turn = 0; turn < 2; turn++)
        fw_window_close(&world->kept[turn]);
    fw_free(world->peer);
    world->peer = NULL;
    if (world->leaders != MPI_COMM_NULL)
        (void)MPI_Comm_free(&world->leaders);
    if (world->node != MPI_COMM_NULL)
        (void)MPI_Comm_free(&world->node);
    if (world->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&world->comm);
    world->serves = world->ended = false;
}

static furrow_status take_up(struct fw_world *world, MPI_Comm comm)
{
    furrow_status status = fw_mpi_check(MPI_Comm_dup(comm, &world->comm), "MPI_Comm_dup");
    int level = MPI_THREAD_SINGLE;

    if (status != FURROW_OK) {
        world->comm = MPI_COMM_NULL;
        return status;
    }
    (void)MPI_Comm_set_errhandler(world->comm, MPI_ERRORS_RETURN);
    (void)MPI_Comm_rank(world->comm, &world->rank);
    (void)MPI_Comm_size(world->comm, &world->size);
    (void)MPI_Query_thread(&level);
    world->any_thread = level == MPI_THREAD_MULTIPLE;
    world->thread = pthread_self();
    if (gethostname(world->host, sizeof world->host) != 0)
        world->host[0] = '\0';
    world->host[sizeof world->host - 1] = '\0';
    status = look_around(world);
    if (status != FURROW_OK)
        put_down(world);
    return status;
}

static furrow_status check_comm(MPI_Comm comm)
{
    int inter = 0;

    if (!is_running())
        return fw_fail(FURROW_EINVAL, "furrow_mpi_use: MPI is not running; call furrow_mpi_init() or MPI_Init() before, "
                                      "and no furrow_mpi_use() after MPI_Finalize()");
    if (atomic_load(&fw_world.busy) != 0)
        return fw_fail(FURROW_EINVAL, "furrow_mpi_use: a job on mpi runs; call it between jobs");
    if (fw_world.serves)
        return fw_fail(FURROW_EINVAL, "furrow_mpi_use: the other ranks serve this one until furrow_mpi_finalize(); "
                                      "choose the communicator before furrow_mpi_serve()");
    if (comm != MPI_COMM_NULL && MPI_Comm_test_inter(comm, &inter) == MPI_SUCCESS && inter)
        return fw_fail(FURROW_EINVAL, "furrow_mpi_use: this is an inter-communicator; merge it with MPI_Intercomm_merge()");
    return FURROW_OK;
}

furrow_status furrow_mpi_use(MPI_Comm comm)
{
    furrow_status status;

    fw_message_clear();
    status = fw_backend_install();
    if (status == FURROW_OK)
        status = check_comm(comm);
    if (status != FURROW_OK)
        return status;
    put_down(&fw_world);
    return comm != MPI_COMM_NULL ? take_up(&fw_world, comm) : FURROW_OK;
}

furrow_status furrow_mpi_use_fortran(MPI_Fint comm)
{
    return furrow_mpi_use(MPI_Comm_f2c(comm));
}

furrow_status furrow_mpi_init(int *argc, char ***argv)
{
    int initialized = 0, finalized = 0, level;

    fw_message_clear();
    (void)MPI_Initialized(&initialized);
    (void)MPI_Finalized(&finalized);
    if (finalized)
        return fw_fail(FURROW_EINVAL, "furrow_mpi_init: MPI_Finalize() was called already; MPI starts once in a program");
    if (fw_world.comm != MPI_COMM_NULL)
        return FURROW_OK;
    if (!initialized) {
        furrow_status status =
            fw_mpi_check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");

        if (status != FURROW_OK)
            return status;
        fw_world.finalizes = true;
    }
    return furrow_mpi_use(MPI_COMM_WORLD);
}

furrow_status furrow_mpi_serve(void)
{
    fw_message_clear();
    if (fw_world.comm == MPI_COMM_NULL || !is_running())
        return fw_fail(FURROW_EINVAL, "furrow_mpi_serve: no communicator is in use; call furrow_mpi_init() before");
    if (fw_world.serves)
        return FURROW_OK;
    fw_world.serves = true;
    if (fw_world.rank > 0)
        fw_serve(); /* does not return */
    return FURROW_OK;
}

furrow_status furrow_mpi_finalize(void)
{
    furrow_status status = FURROW_OK;

    fw_message_clear();
    if (!is_running())
        return FURROW_OK;
    if (atomic_load(&fw_world.busy) != 0)
        return fw_fail(FURROW_EINVAL, "furrow_mpi_finalize: a job on mpi runs; call it when furrow_map() has returned");
    if (fw_world.comm != MPI_COMM_NULL && !fw_world.ended)
        status = fw_job_end();
    put_down(&fw_world);
    if (fw_world.finalizes) {
        furrow_status end = fw_mpi_check(MPI_Finalize(), "MPI_Finalize");

        fw_world.finalizes = false;
        status = status != FURROW_OK ? status : end;
    }
    return status;
}
