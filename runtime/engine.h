/* What libfurrow_mpi uses of the engine.
 *
 * The internals are hidden. A library that is built with this one and needs
 * them gets one exported object, a table of the functions below; it calls them
 * by their own names, which backends/mpi/engine.c forwards through the table.
 * Both libraries must be of the same build: the table says of which version it
 * is, and how large.
 *
 * X(type, name, parameters, arguments) for functions that return something,
 * V(name, parameters, arguments) for the others. */
#ifndef FW_ENGINE_H
#define FW_ENGINE_H

#include "backends/registry.h"
#include "cancel.h"
#include "dear.h"
#include "decide.h"
#include "lease.h"
#include "job.h"
#include "map.h"
#include "ranks.h"
#include "remote.h"
#include "report.h"
#include "share.h"
#include "stream.h"

/* clang-format off */
#define FW_ENGINE_CALLS(X, V)                                                                                  \
    X(const struct fw_env *, fw_env, (void), ())                                                               \
    X(furrow_status, fw_config_resolve, (const furrow_config *config, const struct fw_scope *top,              \
        bool outermost, const struct fw_env *env, furrow_config *out), (config, top, outermost, env, out))     \
    X(furrow_status, fw_job_check, (const furrow_job *job), (job))                                             \
    X(struct fw_context *, fw_context_here, (void), ())                                                        \
    X(const struct fw_cpus *, fw_cpus, (void), ())                                                             \
    X(int, fw_lease_hold, (int most, int *at), (most, at))                                                     \
    V(fw_lease_release, (const int *at, int count), (at, count))                                               \
    X(size_t, fw_lease_text, (const struct fw_cpus *cpus, const int *at, int count, char *out, size_t size),   \
        (cpus, at, count, out, size))                                                                          \
    V(fw_message_clear, (void), ())                                                                            \
    V(fw_text_copy, (char *out, size_t size, const char *text), (out, size, text))                             \
    X(furrow_status, fw_map_decide, (const struct fw_request *request, int cpus, struct fw_plan *plan),        \
        (request, cpus, plan))                                                                                 \
    X(furrow_status, fw_map_local, (struct fw_request *request, furrow_report *report), (request, report))     \
    X(const struct fw_launcher *, fw_cpus_launcher, (void), ())                                                \
    X(furrow_status, fw_cpus_dealt, (const int *os, int n, int ranks), (os, n, ranks))                         \
    X(furrow_status, fw_ranks_deal, (const bool *may, int ranks, int npus, int *owner),                        \
        (may, ranks, npus, owner))                                                                             \
    X(furrow_status, fw_topology, (const struct fw_topology **out), (out))                                     \
    X(int, fw_plan_share, (int cpus, int workers, int worker, int *first), (cpus, workers, worker, first))     \
    X(furrow_status, fw_work_open, (const struct fw_request *request, const struct fw_plan *plan,              \
        const int *at, struct furrow_work **out), (request, plan, at, out))                                    \
    V(fw_work_begin_again, (struct furrow_work *work), (work))                                                 \
    V(fw_work_close, (struct furrow_work *work), (work))                                                       \
    X(bool, fw_work_settle, (struct furrow_work *work), (work))                                                \
    V(fw_work_stop, (struct furrow_work *work, enum fw_cause cause, furrow_status status, int code,            \
        size_t index, const char *words), (work, cause, status, code, index, words))                           \
    V(fw_decide_tell, (const furrow_job *job, const struct fw_plan *plan), (job, plan))                        \
    X(size_t, fw_dear_find, (const furrow_job *job, int workers, size_t *dear, size_t *sorted),                \
        (job, workers, dear, sorted))                                                                          \
    X(uint64_t, fw_now, (void), ())                                                                            \
    X(bool, fw_cancel_enter, (furrow_work *work), (work))                                                      \
    V(fw_progress_add, (struct fw_progress *progress, size_t tasks, uint64_t now), (progress, tasks, now))     \
    V(fw_cancel_leave, (furrow_work *work), (work))                                                            \
    V(fw_tally_take, (struct fw_tally *tally, const struct furrow_work *work), (tally, work))                  \
    V(fw_tally_fail, (struct fw_tally *tally, furrow_status status), (tally, status))                          \
    V(fw_tally_count, (struct fw_tally *tally, const unsigned char *outcome, size_t count),                    \
        (tally, outcome, count))                                                                               \
    V(fw_counts_add, (struct fw_counts *counts, const struct fw_counts *more), (counts, more))                 \
    V(fw_tally_add, (struct fw_tally *tally, const struct fw_tally *more), (tally, more))                      \
    V(fw_report_clear, (furrow_report *report), (report))                                                      \
    V(fw_report_plan, (furrow_report *report, const struct fw_plan *plan), (report, plan))                     \
    X(furrow_status, fw_report_tally, (furrow_report *report, const struct furrow_work *work,                  \
        const struct fw_tally *tally, uint64_t wall_ns), (report, work, tally, wall_ns))                       \
    X(furrow_status, fw_report_refuse, (furrow_report *report, furrow_status status), (report, status))        \
    X(size_t, fw_ranges_bytes, (int workers), (workers))                                                       \
    V(fw_ranges_init, (struct fw_ranges *ranges, size_t count, int workers), (ranges, count, workers))         \
    V(fw_ranges_drain, (struct fw_ranges *ranges), (ranges))                                                   \
    V(fw_ranges_front_fill, (struct fw_ranges *ranges, uint32_t positions), (ranges, positions))               \
    X(size_t, fw_ranges_left, (const struct fw_ranges *ranges, int worker), (ranges, worker))                  \
    X(bool, fw_ranges_claim, (struct fw_ranges *ranges, int worker, size_t want, struct fw_span *out),         \
        (ranges, worker, want, out))                                                                           \
    V(fw_ranges_close, (struct fw_ranges *ranges, int worker), (ranges, worker))                               \
    X(bool, fw_ranges_steal, (struct fw_ranges *ranges, int worker), (ranges, worker))                         \
    X(enum fw_hope, fw_ranges_ask, (struct fw_ranges *ranges, int worker), (ranges, worker))                   \
    V(fw_ranges_feed, (struct fw_ranges *ranges, int worker, struct fw_span span), (ranges, worker, span))     \
    V(fw_bell_ring, (struct fw_bell *bell), (bell))                                                            \
    X(uint32_t, fw_bell_listen, (struct fw_bell *bell), (bell))                                                \
    V(fw_bell_ignore, (struct fw_bell *bell), (bell))                                                          \
    V(fw_bell_sleep, (struct fw_bell *bell, uint32_t ticket, uint64_t ns), (bell, ticket, ns))                 \
    X(void *, fw_malloc, (size_t size), (size))                                                                \
    V(fw_free, (void *p), (p))                                                                                 \
    X(void *, fw_carve, (struct fw_carver *carver, size_t count, size_t size, size_t align),                   \
        (carver, count, size, align))                                                                          \
    X(bool, fw_stream_step, (struct furrow_work *work, bool *moved), (work, moved))                            \
    V(fw_stream_wait, (struct furrow_work *work, bool stops, uint64_t ns), (work, stops, ns))                  \
    X(bool, fw_stream_lend, (struct furrow_work *work, int place, uint32_t *s), (work, place, s))              \
    V(fw_stream_give_back, (struct furrow_work *work, int place, uint32_t s), (work, place, s))                \
    V(fw_stream_unlend, (struct furrow_work *work, uint32_t s), (work, s))                                     \
    V(fw_stream_drop, (struct furrow_work *work, uint32_t s), (work, s))                                       \
    X(bool, fw_stream_recall, (struct furrow_work *work, uint32_t *s), (work, s))                              \
    X(const void *, fw_stream_input, (const struct furrow_work *work, uint32_t s), (work, s))                  \
    X(void *, fw_stream_output, (const struct furrow_work *work, uint32_t s), (work, s))                       \
    X(bool, fw_replies_give, (struct fw_replies *replies, struct fw_reply *reply, const void *data,            \
        size_t size), (replies, reply, data, size))                                                            \
    X(const void *, fw_replies_take, (struct fw_replies *replies, struct fw_reply *reply), (replies, reply))   \
    X(int, fw_registry_list, (const furrow_backend *out[FW_REGISTRY_MAX], int *chosen), (out, chosen))         \
    V(fw_remote_install, (const struct fw_remote *remote), (remote))
/* clang-format on */

/* Raised whenever a structure or a function of the engine changes that the
 * library uses. */
enum { FW_ENGINE_VERSION = 2 };

struct fw_engine {
    uint32_t version; /* FW_ENGINE_VERSION and FURROW_VERSION, as the two numbers of a build */
    uint32_t release;
    size_t size;      /* of this table */
    size_t work_size; /* of struct furrow_work: compiled with the same headers */
    /* Those with variable arguments. */
    furrow_status (*fw_fail)(furrow_status status, const char *format, ...) FURROW_PRINTF(2, 3);
    void (*fw_message_append)(char text[FURROW_MESSAGE], const char *format, ...) FURROW_PRINTF(2, 3);
    void (*fw_log)(enum fw_log_level level, const char *format, ...) FURROW_PRINTF(2, 3);
    void (*fw_log_once)(const char *key, const char *format, ...) FURROW_PRINTF(2, 3);
#define FW_ENGINE_SLOT(type, name, parameters, arguments) type(*name) parameters;
#define FW_ENGINE_VOID_SLOT(name, parameters, arguments) void(*name) parameters;
    FW_ENGINE_CALLS(FW_ENGINE_SLOT, FW_ENGINE_VOID_SLOT)
#undef FW_ENGINE_SLOT
#undef FW_ENGINE_VOID_SLOT
};

/* The one exported object that is no part of the public interface. */
FURROW_API extern const struct fw_engine furrow_engine;

#endif
