/* A user's program: squares of 0 ... 99 on whatever backend is chosen. */
#include <furrow/furrow.h>
#include <stdio.h>

static int square(furrow_task *task)
{
    *(double *)task->out = (double)task->index * (double)task->index;
    return 0;
}

int main(void)
{
    static double out[100];
    furrow_job job = { .run = square, .count = 100, .out = out, .out_size = sizeof out[0] };

    if (furrow_map(&job, NULL, NULL) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        return 1;
    }
    for (size_t i = 0; i < 100; i++)
        if (out[i] != (double)(i * i))
            return 2;
    puts("squares");
    return 0;
}
