#include "ranks.h"

int rank, ranks, wrong;

static bool tell(const char *file, int line, const char *claim, const char *saw)
{
    const char *base = strrchr(file, '/');

    wrong++;
    fprintf(stderr, "FAIL rank %d %s:%d %s%s%s\n", rank, base != NULL ? base + 1 : file, line, claim,
            *saw != '\0' ? ", but got " : "", saw);
    return false;
}

bool check(bool holds, const char *file, int line, const char *claim)
{
    return holds || tell(file, line, claim, "");
}

bool check_status(furrow_status got, furrow_status want, const char *file, int line, const char *claim)
{
    char saw[600];

    if (got == want)
        return true;
    snprintf(saw, sizeof saw, "\"%s\" (%s), not \"%s\"", furrow_strerror(got), furrow_message(), furrow_strerror(want));
    return tell(file, line, claim, saw);
}

bool check_says(const char *text, const char *word, const char *file, int line)
{
    char saw[600];

    if (strstr(text, word) != NULL && strchr(text, '\n') == NULL)
        return true;
    snprintf(saw, sizeof saw, "\"%s\", without \"%s\"", text, word);
    return tell(file, line, "a message", saw);
}

furrow_config on_mpi(void)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = "mpi";
    config.strict = true;
    return config;
}

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void spend(double seconds)
{
    const struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

    nanosleep(&t, NULL);
}

void begin(int *argc, char ***argv)
{
    if (furrow_mpi_init(argc, argv) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        exit(2);
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
}

int end(void)
{
    int sum = 0;

    MPI_Allreduce(&wrong, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    CHECK_STATUS(furrow_mpi_finalize(), FURROW_OK);
    return sum + wrong > 0;
}
