/* Included before every source of a second build of the library: each atomic
 * operation is first announced, so that a test can end a worker between any two
 * steps of a claim, a steal, or the end of a task. */
#ifndef POINTS_H
#define POINTS_H

#include <stdatomic.h>

void fault_point(void);

#ifdef __clang__
#define POINT_LOAD(p, o) __c11_atomic_load(p, o)
#define POINT_STORE(p, v, o) __c11_atomic_store(p, v, o)
#define POINT_EXCHANGE(p, v, o) __c11_atomic_exchange(p, v, o)
#define POINT_ADD(p, v) __c11_atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define POINT_SUB(p, v) __c11_atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define POINT_OR(p, v) __c11_atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define POINT_AND(p, v) __c11_atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define POINT_CAS(p, e, v) \
    __c11_atomic_compare_exchange_strong(p, e, v, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#else
#define POINT_LOAD(p, o) __atomic_load_n(p, o)
#define POINT_STORE(p, v, o) __atomic_store_n(p, v, o)
#define POINT_EXCHANGE(p, v, o) __atomic_exchange_n(p, v, o)
#define POINT_ADD(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define POINT_SUB(p, v) __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST)
#define POINT_OR(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define POINT_AND(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define POINT_CAS(p, e, v) \
    __atomic_compare_exchange_n(p, e, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#endif

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#define atomic_load(p) (fault_point(), POINT_LOAD(p, __ATOMIC_SEQ_CST))
#define atomic_load_explicit(p, o) (fault_point(), POINT_LOAD(p, o))
#define atomic_store(p, v) (fault_point(), POINT_STORE(p, v, __ATOMIC_SEQ_CST))
#define atomic_store_explicit(p, v, o) (fault_point(), POINT_STORE(p, v, o))
#define atomic_exchange(p, v) (fault_point(), POINT_EXCHANGE(p, v, __ATOMIC_SEQ_CST))
#define atomic_fetch_add(p, v) (fault_point(), POINT_ADD(p, v))
#define atomic_fetch_sub(p, v) (fault_point(), POINT_SUB(p, v))
#define atomic_fetch_or(p, v) (fault_point(), POINT_OR(p, v))
#define atomic_fetch_and(p, v) (fault_point(), POINT_AND(p, v))
#define atomic_compare_exchange_strong(p, e, v) (fault_point(), POINT_CAS(p, e, v))
#define atomic_compare_exchange_weak(p, e, v) (fault_point(), POINT_CAS(p, e, v))
/* The outcome bytes, which are plain ones. */
#define __atomic_store_n(p, v, o) (fault_point(), __atomic_store_n(p, v, o))

#endif
