/* The end of a job: what its workers counted, as one report and one status. */
#ifndef FW_REPORT_H
#define FW_REPORT_H

#include "work.h"

/* What every call writes first: zeros, "none", no message. */
void fw_report_clear(furrow_report *report);

/* As much of that as is read where nobody gets the report. */
void fw_report_clear_unwanted(furrow_report *report);

/* The part of the plan. */
void fw_report_plan(furrow_report *report, const struct fw_plan *plan);

/* What workers counted. Plain bytes, to be sent. */
struct fw_counts {
    uint64_t outcome[FURROW_SKIPPED + 1]; /* tasks that ran, by outcome */
    uint64_t started, retried, busy_ns, drawn, deaths;
    uint64_t batch; /* the largest */
};

/* Adds what others counted. */
void fw_counts_add(struct fw_counts *counts, const struct fw_counts *more);

/* That, of one process or of several together, and what there is to say. Plain
 * bytes, to be sent. */
struct fw_tally {
    struct fw_counts counts;
    uint32_t cause;                 /* enum fw_cause of the first stop */
    struct fw_stop stop[FW_CAUSES]; /* by cause */
    char note[FURROW_MESSAGE];
    int failures;
    furrow_failure failure[FURROW_FAILURES]; /* of lowest index, sorted */
};

/* When the workers of this process have left. */
void fw_tally_take(struct fw_tally *tally, const struct furrow_work *work);

/* A process without workers failed: `status`, and this thread's sentence. */
void fw_tally_fail(struct fw_tally *tally, furrow_status status);

/* The outcomes say what became of the tasks, in place of what workers counted. */
void fw_tally_count(struct fw_tally *tally, const unsigned char *outcome, size_t count);

/* Adds what another process counted. */
void fw_tally_add(struct fw_tally *tally, const struct fw_tally *more);

/* As fw_report_work(), from what several processes counted. */
furrow_status fw_report_tally(furrow_report *report, const struct furrow_work *work,
                              const struct fw_tally *tally, uint64_t wall_ns);

/* The part of what happened; sets and returns report->status, whose message is
 * also this thread's. After fw_work_settle(). */
furrow_status fw_report_work(furrow_report *report, const struct furrow_work *work,
                             uint64_t wall_ns);

/* The usual end: nothing stopped the job, nothing failed, nothing is to be added.
 * Then fw_report_done() writes what fw_report_work() would, which is FURROW_OK. */
bool fw_report_went_well(const struct furrow_work *work);
void fw_report_done(furrow_report *report, const struct furrow_work *work, uint64_t wall_ns);

/* A call that failed before any task ran: this thread's sentence. */
furrow_status fw_report_refuse(furrow_report *report, furrow_status status);

#endif
