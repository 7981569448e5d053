/* What became of a task: its byte, and where it went wrong what is said of it. */
#ifndef FW_OUTCOME_H
#define FW_OUTCOME_H

#include <stddef.h>

#include <furrow/furrow.h>

struct furrow_work;

/* What a worker has to say of failures, apart from what every job touches. */
struct fw_blame {
    char words[FURROW_MESSAGE]; /* the last ones of a task */
    furrow_failure failure[FURROW_FAILURES]; /* of lowest index, sorted */
};

/* The final outcome of a task: the byte, the counters, the failure's entry, and
 * the stop where the job does not keep going. `words` may be "". */
void fw_work_outcome(struct furrow_work *work, int worker, size_t index, furrow_outcome outcome,
                     int code, const char *words);

#endif
