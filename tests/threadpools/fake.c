/* Stand-ins for thread libraries that are not to be had everywhere: the symbols
 * that furrow looks for and what they promise, with a count of the setter's
 * calls. One of the FAKE_ macros says which. */
#include <stdatomic.h>
#include <stdint.h>

int fake_sets(void);

static atomic_int sets;

int fake_sets(void)
{
    return sets;
}

#if defined(FAKE_OPENBLAS) /* its parallel: 0, 1, 2; FAKE_PREFIX, FAKE_SUFFIX: of symbols */
#define JOIN(a, b, c) a##b##c
#define JOINED(a, b, c) JOIN(a, b, c)
#define FAKE_NAME(x) JOINED(FAKE_PREFIX, x, FAKE_SUFFIX)

void FAKE_NAME(openblas_set_num_threads)(int threads);
int FAKE_NAME(openblas_get_num_threads)(void);
int FAKE_NAME(openblas_get_parallel)(void);

static atomic_int threads_now = 5;

void FAKE_NAME(openblas_set_num_threads)(int threads)
{
    sets++;
#ifndef FAKE_STUBBORN
    threads_now = threads;
#else
    (void)threads;
#endif
}

int FAKE_NAME(openblas_get_num_threads)(void)
{
    return threads_now;
}

int FAKE_NAME(openblas_get_parallel)(void)
{
    return FAKE_OPENBLAS;
}
#elif defined(FAKE_FLEXIBLAS)
void flexiblas_set_num_threads(int threads);
int flexiblas_get_num_threads(void);

static atomic_int threads_now = 6;

void flexiblas_set_num_threads(int threads)
{
    sets++;
    threads_now = threads;
}

int flexiblas_get_num_threads(void)
{
    return threads_now;
}
#elif defined(FAKE_BLIS) /* FAKE_BLIS: the version; FAKE_LOCAL: per thread */
void bli_thread_set_num_threads(int64_t threads);
int64_t bli_thread_get_num_threads(void);
const char *bli_info_get_version_str(void);

#ifdef FAKE_LOCAL
static _Thread_local int64_t threads_now = -1;
#else
static _Atomic int64_t threads_now = -1;
#endif

void bli_thread_set_num_threads(int64_t threads)
{
    sets++;
    threads_now = threads;
}

int64_t bli_thread_get_num_threads(void)
{
    return threads_now;
}

const char *bli_info_get_version_str(void)
{
    return FAKE_BLIS;
}
#elif defined(FAKE_MKL)
int MKL_Set_Num_Threads_Local(int threads);
int MKL_Get_Max_Threads(void);

static _Thread_local int threads_here; /* 0: the process's */

int MKL_Set_Num_Threads_Local(int threads)
{
    const int before = threads_here;

    sets++;
    threads_here = threads;
    return before;
}

int MKL_Get_Max_Threads(void)
{
    return threads_here > 0 ? threads_here : 7;
}
#endif
