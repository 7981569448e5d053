/* The CPUs of this process: what limits it is looked at once, and counted
 * (cpucount.h). */
#ifndef FW_CPUS_H
#define FW_CPUS_H

#include "cpucount.h"

/* This process's, the same for its whole life but for fw_cpus_dealt(); never NULL. Where the machine
 * that was asked for can't be had (fw_cpus_check()) it is one CPU. */
const struct fw_cpus *fw_cpus(void);

/* The ranks of the node, `ranks` of them, have dealt: these `n` OS indices are
 * this one's; 0: it shares as before. fw_cpus() is another one from here on, but
 * where a job holds CPUs of the old one, which stays, where the deal is that of
 * the last time, and after eight different ones, which a debug line says: the
 * old ones are kept, since threads may look at them.
 *
 * Threads: the one that may call MPI, one call at a time; others may be in
 * fw_cpus(), but no thread may start a job meanwhile (its leases would be places
 * of the old one). FURROW_ENOMEM; all as before then. */
FW_MUST_CHECK furrow_status fw_cpus_dealt(const int *os, int n, int ranks);

/* FURROW_EINVAL where HWLOC_XMLFILE or HWLOC_SYNTHETIC name no machine. */
FW_MUST_CHECK furrow_status fw_cpus_check(void);

/* What was found around the process, for those who explain it; never NULL. */
const struct fw_launcher *fw_cpus_launcher(void);
const struct fw_grant *fw_cpus_grant(void);

#endif
