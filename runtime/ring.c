#include "ring.h"

#include <signal.h>
#include <string.h>

#include "work.h"

/* A MiB stays in the second-level cache of most, and one in eight of it is a run
 * that takes longer than to wake who copies it (F3 in bench/goals.tsv). */
struct fw_ring_shape fw_ring_shape = { (size_t)1 << 20, (size_t)4 << 20 };

enum { RUNS_IN_A_RING = 8, SLOTS_LEAST = 4 };

size_t fw_ring_slots(const struct fw_request *request, int workers)
{
    const struct fw_ring_shape *shape = &fw_ring_shape;
    const furrow_job *job = &request->job;
    const size_t slots = job->out_size > 0 ? shape->bytes / job->out_size : 0;

    if (slots < SLOTS_LEAST || request->config.retries > 0 ||
        job->count <= shape->least / job->out_size || job->count / (size_t)workers <= slots)
        return 0;
    return slots;
}

static char *slot_at(const struct furrow_work *work, int worker, size_t slot)
{
    const size_t slots = work->rings.slots;

    return work->ring_out + ((size_t)worker * slots + slot % slots) * work->request.job.out_size;
}

/* -- The collector ----------------------------------------------------------- */

static char *taken_to(const struct furrow_work *work)
{
    return work->rings.hold != NULL ? work->rings.hold : work->request.job.out;
}

static void take_ring(struct furrow_work *work, int worker)
{
    struct fw_ring *ring = &work->ring[worker];
    const size_t size = work->request.job.out_size;
    uint32_t taken = atomic_load(&ring->taken);

    while (taken != atomic_load(&ring->published)) {
        const struct fw_ring_run *run = &ring->run[taken % FW_RING_RUNS];

        memcpy(taken_to(work) + run->low * size, slot_at(work, worker, run->at), run->n * size);
        atomic_store(&ring->freed, run->end);
        atomic_store(&ring->taken, ++taken);
    }
}

/* Where the next run may start; the last published run says so, since a death
 * leaves it whole or not there. */
static size_t head_of(const struct fw_ring *ring)
{
    const uint32_t published = atomic_load(&ring->published);

    return published > 0 ? ring->run[(published - 1) % FW_RING_RUNS].end : 0;
}

static uint32_t waiting_of(const struct fw_ring *ring)
{
    return atomic_load(&ring->published) - atomic_load(&ring->taken);
}

/* Half a ring is worth a look. By the ring's own worker; others see a hint. */
static bool is_due(const struct furrow_work *work, int worker)
{
    const struct fw_ring *ring = &work->ring[worker];

    return waiting_of(ring) >= FW_RING_RUNS / 2 ||
           head_of(ring) - atomic_load(&ring->freed) >= work->rings.slots / 2;
}

static bool any_due(const struct furrow_work *work)
{
    for (int w = 0; w < work->workers; w++)
        if (is_due(work, w))
            return true;
    return false;
}

static void take_all(struct furrow_work *work)
{
    for (int w = 0; w < work->workers; w++)
        take_ring(work, w);
    fw_bell_ring(&work->common->bell);
}

static void *collect(void *argument)
{
    struct furrow_work *work = argument;
    struct fw_rings *all = &work->rings;

    while (atomic_load(&all->closed) == 0) {
        const uint32_t ticket = fw_bell_listen(&all->bell);

        if (any_due(work) || atomic_load(&all->closed) != 0)
            fw_bell_ignore(&all->bell);
        else
            fw_bell_sleep(&all->bell, ticket, 0);
        take_all(work);
    }
    return NULL;
}

static size_t held_bytes(const struct furrow_work *work)
{
    return work->request.job.count * work->request.job.out_size;
}

/* Signals are for the program's own threads. */
void fw_ring_start(struct furrow_work *work, size_t slots)
{
    struct fw_rings *all = &work->rings;
    sigset_t every, before;

    if (work->ring == NULL)
        return;
    all->slots = slots;
    if (held_bytes(work) <= work->stage.most)
        all->hold = fw_bulk_alloc(held_bytes(work));
    (void)sigfillset(&every);
    (void)pthread_sigmask(SIG_SETMASK, &every, &before);
    all->collects = pthread_create(&all->collector, NULL, collect, work) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!all->collects)
        work->ring = NULL;
}

void fw_ring_copy(struct furrow_work *work, size_t first, size_t n)
{
    const size_t size = work->request.job.out_size;

    if (work->rings.hold != NULL)
        fw_bulk_copy((char *)work->request.job.out + first * size, work->rings.hold + first * size,
                     n * size);
}

void fw_ring_drop(struct furrow_work *work)
{
    fw_ring_stop(work);
    fw_bulk_free(work->rings.hold, held_bytes(work));
    work->rings.hold = NULL;
}

void fw_ring_stop(struct furrow_work *work)
{
    struct fw_rings *all = &work->rings;

    if (!all->collects)
        return;
    atomic_store(&all->closed, 1);
    fw_bell_ring(&all->bell);
    (void)pthread_join(all->collector, NULL);
    all->collects = false;
    take_all(work);
}

/* -- Workers ----------------------------------------------------------------- */

bool fw_ring_is_open(const struct furrow_work *work, int worker)
{
    return work->ring != NULL &&
           atomic_load_explicit(&work->ring[worker].open, memory_order_relaxed) != 0;
}

size_t fw_ring_run_most(const struct furrow_work *work)
{
    return work->rings.slots < RUNS_IN_A_RING ? 1 : work->rings.slots / RUNS_IN_A_RING;
}

/* Where a run of `most` tasks may start: it does not wrap. */
static size_t start_of(const struct furrow_work *work, const struct fw_ring *ring, size_t most)
{
    const size_t slots = work->rings.slots, head = head_of(ring), into = head % slots;

    return into + most <= slots ? head : head - into + slots;
}

static bool has_room(const struct furrow_work *work, const struct fw_ring *ring, size_t most)
{
    return waiting_of(ring) < FW_RING_RUNS &&
           start_of(work, ring, most) + most - atomic_load(&ring->freed) <= work->rings.slots;
}

bool fw_ring_has_room(const struct furrow_work *work, int worker)
{
    return work->ring == NULL || has_room(work, &work->ring[worker], fw_ring_run_most(work));
}

char *fw_ring_open(struct furrow_work *work, int worker, size_t most, bool backwards)
{
    struct fw_ring *ring = &work->ring[worker];
    const bool fits = most <= fw_ring_run_most(work) && has_room(work, ring, most);
    const size_t at = start_of(work, ring, most) + (backwards && most > 0 ? most - 1 : 0);

    atomic_store_explicit(&ring->at, at, memory_order_relaxed);
    atomic_store_explicit(&ring->open, fits, memory_order_relaxed);
    return fits ? slot_at(work, worker, at) : NULL;
}

bool fw_ring_published(const struct furrow_work *work, int worker, size_t first, size_t *low,
                       size_t *n)
{
    const struct fw_ring *ring = work->ring != NULL ? &work->ring[worker] : NULL;
    const uint32_t published = ring != NULL ? atomic_load(&ring->published) : 0;
    const struct fw_ring_run *run;

    if (published == 0)
        return false;
    run = &ring->run[(published - 1) % FW_RING_RUNS];
    if (run->first != first)
        return false;
    *low = run->low;
    *n = run->n;
    return true;
}

void fw_ring_publish(struct furrow_work *work, int worker, size_t first, size_t low, size_t n)
{
    size_t before_low, before_n, at;
    struct fw_ring *ring;
    uint32_t published;

    if (!fw_ring_is_open(work, worker) ||
        fw_ring_published(work, worker, first, &before_low, &before_n))
        return;
    ring = &work->ring[worker];
    published = atomic_load_explicit(&ring->published, memory_order_relaxed);
    at = atomic_load_explicit(&ring->at, memory_order_relaxed) - (first - low);
    ring->run[published % FW_RING_RUNS] =
        (struct fw_ring_run){ .first = first, .low = low, .n = n, .at = at, .end = at + n };
    atomic_store(&ring->published, published + 1);
    if (is_due(work, worker))
        fw_bell_ring(&work->rings.bell);
}
