/* The end of a job: what its workers counted, as one report and one status. */
#ifndef FW_REPORT_H
#define FW_REPORT_H

#include "work.h"

/* What every call writes first: zeros, "none", no message. */
void fw_report_clear(furrow_report *report);

/* The part of the plan. */
void fw_report_plan(furrow_report *report, const struct fw_plan *plan);

/* The part of what happened; sets and returns report->status, whose message is
 * also this thread's. After fw_work_settle(). */
furrow_status fw_report_work(furrow_report *report, const struct furrow_work *work,
                             uint64_t wall_ns);

/* A call that failed before any task ran: this thread's sentence. */
furrow_status fw_report_refuse(furrow_report *report, furrow_status status);

#endif
