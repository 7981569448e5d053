/* What a job is, as rank 0 tells the others, and what a rank finds different. */
#ifndef FW_MPI_CARD_H
#define FW_MPI_CARD_H

#include "identity.h"

#include "runtime/engine.h"
#include "runtime/floating.h"
#include "runtime/reducing.h"

enum fw_card_kind { FW_CARD_JOB = 1, FW_CARD_END };

/* Needs and parts of a job. */
enum {
    FW_CARD_SHARED_MEMORY = 1u << 0,
    FW_CARD_ISOLATE = 1u << 1,
    FW_CARD_EVERYWHERE = 1u << 2,
    FW_CARD_ORDERED = 1u << 3,
    FW_CARD_IN = 1u << 4,
    FW_CARD_OUT = 1u << 5,
    FW_CARD_OUTCOME = 1u << 6,
    FW_CARD_NEXT = 1u << 7,
    FW_CARD_RESULTS = 1u << 8,
    FW_CARD_ADDRESS = 1u << 9, /* a `shared` of size 0 */
    FW_CARD_COST = 1u << 10,
    FW_CARD_LOCAL = 1u << 11,  /* rank 0 runs it alone: see its report */
    FW_CARD_EMPTY = 1u << 12,  /* nothing to run */
    FW_CARD_NAMED = 1u << 13,
    FW_CARD_REDUCES = 1u << 14
};

enum { FW_CARD_NAME = 64 };

/* Of furrow_reduce(); else all 0. */
struct fw_card_reduction {
    struct fw_identity fold, combine;
    struct fw_cut cut;
    uint64_t shared_size; /* reduction.shared_size */
};

/* Plain bytes: sent as it is between processes of the same build. */
struct fw_card {
    uint32_t kind;
    uint32_t flags;
    furrow_status refused;      /* what rank 0 found wrong itself, with its sentence */
    char message[FURROW_MESSAGE];
    char name[FW_CARD_NAME];    /* job.name, cut */
    struct fw_identity run, begin, end;
    struct fw_card_reduction reduction;
    uint64_t count, in_size, out_size, seed, scratch, ndear;
    uint64_t shared_size;       /* bytes that all tasks read of rank 0's memory (given.h) */
    furrow_config config;       /* complete; its backend is NULL */
    double progress;            /* rank 0's FURROW_PROGRESS */
    int32_t workers;            /* over all ranks */
    struct fw_floating floating; /* of the thread that started the job on rank 0 */
};

/* Fills the parts that say what the job is. False: a function whose module the
 * dynamic linker does not know; with this thread's sentence. */
bool fw_card_fill(struct fw_card *card, const struct fw_request *request);

/* FURROW_EINVAL with a sentence where the job of this rank is another one than
 * that of rank 0. `given`: the config as the rank's program gave it, before the
 * environment; its fields at their defaults are rank 0's. */
furrow_status fw_card_compare(const struct fw_card *mine, const struct fw_card *roots, const furrow_config *given);

#endif
