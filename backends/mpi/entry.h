/* What stands in letters, entry by entry: plain bytes of ranks of one build.
 *
 * Readers take an entry from a letter and check it against the job, so that no
 * length or index that another rank sent leads out of an array. They return
 * false where it makes no sense. */
#ifndef FW_MPI_ENTRY_H
#define FW_MPI_ENTRY_H

#include "letter.h"

#include "runtime/ranges.h"

/* -- Between nodes -------------------------------------------------------- */

/* How a node is doing. */
struct fw_feed_state {
    double rate;
    uint64_t left;
    uint64_t empty;
    uint64_t heard; /* letters of tasks that had come by then: an older state is none */
};

/* Results of neighbouring tasks: outcomes follow, and outputs where there are. */
struct fw_feed_results {
    uint64_t begin, n;
    uint64_t outputs; /* bytes */
};

/* Tasks of a job of `count`, at least one. */
bool fw_entry_span(struct fw_post *post, uint64_t count, struct fw_span *out);

/* The same with the inputs that follow, size bytes each; 0: none do. */
bool fw_entry_tasks(struct fw_post *post, uint64_t count, uint64_t size, struct fw_span *out, const void **in);

/* *outcome and *outputs lie in the letter; outputs, of size bytes each, NULL
 * where there are none. */
bool fw_entry_results(struct fw_post *post, uint64_t count, uint64_t size, struct fw_feed_results *out,
                      const unsigned char **outcome, const char **outputs);

/* -- Jobs with callbacks -------------------------------------------------- */

/* What of a task travels to a rank; its input follows. */
struct fw_lent_task {
    uint64_t index;
    uint32_t slot;   /* rank 0's */
    uint32_t attempt;
};

/* What comes back; words, reply and output follow. The host stands in front, once
 * a letter. */
struct fw_lent_result {
    uint64_t reply;   /* bytes of it */
    double seconds;
    uint32_t slot, attempt;
    int32_t outcome, code, worker;
    uint32_t words;   /* bytes of them, without a NUL */
    uint32_t replied; /* there is a reply, maybe without bytes */
    uint32_t output;  /* there is one, of the job's out_size */
};

/* The input, of size bytes, lies in the letter; NULL where size is 0. */
bool fw_entry_lent(struct fw_post *post, uint64_t size, struct fw_lent_task *out, const void **in);

/* Where the parts of a result lie in the letter. */
struct fw_lent_parts {
    const char *words;
    const void *reply;
    const void *output; /* NULL: none */
};

/* A result of one of `slots`, whose output has size bytes. */
bool fw_entry_result(struct fw_post *post, uint32_t slots, uint64_t size, struct fw_lent_result *out,
                     struct fw_lent_parts *parts);

/* The number of one of `slots`. */
bool fw_entry_slot(struct fw_post *post, uint32_t slots, uint32_t *out);

#endif
