/* The promises of tests/contract on ranks:
 *
 *   mpirun -n N contract ROW [served] [isolate] [GROUP | PROMISE]...
 *
 *   (default)  collective: every rank runs every promise, with the same jobs
 *   served     rank 0 alone runs them, the other ranks serve its jobs
 *   isolate    every job on mpi is one of isolated tasks
 *
 * Boards are memory that all ranks have at the same address, so that tasks
 * anywhere write on the same one. What a promise checks outside tasks counts on
 * rank 0 alone, which has the results. What another rank writes to standard
 * error is looked at after each promise. The program of the contract is taken in
 * whole, but for what is a matter of ranks; it is linked without address
 * randomisation, so that its constants and functions are where rank 0 has them. */
#define main contract_main
#define board board_of_one
#define check_apart check_apart_of_one
#define check_that check_that_here
#define check_equal check_equal_here
#define check_text check_text_here
#define check_says check_says_here
#define check_status check_status_here
int contract_main(int argc, char **argv);
#include "tests/common/forkcheck.c"
#include "tests/contract/main.c"
#undef main
#undef board
#undef check_apart
#undef check_that
#undef check_equal
#undef check_text
#undef check_says
#undef check_status

#include <errno.h>
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

/* How the promises are checked. */
enum { COLLECTIVE = 1, SERVED = 2, ISOLATED = 4, SERVED_ISOLATED = 8, SERVE = SERVED | SERVED_ISOLATED, ANYHOW = 15 };
static bool served, isolated;

/* -- Rows --------------------------------------------------------------- */

const struct row rows[] = {
    { "sequential", "sequential", 1, IN_CALLER }, /* what promises compare with */
    { "mpi", "mpi", 2, PROCESSES },
    { "mpi3", "mpi", 3, PROCESSES },
    { "mpi4", "mpi", 4, PROCESSES },
    { "mpi5", "mpi", 5, PROCESSES },
    { "mpi6", "mpi", 6, PROCESSES },
    { "mpi8", "mpi", 8, PROCESSES },
    { "mpi10", "mpi", 10, PROCESSES },
    { "mpi12", "mpi", 12, PROCESSES },
};
const int nrows = sizeof rows / sizeof *rows;

void rows_register(void)
{
    if (furrow_backend_register(&posix_backend) != FURROW_OK || furrow_backend_register(&forked_backend) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        exit(2);
    }
}

/* -- What is left out ---------------------------------------------------- */

/* Promises about what a rank is not, and those whose jobs start elsewhere than
 * on the thread that may call MPI: which, in which ways of running, and why. Each
 * is checked for ranks in another test of this folder, or has no meaning on them. */
static const struct {
    const char *function;
    int where;
    const char *why;
} left_out[] = {
#include "left_out.h"
};
enum { LEFT_OUT = sizeof left_out / sizeof *left_out };

static const char *names[] = {
#define NAME_ENTRY(group, function, promise) #function,
    CONTRACT_PROMISES(NAME_ENTRY)
#undef NAME_ENTRY
};

static int here(void)
{
    return served ? (isolated ? SERVED_ISOLATED : SERVED) : isolated ? ISOLATED : COLLECTIVE;
}

static const char *why_left_out(int number)
{
    for (int i = 0; i < LEFT_OUT; i++)
        if ((left_out[i].where & here()) != 0 && strcmp(left_out[i].function, names[number]) == 0)
            return left_out[i].why;
    return NULL;
}

/* Every entry names a promise, once in each way, and has a reason. */
static bool is_right(int entry)
{
    bool found = false;

    for (int i = 0; i < PROMISES; i++)
        found = found || strcmp(names[i], left_out[entry].function) == 0;
    for (int i = 0; i < entry; i++)
        if ((left_out[i].where & left_out[entry].where) != 0 &&
            strcmp(left_out[i].function, left_out[entry].function) == 0)
            return false;
    return found && left_out[entry].where != 0 && strlen(left_out[entry].why) > 10;
}

static void check_left_out(void)
{
    for (int i = 0; i < LEFT_OUT; i++)
        if (!is_right(i)) {
            fprintf(stderr, "left_out.h: \"%s\" is no promise, or is there twice, or has no reason\n", left_out[i].function);
            exit(2);
        }
}

/* -- What all ranks share ------------------------------------------------ */

/* One file that all ranks map at the same address; hosts of the tests have their
 * folder for temporary files in common. And one for what other ranks say. */
static struct {
    char *base;
    size_t used;
    int said;       /* open file */
    off_t said_before;
} arena;
static const size_t arena_bytes = (size_t)256 << 20;
static const uintptr_t arena_at = (uintptr_t)1 << 45; /* where neither programs nor sanitizers have anything */

static void give_up(const char *what)
{
    fprintf(stderr, "rank %d: %s: %s\n", rank, what, strerror(errno));
    MPI_Abort(MPI_COMM_WORLD, 2);
    exit(2);
}

static int open_file(char path[256], const char *kind)
{
    const char *folder = getenv("TMPDIR");
    int file = -1;

    if (rank == 0) {
        snprintf(path, 256, "%s/furrow-contract-%s-XXXXXX", folder != NULL ? folder : "/tmp", kind);
        file = mkostemp(path, O_APPEND);
    }
    MPI_Bcast(path, 256, MPI_BYTE, 0, MPI_COMM_WORLD);
    if (rank > 0)
        file = open(path, O_RDWR | O_APPEND);
    if (file < 0)
        give_up(path);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(path);
    return file;
}

static void open_arena(void)
{
    char path[256];
    int file = open_file(path, "boards");

    if (ftruncate(file, (off_t)arena_bytes) != 0)
        give_up(path);
    arena.base = mmap((void *)arena_at, arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
    if (arena.base != (void *)arena_at)
        give_up("no place for boards");
    close(file);
    arena.said = open_file(path, "said");
    if (rank > 0 && !CONTRACT_SANITIZED) /* whose reports somebody has to see */
        dup2(arena.said, STDERR_FILENO);
}

/* The same calls on all ranks, or rank 0's alone where the others serve. */
void *board(size_t size)
{
    char *memory = arena.base + arena.used;

    arena.used += (size + 4095) / 4096 * 4096;
    if (arena.used > arena_bytes)
        give_up("the boards are full");
    return memory;
}

/* But for the first one, which counts failures. */
static void clear_arena(void)
{
    if (rank == 0)
        memset(arena.base, 0, arena.used);
    arena.used = 4096;
}

/* Ranks beside rank 0 have nothing to say, but for what their own jobs of other
 * backends are told once in a process. */
static void check_said(void)
{
    char line[1024] = "";
    ssize_t length;

    while (rank == 0 && (length = pread(arena.said, line, sizeof line - 1, arena.said_before)) > 0) {
        line[length] = '\0';
        line[strcspn(line, "\n")] = '\0';
        arena.said_before += (off_t)strlen(line) + 1;
        if (served || strstr(line, " as asked") == NULL)
            check_fail(__FILE__, __LINE__, "another rank says nothing", line);
    }
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

/* -- Jobs of the promises ------------------------------------------------ */

/* An address that is the same on all ranks, of a board or a constant, and who
 * wants to see it: travels by value. */
struct parcel {
    const void *shared;
    furrow_task_fn run;
    furrow_worker_fn begin, end;
};

static int run_parcel(furrow_task *task)
{
    const struct parcel *parcel = task->shared;
    int code;

    task->shared = parcel->shared;
    code = parcel->run(task);
    task->shared = parcel;
    return code;
}

static int begin_parcel(int worker, const void *shared, void **state)
{
    const struct parcel *parcel = shared;

    return parcel->begin(worker, parcel->shared, state);
}

static int end_parcel(int worker, const void *shared, void **state)
{
    const struct parcel *parcel = shared;

    return parcel->end(worker, parcel->shared, state);
}

static bool is_everywhere(const void *address)
{
    extern const char __executable_start, _end;
    const char *at = address;

    return (at >= arena.base && at < arena.base + arena_bytes) || (at >= &__executable_start && at < &_end);
}

/* The job for ranks, where it is one for them. */
static const furrow_job *for_ranks(const furrow_job *job, const furrow_config *config, furrow_job *out,
                                   struct parcel *parcel)
{
    furrow_config pushed = FURROW_CONFIG_DEFAULT;

    if (job == NULL || furrow_level() > 0 || (!served && !isolated))
        return job;
    if (config == NULL && furrow_config_get(&pushed) == FURROW_OK)
        config = &pushed;
    if (config == NULL || !config->strict || config->backend == NULL || strcmp(config->backend, "mpi") != 0)
        return job;
    *out = *job;
    out->isolate = job->isolate || (isolated && !job->shared_memory);
    if (!served || job->run == NULL || job->shared == NULL || job->shared_size > 0 || !is_everywhere(job->shared))
        return out;
    *parcel = (struct parcel){ job->shared, job->run, job->worker_begin, job->worker_end };
    out->run = run_parcel;
    out->worker_begin = job->worker_begin != NULL ? begin_parcel : NULL;
    out->worker_end = job->worker_end != NULL ? end_parcel : NULL;
    out->shared = parcel;
    out->shared_size = sizeof *parcel;
    return out;
}

/* What the promises call in place of furrow_map() and furrow_plan(). */
furrow_status contract_map(const furrow_job *job, const furrow_config *config, furrow_report *report);
furrow_status contract_plan(const furrow_job *job, const furrow_config *config, furrow_report *report);

furrow_status contract_map(const furrow_job *job, const furrow_config *config, furrow_report *report)
{
    struct parcel parcel;
    furrow_job changed;

    return furrow_map(for_ranks(job, config, &changed, &parcel), config, report);
}

furrow_status contract_plan(const furrow_job *job, const furrow_config *config, furrow_report *report)
{
    struct parcel parcel;
    furrow_job changed;

    return furrow_plan(for_ranks(job, config, &changed, &parcel), config, report);
}

/* -- The program -------------------------------------------------------- */

static void tell(const char *verdict, int number, const char *why)
{
    if (rank == 0)
        check_say("%s %s%s%s\n", verdict, contract[number].promise, *why != '\0' ? ": " : "", why);
}

static void all_here(void)
{
    if (!served)
        MPI_Barrier(MPI_COMM_WORLD);
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
    check_run.name = contract[number].promise;
    skipped = NULL;
    all_here();
    alarm(DEADLINE);
    contract[number].check(row);
    alarm(0);
    all_here();
    check_said();
    all_here();
    held = atomic_load(check_run.failures) == 0;
    all_here();
    clear_arena();
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
        check_say("%d passed, %d failed, %d without meaning here\n", count[2], count[1], count[0]);
    return count[1] > 0 || count[2] == 0;
}

static char **read_ways(char **words)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, "served") == 0)
            served = true;
        else if (strcmp(*words, "isolate") == 0)
            isolated = true;
        else
            break;
    }
    return words;
}

int main(int argc, char **argv)
{
    const struct row *row = argc > 1 ? row_find(argv[1]) : NULL;
    char **words;
    int failed;

    begin_checks();
    if (row == NULL)
        return usage();
    if (furrow_mpi_init(&argc, &argv) != FURROW_OK) {
        fprintf(stderr, "%s\n", furrow_message());
        return 2;
    }
    words = read_ways(argv + 2);
    check_left_out();
    rows_register();
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    check_run.name = "a task on another rank";
    open_arena();
    check_run.failures = board(sizeof *check_run.failures);
    if (served && furrow_mpi_serve() != FURROW_OK)
        give_up(furrow_message());
    signal(SIGALRM, too_late);
    failed = check_all(row, words);
    (void)furrow_mpi_finalize();
    return failed;
}
