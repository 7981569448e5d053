/* A forked child of a program with threads: what another thread was in the
 * middle of when it was forked is nobody's here.
 *
 * A module with a lock, or a count of threads inside it, has a function that makes
 * it new; child.c calls them all in every child, before anything else of ours runs
 * there. pools.c looks after itself and poolhold.c, before anybody expects children. */
#ifndef FW_CHILD_H
#define FW_CHILD_H

/* From now on children begin anew. Any thread, any number of times. */
void fw_child_expect(void);

/* Implemented by seat.c, lease.c, cancel.c, drain.c, alloc.c and backends/registry.c. */
void fw_seat_in_child(void);
void fw_lease_in_child(void);
void fw_cancel_in_child(void);
void fw_drain_in_child(void);
void fw_alloc_in_child(void);
void fw_registry_in_child(void);

#endif
