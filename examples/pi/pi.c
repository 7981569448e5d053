/* pi by throwing darts: the same digits on every backend and any number of workers. */
#include <furrow/furrow.h>
#include <stdio.h>

static int darts(size_t dart, size_t end, void *hits, const void *seed)
{
    for (; dart < end; dart++) {
        uint64_t bits = furrow_seed(*(const uint64_t *)seed, dart);
        double x = (double)(bits >> 32) / 0x1p32, y = (double)(uint32_t)bits / 0x1p32;
        *(uint64_t *)hits += x * x + y * y < 1.0;
    }
    return 0;
}

static void add(void *hits, const void *more, const void *seed)
{
    (void)seed;
    *(uint64_t *)hits += *(const uint64_t *)more;
}

int main(void)
{
    uint64_t hits = 0, seed = 2026;
    furrow_reduction job = { .count = 100000000, .fold = darts, .combine = add, .shared = &seed };

    job.result = &hits;
    job.size = sizeof hits;
    if (furrow_reduce(&job, NULL, NULL) != FURROW_OK) {
        fprintf(stderr, "pi: %s\n", furrow_message());
        return 1;
    }
    printf("pi is about %.4f\n", 4.0 * (double)hits / (double)job.count);
    return 0;
}
