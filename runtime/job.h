/* What a job must be, before anything starts. */
#ifndef FW_JOB_H
#define FW_JOB_H

#include "message.h"

/* FURROW_EINVAL with the field, its value and what is allowed. O(count) where
 * there is `cost`. */
FW_MUST_CHECK furrow_status fw_job_check(const furrow_job *job);
FW_MUST_CHECK furrow_status fw_reduction_check(const furrow_reduction *reduction);

#endif
