#include "small.h"

#include "ticks.h"

/* What another worker costs is what all tasks may take on the caller (figures:
 * docs/performance.md). Of a job that comes after a pause at most 4 % of the pause
 * is lost by it. */
enum {
    AWAKE_NS = 4000,   /* a few regions whose threads spin */
    ASLEEP_NS = 40000, /* waking a CPU takes so long at least */
    TAKING_NS = 40,    /* from the start to the first task, beside that task */
    STRIKE_FACTOR = 10, /* of the evidence, beside what one disturbance costs: */
    DISTURBED_NS = 2500
};

FW_HOT bool fw_small_fits(const struct fw_habit *habit, size_t count, bool paused)
{
    const uint64_t most = paused ? ASLEEP_NS : AWAKE_NS, longest = habit->tasks.longest_ns;
    const struct furrow_work *work = habit->work;

    if (!habit->known || !habit->all_free || work == NULL || longest == 0)
        return false;
    return count <= most && longest <= most && count * longest <= most && work->request.job.worker_begin == NULL &&
           work->request.job.worker_end == NULL && work->limit_ns == 0 && work->deadline.at == 0;
}

/* What is measured while a small job runs. */
struct watch {
    uint64_t last;  /* ticks at the end of the last group of tasks */
    uint64_t worst; /* ns of a task, so far */
    bool first;     /* no group has run */
};

/* The next group of tasks has run: does the evidence hold? */
FW_HOT static bool holds(struct fw_habit *habit, size_t tasks, struct watch *watch)
{
    const uint64_t now = fw_ticks(), ns = fw_ticks_ns(now - watch->last) + 1;
    const uint64_t disturbed = habit->paused ? FW_COLD_NS : DISTURBED_NS;
    const uint64_t own = watch->first && ns > TAKING_NS ? ns - TAKING_NS : ns, each = tasks == 1 ? own : own / tasks + 1;

    watch->last = now;
    watch->first = false;
    if (each > watch->worst)
        watch->worst = each;
    return ns <= STRIKE_FACTOR * habit->tasks.longest_ns * tasks + disturbed;
}

FW_HOT size_t fw_small_run(struct fw_habit *habit, uint64_t start, bool same)
{
    struct fw_seat *seat = &habit->seat;
    const size_t count = habit->work->request.job.count;
    struct watch watch = { start, 1, true };
    size_t done = 0, ran, group;
    bool held;

    if (same && habit->seated)
        fw_seat_take_again(seat);
    else
        fw_seat_take(seat, habit->work, 0);
    habit->seated = true;
    do {
        group = done == 0 ? 1 : done;
        group = group < count - done ? group : count - done;
        ran = fw_loop_some(seat, done, group);
        done += ran;
        held = holds(habit, group, &watch);
    } while (held && ran == group && done < count);
    seat->me->started = done;
    fw_seat_leave(seat);
    if (!held)
        habit->tasks.longest_ns = 0;
    else if (done == count)
        habit->tasks = fw_evidence_after(habit->tasks, watch.worst, habit->paused);
    fw_habit_ended(watch.last);
    return done;
}
