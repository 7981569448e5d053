/* The promises that every backend keeps: group, function, sentence. A promise
 * that has no meaning on a row says so with skip(). */
#ifndef PROMISES_H
#define PROMISES_H

#include "contract.h"

#define CONTRACT_PROMISES(X)                                                                       \
    X(tasks, each_task_once, "every task runs exactly once")                                       \
    X(tasks, every_batch, "every task runs exactly once with any batch")                           \
    X(tasks, zero_tasks, "zero tasks are a success")                                               \
    X(tasks, one_task, "one task is one worker")                                                   \
    X(tasks, more_workers_than_tasks, "there are never more workers than tasks")                   \
    X(tasks, inputs_and_outputs, "a task reads its input and writes its output, of any size")      \
    X(tasks, nothing_given, "a task sees NULL where the job has nothing")                          \
    X(tasks, shared_data, "shared data reach every task, by value or by address")                  \
    X(tasks, outputs_on_cache_lines, "outputs in memory of the runtime start on a cache line")     \
    X(tasks, seeds, "a task's seed depends on the job's seed and the index alone")                 \
    X(tasks, report_whole, "the report is written whole, whatever the status")                     \
    X(tasks, plan_is_what_runs, "what is planned is what runs")                                    \
    X(failures, failure_stops, "a failure stops the job, and what was done is kept")               \
    X(failures, failed_slot_untouched, "a task that failed leaves its output untouched")           \
    X(failures, keep_going, "with keep_going all tasks run and the lowest failures are kept")      \
    X(failures, retries, "a task that failed is tried again as often as asked")                    \
    X(failures, retried_is_success, "a task that succeeds at last is a success")                   \
    X(failures, words_of_tasks, "a failure keeps its words, on one line")                          \
    X(failures, words_of_nested_calls, "a furrow call that failed gives the task its words")       \
    X(failures, death_costs_one_task, "a worker that dies costs the task it was running")          \
    X(failures, deaths_before_tasks, "workers that die before a first task end the job")           \
    X(workers, begin_and_end, "worker_begin and worker_end run once around a worker's tasks")      \
    X(workers, end_after_failure, "worker_end runs after a failure too")                           \
    X(workers, begin_fails, "worker_begin that fails stops the job")                               \
    X(workers, end_fails, "worker_end that fails is a failure of the job")                         \
    X(callbacks, each_result_once, "on_result is called once per task")                            \
    X(callbacks, results_in_order, "ordered results come in index order")                          \
    X(callbacks, results_without_outputs, "results need no array of outputs")                      \
    X(callbacks, results_of_failures, "results of failures come after the last try")               \
    X(callbacks, callback_stops, "on_result stops the job")                                        \
    X(callbacks, order_stops_at_a_gap, "ordered results stop at a missing index")                  \
    X(callbacks, caller_runs_no_task, "a caller that runs callbacks runs no task")                 \
    X(callbacks, job_in_a_callback, "a job started in a callback is sequential")                   \
    X(streams, inputs_until_end, "next is asked until it ends")                                    \
    X(streams, inputs_without_results, "inputs made one by one need no on_result")                 \
    X(streams, inputs_at_most_count, "no more inputs are made than count")                         \
    X(streams, inputs_end_before_count, "tasks for which there was no input are skipped")          \
    X(streams, inputs_fail, "next that fails stops the job, with its code")                        \
    X(streams, later_with_nothing_in_flight, "none now and nothing in flight is the end")          \
    X(streams, later_then_more, "next that has none now is asked after the next result")           \
    X(streams, drawn_ahead_bounded, "inputs are drawn ahead no further than asked")                \
    X(streams, failure_ends_inputs, "a failure ends the drawing of inputs")                        \
    X(replies, replies_of_any_size, "a reply may have no bytes or ten million")                    \
    X(replies, reply_replaces_slot, "a reply replaces the output slot, the last one counts")       \
    X(replies, replies_bounded, "workers wait while too many replies are untaken")                 \
    X(replies, stop_while_replies_wait, "a job stops while replies are untaken")                   \
    X(replies, reply_without_on_result, "a reply that nobody takes is a failure with words")       \
    X(schedule, huge_planned, "2^32 + 5 tasks can be planned")                                     \
    X(schedule, huge_stops, "2^32 + 5 tasks can be started and stopped")                           \
    X(schedule, dear_task_first, "an expensive task starts among the first")                       \
    X(schedule, dear_tasks_in_order, "expensive tasks start dearest first")                        \
    X(schedule, costs_without_meaning, "costs without meaning are refused by index")               \
    X(schedule, nobody_idles, "no worker idles longer than one task while tasks are left")         \
    X(stopping, cancel_from_a_thread, "furrow_cancel() from a thread stops the job")               \
    X(stopping, cancel_from_a_signal, "furrow_cancel() in a signal handler stops the job")         \
    X(stopping, cancel_from_a_task, "furrow_cancel() in a task stops its job")                     \
    X(stopping, cancel_before, "furrow_cancel() stops no later job")                               \
    X(stopping, late_task_times_out, "a task that returns late is timed out")                      \
    X(stopping, late_result, "a late task's result says so")                                       \
    X(stopping, stuck_task_is_ended, "a task that never returns is ended at its limit")            \
    X(stopping, first_status_wins, "where several statuses apply the first of the order wins")     \
    X(stopping, next_job_after_any_status, "after any status the next job works")                  \
    X(stopping, nothing_runs_on, "when the call returns nothing of the job runs")                  \
    X(nesting, nested_pairs, "three deep, every pair of backends: level, lease and backend hold")  \
    X(nesting, nested_pairs_on_eight, "the same on eight CPUs")                                    \
    X(nesting, nested_two_thread_levels, "the same with two levels of threads")                    \
    X(nesting, within_leases, "what runs below a worker fills its lease and stays within it")      \
    X(nesting, within_leases_of_eight, "the same on eight CPUs, whatever is asked")                \
    X(nesting, sequential_consumes_no_level, "the sequential backend consumes no level")           \
    X(nesting, lone_worker_has_a_level, "a lone worker of a named backend has a level")            \
    X(nesting, inner_threads_as_asked, "inner threads asked for are what a task may use")          \
    X(nesting, demotions_told, "a demotion has a reason, and one warning for each pair")           \
    X(nesting, scopes, "a task's scope is empty or its caller's, and tidied after each task")      \
    X(nesting, pushed_config_runs, "a config that was pushed is what NULL means")                  \
    X(nesting, nested_failure_keeps_words, "a failure three deep keeps its words")                 \
    X(concurrent, workers_at_the_same_time, "all workers run at the same time")                    \
    X(concurrent, from_four_threads, "jobs from four threads at the same time are each right")     \
    X(concurrent, from_a_plain_thread, "any thread may start a job, with scopes of its own")       \
    X(concurrent, leases_from_free_cpus, "a job leases CPUs that no other job holds")              \
    X(concurrent, leases_of_eight, "the same on eight CPUs")                                       \
    X(concurrent, threads_of_tasks, "a thread that a task starts has one CPU and no context")      \
    X(regions, in_a_region, "in a parallel region of the program a job has its member's share")    \
    X(regions, in_a_region_of_eight, "the same on eight CPUs")                                     \
    X(regions, sequential_in_a_region, "sequential tasks in a region are in the region")           \
    X(regions, openmp_as_before, "OpenMP's settings are as before")                                \
    X(regions, all_workers_whatever_openmp_says, "OpenMP's settings don't change the workers")     \
    X(regions, regions_in_tasks, "a region in a task has the task's inner threads")                \
    X(inherit, rounding_in_tasks, "the caller's rounding mode holds in every task")                \
    X(inherit, flush_to_zero_in_tasks, "the caller's flush-to-zero holds in every task")           \
    X(inherit, exceptions_in_tasks, "the caller's exception masks hold in every task")             \
    X(inherit, locale_in_tasks, "the caller's per-thread locale holds in every task")              \
    X(inherit, signal_mask_in_tasks, "the caller's signal mask holds in every task")               \
    X(inherit, state_two_deep, "what a task inherits goes on to the tasks of its own jobs")        \
    X(inherit, workers_have_their_own_back, "OpenMP's threads have their own state back")          \
    X(inherit, lent_threads_as_before, "a thread lent as a worker has its own state back")         \
    X(inherit, caller_as_before, "the caller's affinity and signal mask are as before")            \
    X(loops, loop_each_index_once, "a loop runs each index once")                                  \
    X(loops, loop_of_nothing, "a loop over nothing is a success")                                  \
    X(loops, loop_beyond_32_bits, "a loop may have more than 2^32 indices")                        \
    X(loops, loop_on_all_workers, "a loop uses all workers")                                       \
    X(loops, loops_end, "short loops end, one after the other")                                   \
    X(loops, loops_nest, "loops run in tasks and in loops")                                        \
    X(loops, loop_cancelled, "furrow_cancel() stops a loop")                                       \
    X(loops, loop_refusals, "a loop refuses what has no meaning or no shared memory")              \
    X(reductions, reduction_in_order, "a reduction keeps the order of indices")                    \
    X(reductions, reduction_same_bits, "a reduction has the same bits however it runs")            \
    X(reductions, reduction_blocks, "blocks depend on count and grain alone")                      \
    X(reductions, reduction_of_nothing, "a reduction of nothing is the identity")                  \
    X(reductions, reduction_sizes, "a result may have any size, and is aligned as promised")       \
    X(reductions, reduction_fails, "a fold that fails leaves the result untouched")                \
    X(reductions, reduction_retried, "a fold that is tried again starts from the identity")        \
    X(reductions, reduction_cancelled, "furrow_cancel() stops a reduction")                        \
    X(reductions, reduction_in_a_task, "a reduction runs in a task")                               \
    X(reductions, reduction_refusals, "a reduction refuses fields without meaning")                \
    X(bits, same_bits, "one job has the same bits on any backend, worker count and batch")         \
    X(invalid, bad_fields, "a field without meaning is refused by name and value")                 \
    X(invalid, no_job, "no job is refused, and planned as many tasks")                             \
    X(invalid, refused_outcomes, "a refused job leaves no outcome pending")                        \
    X(invalid, needs_not_met, "a need that the backend does not meet is never dropped")            \
    X(invalid, environment_refused, "a variable without meaning is refused by name and value")     \
    X(invalid, environment_of_level_0, "the environment applies to jobs of level 0 alone")         \
    X(invalid, plans_told, "FURROW_LOG=info tells the plan of each job")                           \
    X(registry, bad_tables, "a table without meaning is not registered")                           \
    X(registry, taken_names, "a name is taken once")                                               \
    X(registry, many_backends, "thirty-two backends can be registered, and all run")               \
    X(registry, odd_backends, "a backend may be absent, fail, or make fewer workers")              \
    X(leftovers, no_job_leaves_anything, "no kind of job leaves anything")                         \
    X(leftovers, no_loop_leaves_anything, "no loop or reduction leaves anything")                  \
    X(leftovers, nothing_adds_up, "fifty jobs leave no more than one")                             \
    X(leftovers, no_process_leaves_a_file, "processes leave no file of OpenMP's")                  \
    X(leftovers, signals_as_before, "no job installs a signal handler")

/* What promises check in a process of its own: see check_apart(). */
#define CONTRACT_CHECKS(X)                                                                         \
    X(nested_pairs)                                                                                \
    X(within_leases)                                                                               \
    X(demotions)                                                                                   \
    X(leases_from_free_cpus)                                                                       \
    X(in_a_region)                                                                                 \
    X(environment_jobs_0)                                                                          \
    X(environment_batch)                                                                           \
    X(environment_timeout)                                                                         \
    X(environment_backend)                                                                         \
    X(plain_jobs)                                                                                  \
    X(environment_applies)                                                                         \
    X(fill_registry)                                                                               \
    X(use_odd_backends)

#define CONTRACT_DECLARE_PROMISE(group, function, promise) contract_fn function;
#define CONTRACT_DECLARE_CHECK(function) contract_fn function;
CONTRACT_PROMISES(CONTRACT_DECLARE_PROMISE)
CONTRACT_CHECKS(CONTRACT_DECLARE_CHECK)
#undef CONTRACT_DECLARE_PROMISE
#undef CONTRACT_DECLARE_CHECK

/* -- Between the files of the contract ------------------------------------ */

/* Runs a job whose workers wait until all of them are in a task; `met` counts. */
void met_by_all(const struct row *row, atomic_uint *met);

/* What `look_at` says in each thread of an OpenMP region is the same before and
 * after `during`. */
void openmp_threads_as_before(int (*look_at)(void), contract_fn *during, const struct row *row);

#endif
