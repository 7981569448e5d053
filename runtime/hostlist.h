/* Slurm's compressed lists: of hosts, "n[001-003,7],login", and of counts per
 * host, "72(x2),36". Pure; fuzzed. */
#ifndef FW_HOSTLIST_H
#define FW_HOSTLIST_H

enum { FW_HOSTLIST_ABSENT = -1, FW_HOSTLIST_BAD = -2 };

/* The place of `host` in a list of hosts, from 0; compared up to the first dot.
 * FW_HOSTLIST_ABSENT: not among them; FW_HOSTLIST_BAD: no list. */
int fw_hostlist_find(const char *list, const char *host);

/* The count at a place of a list of counts: 72 at 0 and 1, 36 at 2. Counts are
 * >= 1. FW_HOSTLIST_ABSENT: the list ends before; FW_HOSTLIST_BAD: no list. */
int fw_counts_at(const char *list, int place);

#endif
