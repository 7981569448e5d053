/* Masks of workers: which CPUs a thread may run on while it works for a job.
 *
 * A process worker sets its mask itself, since what it inherits is that of the
 * thread that forked it, which OpenMP may have bound to one CPU. A thread's is
 * changed where the config asks for it, and is as before when the job ends. */
#ifndef FW_BIND_H
#define FW_BIND_H

#include "cpus.h"

enum fw_bind {
    FW_BIND_KEEP,    /* as it is */
    FW_BIND_ALLOWED, /* to all CPUs that the masks leave the process */
    FW_BIND_LEASE    /* to the worker's lease */
};

/* What a worker does. Pure.
 *   asked      config.bind
 *   processes  the worker is a process of its own, or a thread that a rank made for its tasks; not an OpenMP thread
 *   simulated  the CPUs are another machine's: nothing is bound
 *   ours       fw_cpus()->ours */
enum fw_bind fw_bind_choose(int asked, bool processes, bool simulated, bool ours);

/* Why OpenMP's threads can't be bound to leases here; NULL: they can. The teams
 * that a bound thread starts must inherit its mask: libgomp's do unless it places
 * threads by itself, LLVM's keep the one of the job before. */
const char *fw_bind_refusal(void);

enum { FW_MASK_WORDS = 1024 / (8 * sizeof(unsigned long)) };

/* A thread's own mask while another one is installed. It stays where it is. */
struct fw_mask {
    void *set; /* `few`, or owned; NULL: nothing was installed */
    size_t size;
    unsigned long few[FW_MASK_WORDS]; /* no allocation for most machines */
};

/* Installs a mask in the calling thread: of `count` places of fw_cpus(), or, for
 * FW_BIND_ALLOWED, of all that the process was allowed. False: the system
 * refused, and nothing has changed; a mask is no promise. */
bool fw_bind_set(enum fw_bind bind, const int *at, int count, struct fw_mask *own);

/* Puts the thread's own mask back. */
void fw_bind_restore(struct fw_mask *own);

#endif
