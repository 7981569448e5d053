// The same in C++17.
#include <furrow/backend.h>
#include <furrow/furrow.h>
#include <cstdio>
#include <vector>

static int square(furrow_task *task)
{
    *static_cast<double *>(task->out) = double(task->index) * double(task->index);
    return 0;
}

int main()
{
    std::vector<double> out(100);
    furrow_config config = FURROW_CONFIG_DEFAULT;
    furrow_job job = {};

    job.run = square;
    job.count = out.size();
    job.out = out.data();
    job.out_size = sizeof out[0];
    config.backend = "sequential";
    if (furrow_map(&job, &config, nullptr) != FURROW_OK) {
        std::fprintf(stderr, "%s\n", furrow_message());
        return 1;
    }
    for (std::size_t i = 0; i < out.size(); i++)
        if (out[i] != double(i * i))
            return 2;
    std::puts("squares");
    return 0;
}
