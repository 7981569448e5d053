/* The atomic operations of the modules whose protocol is model-checked.
 *
 * All but FW_PEEK and FW_HINT are sequentially consistent and run once a claim,
 * not once a task. With FW_MODEL defined each operation is first announced to the
 * checker, which then decides who moves next. */
#ifndef FW_ATOMIC_H
#define FW_ATOMIC_H

#include <stdatomic.h>

#ifdef FW_MODEL
void fw_model_point(void);
#else
#define fw_model_point() ((void)0)
#endif

#define FW_LOAD(p) (fw_model_point(), atomic_load(p))
#define FW_STORE(p, v) (fw_model_point(), atomic_store(p, v))
#define FW_CAS(p, old, new) (fw_model_point(), atomic_compare_exchange_strong(p, old, new))
#define FW_OR(p, v) (fw_model_point(), atomic_fetch_or(p, v))
#define FW_AND(p, v) (fw_model_point(), atomic_fetch_and(p, v))
#define FW_ADD(p, v) (fw_model_point(), atomic_fetch_add(p, v))

/* Relaxed, and not announced: on the path of every task, and only hints. */
#define FW_PEEK(p) atomic_load_explicit(p, memory_order_relaxed)
#define FW_HINT(p, v) atomic_store_explicit(p, v, memory_order_relaxed)

#endif
