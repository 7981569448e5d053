/* The communicator that jobs on "mpi" run on, and who is where in it. */
#ifndef FW_MPI_WORLD_H
#define FW_MPI_WORLD_H

#include <mpi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <furrow/furrow.h>

#include "pace.h"
#include "window.h"

/* What all ranks know of one. Plain bytes. */
struct fw_peer {
    int cpus;   /* it may use */
    int leader; /* rank of the leader of its node: the lowest one there */
};

struct fw_world {
    /* Set by furrow_mpi_use(). */
    MPI_Comm comm;          /* owned: a duplicate; MPI_COMM_NULL: none in use */
    int rank, size;
    MPI_Comm node;          /* owned: the ranks that share memory with this one */
    int node_rank, node_size;
    int nodes;
    MPI_Comm leaders;       /* owned: the lowest rank of each node; MPI_COMM_NULL in others */
    struct fw_peer *peer;   /* owned: by rank */
    pthread_t thread;       /* that may call MPI */
    bool any_thread;        /* MPI_THREAD_MULTIPLE */
    struct fw_pace_looks looks; /* of ranks that wait */

    bool finalizes;         /* furrow called MPI_Init */
    bool ended;             /* rank 0 has said that there are no more jobs */
    bool serves;            /* the other ranks serve rank 0 */
    _Atomic uint32_t busy;  /* a job of mpi runs */
    struct fw_window kept[2]; /* for small jobs, in turn; of this node, made when first used */
    int turn;               /* the kept window of the last small job, on who leads the node */
    char host[FURROW_HOST];
};

/* This process's; process lifetime. */
extern struct fw_world fw_world;

static inline bool fw_world_is_root(void)
{
    return fw_world.rank == 0;
}

/* The first rank of its node. */
static inline bool fw_world_leads(void)
{
    return fw_world.node_rank == 0;
}

/* The calling thread may call MPI. */
bool fw_world_here(void);

/* FURROW_ESYS with the call and MPI's own words, where `code` says that it
 * failed; else FURROW_OK. */
furrow_status fw_mpi_check(int code, const char *call);

#endif
