/* A backend of one's own: plain pthreads, one for each worker of a job. */
#include <pthread.h>
#include <stdlib.h>

#include <furrow/backend.h>

extern const furrow_backend posix_backend;

struct hand {
    pthread_t thread;
    furrow_work *work;
    int worker;
};

static void *hand_main(void *argument)
{
    struct hand *hand = argument;

    furrow_work_run(hand->work, hand->worker);
    return NULL;
}

/* Makes a thread for each worker from `first` on; returns the one after the
 * last that could be had. */
static int hands_make(struct hand *hand, int first, const furrow_crew *crew, furrow_work *work)
{
    int next = first;

    for (; next < crew->workers; next++) {
        hand[next].work = work;
        hand[next].worker = next;
        if (pthread_create(&hand[next].thread, NULL, hand_main, &hand[next]) != 0)
            break;
    }
    return next;
}

static furrow_status posix_run(const furrow_crew *crew, furrow_work *work)
{
    /* The calling thread is worker 0 unless it serves. */
    int first = crew->caller_serves ? 0 : 1;
    struct hand *hand = calloc((size_t)crew->workers, sizeof *hand);
    int end;

    if (hand == NULL)
        return furrow_work_fail(work, FURROW_ENOMEM, "posix: no memory for %d workers",
                                crew->workers);
    end = hands_make(hand, first, crew, work);
    if (crew->caller_serves && end > first)
        furrow_work_serve(work);
    else
        furrow_work_run(work, 0);
    for (int i = first; i < end; i++)
        pthread_join(hand[i].thread, NULL);
    free(hand);
    return FURROW_OK;
}

static int posix_capacity(const furrow_config *config, char why[FURROW_MESSAGE])
{
    (void)config, (void)why;
    return 1024;
}

const furrow_backend posix_backend = {
    .size = sizeof(furrow_backend),
    .name = "posix",
    .caps = FURROW_CAP_WRITES_HERE | FURROW_CAP_READS_HERE | FURROW_CAP_NESTS,
    .capacity = posix_capacity,
    .run = posix_run,
};
