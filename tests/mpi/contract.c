/* The promises of tests/contract on ranks: mpirun -n N contract ROW [GROUP |
 * PROMISE]...
 *
 * Every rank runs every promise, with the same jobs; boards are memory that all
 * ranks share, so that tasks anywhere write on the same one. What a promise
 * checks outside tasks counts on rank 0 alone, which has the results. The
 * program of the contract is taken in whole, but for what is a matter of ranks. */
#define main contract_main
#define board board_of_one
#define check_apart check_apart_of_one
#define check_that check_that_here
#define check_equal check_equal_here
#define check_text check_text_here
#define check_says check_says_here
#define check_status check_status_here
int contract_main(int argc, char **argv);
#include "tests/contract/main.c"
#undef main
#undef board
#undef check_apart
#undef check_that
#undef check_equal
#undef check_text
#undef check_says
#undef check_status

#include <fcntl.h>

/* What contract.h declares, by its own names again. */
void *board(size_t size);
void check_apart(const struct row *row, const char *check, const char *const *variables, char *said);
bool check_that(bool holds, const char *file, int line, const char *claim);
bool check_equal(long long got, long long want, const char *file, int line, const char *claim);
bool check_text(const char *got, const char *want, const char *file, int line, const char *claim);
bool check_says(const char *text, const char *word, const char *file, int line, const char *claim);
bool check_status(furrow_status got, furrow_status want, const char *file, int line, const char *claim);

#include <furrow/mpi.h>

static int rank, ranks;

/* -- Rows --------------------------------------------------------------- */

static const struct row rows[] = {
    { "sequential", "sequential", 1, IN_CALLER }, /* what promises compare with */
    { "mpi", "mpi", 2, PROCESSES },
    { "mpi3", "mpi", 3, PROCESSES },
    { "mpi8", "mpi", 8, PROCESSES },
};
enum { ROWS = sizeof rows / sizeof *rows };

const struct row *row_at(int number)
{
    return number < ROWS ? &rows[number] : NULL;
}

const struct row *row_find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

void rows_register(void)
{
    if (furrow_backend_register(&posix_backend) != FURROW_OK || furrow_backend_register(&forked_backend) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        exit(2);
    }
}

furrow_config row_config(const struct row *row)
{
    furrow_config config = FURROW_CONFIG_DEFAULT;

    config.backend = row->backend;
    config.jobs = row->workers;
    config.strict = true;
    return config;
}

/* Promises about what a rank is not, and those whose jobs start elsewhere than
 * on the thread that may call MPI. Each is checked for ranks in another test of
 * this folder, or has no meaning on them. */
static const struct {
    const char *function, *why;
} left_out[] = {
#include "left_out.h"
};

static const char *names[] = {
#define NAME_ENTRY(group, function, promise) #function,
    CONTRACT_PROMISES(NAME_ENTRY)
#undef NAME_ENTRY
};

static const char *why_left_out(int number)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(left_out[i].function, names[number]) == 0)
            return left_out[i].why;
    return NULL;
}

/* -- What all ranks share ------------------------------------------------ */

void *board(size_t size)
{
    struct {
        long pid;
        int file;
    } where = { getpid(), -1 };
    char path[64];
    void *memory;

    if (rank == 0) {
        where.file = memfd_create("board", 0);
        if (where.file < 0 || ftruncate(where.file, (off_t)size) != 0)
            MPI_Abort(MPI_COMM_WORLD, 2);
    }
    MPI_Bcast(&where, sizeof where, MPI_BYTE, 0, MPI_COMM_WORLD);
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", where.pid, where.file);
    if (rank > 0)
        where.file = open(path, O_RDWR);
    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, where.file, 0);
    MPI_Barrier(MPI_COMM_WORLD);
    close(where.file);
    if (memory == MAP_FAILED || nboards == BOARDS) {
        fprintf(stderr, "rank %d has no board of %zu bytes\n", rank, size);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    boards[nboards].memory = memory;
    boards[nboards++].size = size;
    return memory;
}

void check_apart(const struct row *row, const char *check, const char *const *variables, char *said)
{
    (void)row, (void)check, (void)variables, (void)said;
    skip("a process apart is no rank");
}

/* Outside tasks only rank 0 has what there is to check. */
static bool counts(void)
{
    return rank == 0 || furrow_level() > 0;
}

bool check_that(bool holds, const char *file, int line, const char *claim)
{
    return !counts() || check_that_here(holds, file, line, claim);
}

bool check_equal(long long got, long long want, const char *file, int line, const char *claim)
{
    return !counts() || check_equal_here(got, want, file, line, claim);
}

bool check_text(const char *got, const char *want, const char *file, int line, const char *claim)
{
    return !counts() || check_text_here(got, want, file, line, claim);
}

bool check_says(const char *text, const char *word, const char *file, int line, const char *claim)
{
    return !counts() || check_says_here(text, word, file, line, claim);
}

bool check_status(furrow_status got, furrow_status want, const char *file, int line, const char *claim)
{
    return !counts() || check_status_here(got, want, file, line, claim);
}

/* -- The program -------------------------------------------------------- */

static void tell(const char *verdict, int number, const char *why)
{
    if (rank == 0)
        say("%s %s%s%s\n", verdict, contract[number].promise, *why != '\0' ? ": " : "", why);
}

/* 1: held, 0: not, -1: it has no meaning here. */
static int check_promise(const struct row *row, int number)
{
    const char *why = why_left_out(number);
    bool held;

    if (why != NULL) {
        tell("skip", number, why);
        return -1;
    }
    promise = contract[number].promise;
    skipped = NULL;
    MPI_Barrier(MPI_COMM_WORLD);
    alarm(DEADLINE);
    contract[number].check(row);
    alarm(0);
    MPI_Barrier(MPI_COMM_WORLD);
    held = atomic_load(failures) == 0;
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        atomic_store(failures, 0);
    while (nboards > 1) { /* the first one counts failures */
        nboards--;
        munmap(boards[nboards].memory, boards[nboards].size);
    }
    tell(!held ? "FAIL" : skipped != NULL ? "skip" : "ok", number, held && skipped != NULL ? skipped : "");
    return !held ? 0 : skipped != NULL ? -1 : 1;
}

static int check_all(const struct row *row, char **words)
{
    int count[3] = { 0, 0, 0 };

    for (int i = 0; i < PROMISES; i++)
        if (wanted(i, words))
            count[check_promise(row, i) + 1]++;
    if (rank == 0)
        say("%d passed, %d failed, %d without meaning here\n", count[2], count[1], count[0]);
    return count[1] > 0 || count[2] == 0;
}

int main(int argc, char **argv)
{
    const struct row *row = argc > 1 ? row_find(argv[1]) : NULL;
    int failed;

    if (row == NULL)
        return usage();
    if (furrow_mpi_init(&argc, &argv) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        return 2;
    }
    rows_register();
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    failures = board(sizeof *failures);
    signal(SIGALRM, too_late);
    failed = check_all(row, argv + 2);
    (void)furrow_mpi_finalize();
    return failed;
}
