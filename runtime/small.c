#include "small.h"

#include "seat.h"
#include "ticks.h"

enum {
    SMALL_NS = 4000,    /* of all tasks: a few regions whose threads spin, a tenth of waking one that
                         * sleeps (docs/performance.md) */
    STRIKE_FACTOR = 10, /* of the evidence */
    COLD_NS = 250       /* evidence counts for so much at least: after a pause caches are cold */
};

bool fw_small_fits(const struct fw_habit *habit, const struct fw_request *request)
{
    const furrow_job *job = &request->job;

    return habit->known && habit->all_free && habit->work != NULL && habit->longest_ns > 0 &&
           job->count <= SMALL_NS / habit->longest_ns && job->worker_begin == NULL && job->worker_end == NULL &&
           !(request->config.timeout > 0) && habit->work->deadline.at == 0;
}

/* The next group of tasks has run in so many ticks: does the evidence hold? */
static bool holds(struct fw_habit *habit, size_t tasks, uint64_t ticks, uint64_t *worst)
{
    const uint64_t ns = fw_ticks_ns(ticks) + 1, each = ns / tasks + 1;
    const uint64_t known = habit->longest_ns > COLD_NS ? habit->longest_ns : COLD_NS;

    *worst = each > *worst ? each : *worst;
    if (ns <= STRIKE_FACTOR * known * tasks)
        return true;
    habit->longest_ns = 0;
    return false;
}

size_t fw_small_run(struct fw_habit *habit)
{
    struct furrow_work *work = habit->work;
    const size_t count = work->request.job.count;
    struct fw_seat seat;
    uint64_t last, worst = 1;
    size_t done = 0, ran = 0, group;

    fw_seat_take(&seat, work, 0);
    last = fw_ticks();
    do {
        const uint64_t before = last;

        group = done == 0 ? 1 : done;
        group = group < count - done ? group : count - done;
        ran = fw_loop_some(&seat, done, group);
        done += ran;
        last = fw_ticks();
        if (ran < group || !holds(habit, group, last - before, &worst))
            break;
    } while (done < count);
    seat.me->started = done;
    fw_seat_leave(&seat);
    if (habit->longest_ns > 0 && done == count) /* fades, so that one slow moment is forgotten */
        habit->longest_ns = worst > habit->longest_ns - habit->longest_ns / 8
                                ? worst
                                : habit->longest_ns - habit->longest_ns / 8;
    return done;
}
