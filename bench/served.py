"""Loops on a pool of Python processes, for bench/served.c.

    served.py POOL WORKERS

reads one request per line and answers each with a number:

    run KIND COUNT [TURNS...]     results of the loop that have arrived; for the kind
                                  "stamp" a new pool is made and taken away again, and the
                                  answer is when its first task ran, ns of CLOCK_MONOTONIC
    alone KIND COUNT [TURNS...]   CPU time in ns of its tasks in this process
    grow BYTES                    0, when this process is larger by that

Ends with its input. Exit status 77, with a sentence: the pool is not there.
"""

import mmap
import sys
import time

RESULT = 64  # bytes; as in work.h


# -- Tasks: functions of a module, one small argument ---------------------------


def empty(_):
    pass


def spin(turns):
    for _ in range(turns):
        pass


def result(index):
    return bytes(RESULT)


def stamp(_):
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


# -- Pools: map(function, arguments) returns all results -------------------------


class Pool:
    """multiprocessing.Pool, which forks; chunk None: its default."""

    def __init__(self, workers, chunk=None):
        import multiprocessing

        self.chunk = chunk
        self.pool = multiprocessing.get_context("fork").Pool(workers)

    def map(self, function, arguments):
        return self.pool.map(function, arguments, self.chunk)

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Joblib:
    """joblib.Parallel, kept open between loops."""

    def __init__(self, workers, backend, batch="auto"):
        import joblib

        self.delayed = joblib.delayed
        self.backend = backend
        self.parallel = joblib.Parallel(n_jobs=workers, backend=backend, batch_size=batch)
        self.parallel.__enter__()

    def map(self, function, arguments):
        task = self.delayed(function)
        return self.parallel(task(argument) for argument in arguments)

    def close(self):
        self.parallel.__exit__(None, None, None)
        if self.backend == "loky":
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor().shutdown(wait=True)


POOLS = {
    "pool": Pool,
    "pool,1": lambda workers: Pool(workers, 1),
    "loky": lambda workers: Joblib(workers, "loky"),
    "loky,1": lambda workers: Joblib(workers, "loky", 1),
    "joblib-mp": lambda workers: Joblib(workers, "multiprocessing"),
}


# -- Requests --------------------------------------------------------------------


def tasks_of(kind, count, turns):
    """The function of a loop and its arguments."""
    functions = {"empty": empty, "spin": spin, "spins": spin, "bytes": result, "stamp": stamp}
    if kind == "spin":
        return spin, turns * count
    return functions[kind], turns if kind == "spins" else range(count)


def run_anew(make, function, arguments):
    """When the first of the tasks ran on a pool made for them."""
    pool = make()
    try:
        return min(pool.map(function, arguments))
    finally:
        pool.close()


def run_alone(function, arguments):
    begin = time.thread_time_ns()
    for argument in arguments:
        function(argument)
    return time.thread_time_ns() - begin


def grow(size):
    """Private memory in pages of 4 KiB, touched; the caller keeps it."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for page in range(0, size, mmap.PAGESIZE):
        memory[page] = 1
    return memory


def serve(make):
    pool, kept = None, []
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "grow":
            kept.append(grow(int(words[0])))
            answer = 0
        else:
            kind, count, *turns = words
            function, arguments = tasks_of(kind, int(count), [int(n) for n in turns])
            if verb == "alone":
                answer = run_alone(function, arguments)
            elif kind == "stamp":
                answer = run_anew(make, function, arguments)
            else:
                pool = pool or make()
                answer = len(pool.map(function, arguments))
        print(answer, flush=True)
    if pool:
        pool.close()


if __name__ == "__main__":
    try:
        if sys.argv[1].startswith(("loky", "joblib")):
            import joblib  # noqa: F401
    except ImportError:
        print("Python has no joblib (Debian: python3-joblib)", file=sys.stderr)
        sys.exit(77)
    serve(lambda: POOLS[sys.argv[1]](int(sys.argv[2])))
