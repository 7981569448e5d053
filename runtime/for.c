/* furrow_for(): a loop over shared memory, in ranges. */
#include "map.h"
#include "report.h"

static furrow_status run_new(const furrow_job *job, furrow_range_fn body, const furrow_config *config)
{
    struct fw_request request = { .job = *job, .body = body, .quiet = true };
    furrow_report report;

    fw_report_clear_unwanted(&report);
    return fw_map_run(&request, config, &report);
}

FW_HOT furrow_status furrow_for(size_t count, furrow_range_fn body, void *user, const furrow_config *config)
{
    const furrow_job job = { .count = count, .user = user, .shared_memory = true };
    furrow_status status;

    fw_message_clear();
    if (body == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_for: body is NULL; pass the function that runs a range");
    if (fw_map_again(&job, body, config, NULL, &status))
        return status;
    return run_new(&job, body, config);
}
