#include "registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "runtime/child.h"
#include "runtime/message.h"

extern const furrow_backend fw_fork;
extern const furrow_backend fw_openmp;
extern const furrow_backend fw_sequential;

/* The library's own, in the order of preference; one line a backend. The
 * fallback is not among them. */
static const furrow_backend *const built_in[] = {
    &fw_openmp,
    &fw_fork,
};
enum {
    BUILT_IN = sizeof built_in / sizeof built_in[0],
    REGISTERED_MOST = 32
};
_Static_assert(BUILT_IN + REGISTERED_MOST + 1 <= FW_REGISTRY_MAX, "the list has no room for all");

/* Entries are written once, under `lock`, before `nregistered` counts them. */
static const furrow_backend *registered[REGISTERED_MOST];
static atomic_int nregistered;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fw_registry_in_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
}

const furrow_backend *fw_registry_fallback(void)
{
    return &fw_sequential;
}

bool fw_registry_is_own(const furrow_backend *backend)
{
    bool own = backend == fw_registry_fallback();

    for (int i = 0; i < BUILT_IN; i++)
        own = own || backend == built_in[i];
    return own;
}

int fw_registry_list(const furrow_backend *out[FW_REGISTRY_MAX], int *chosen)
{
    const int own = atomic_load(&nregistered);
    int n = 0;

    for (int i = 0; i < BUILT_IN; i++)
        out[n++] = built_in[i];
    *chosen = n;
    for (int i = 0; i < own; i++)
        out[n++] = registered[i];
    out[n++] = fw_registry_fallback();
    return n;
}

const furrow_backend *fw_registry_find(const char *name)
{
    const furrow_backend *list[FW_REGISTRY_MAX];
    int chosen;
    const int n = fw_registry_list(list, &chosen);

    for (int i = 0; i < n; i++)
        if (strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

/* -- Registering -------------------------------------------------------- */

static furrow_status check_name(const char *name)
{
    if (name == NULL || name[0] == '\0')
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: the backend has no name; give one of "
                                      "lower-case letters, digits and '_'");
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0' || strlen(name) > 63)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: the name \"%.63s\" can't be a value of FURROW_BACKEND; "
                       "use at most 63 lower-case letters, digits and '_'", name);
    if (strcmp(name, "none") == 0)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: \"none\" is what furrow_backend_name() says outside "
                                      "all tasks; use another name");
    return FURROW_OK;
}

static furrow_status check_table(const furrow_backend *backend)
{
    if (backend == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: backend is NULL; pass a table");
    if (backend->size != sizeof *backend)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: size is %zu, not %zu; set it to sizeof(furrow_backend) "
                       "and build with this library's header", backend->size, sizeof *backend);
    if (backend->capacity == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: capacity is NULL; it is required");
    if (backend->run == NULL)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: run is NULL; it is required");
    return check_name(backend->name);
}

/* lock held */
static furrow_status add(const furrow_backend *backend)
{
    const int n = atomic_load(&nregistered);

    if (fw_registry_find(backend->name) != NULL)
        return fw_fail(FURROW_EINVAL, "furrow_backend_register: there is a backend named \"%s\" already; use another name",
                       backend->name);
    if (n == REGISTERED_MOST)
        return fw_fail(FURROW_ENOMEM, "furrow_backend_register: %d backends are registered, which is the most",
                       REGISTERED_MOST);
    registered[n] = backend;
    atomic_store(&nregistered, n + 1);
    return FURROW_OK;
}

furrow_status furrow_backend_register(const furrow_backend *backend)
{
    furrow_status status;

    fw_message_clear();
    status = check_table(backend);
    if (status != FURROW_OK)
        return status;
    (void)pthread_mutex_lock(&lock);
    status = add(backend);
    (void)pthread_mutex_unlock(&lock);
    return status;
}
