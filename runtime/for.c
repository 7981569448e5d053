/* furrow_for(): a loop over shared memory, in ranges. */
#include "map.h"
#include "report.h"

furrow_status furrow_for(size_t count, furrow_range_fn body, void *user, const furrow_config *config)
{
    struct fw_request request = { .job = { .count = count, .user = user, .shared_memory = true },
                                  .body = body,
                                  .quiet = true };
    furrow_report report;

    fw_report_clear_unwanted(&report);
    fw_message_clear();
    if (body == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_for: body is NULL; pass the function that runs a range");
    return fw_map_run(&request, config, &report);
}
