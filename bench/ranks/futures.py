"""mpi4py.futures: empty tasks through an executor's map() on the ranks of one mpirun.

    futures.py CHUNK empty [--budget MS] [--small]

CHUNK tasks a message. Rank 0 sends them and runs none. Prints nanoseconds of
wall time per task, as bench/harness.h says. Status 77: not here.
"""
import statistics
import sys
import time

try:
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor
except ImportError:
    # Every rank says so, bench/run shows one line.
    sys.stderr.write("no mpi4py for this Python; needs the package python3-mpi4py\n")
    sys.exit(77)


def empty(index):
    return None


def once(executor, count, chunk):
    start = time.monotonic_ns()
    ran = sum(1 for _ in executor.map(empty, range(count), chunksize=chunk))
    if ran != count:
        raise SystemExit("not every task was run")
    return (time.monotonic_ns() - start) / count


def main(words):
    if len(words) < 3 or words[2] != "empty":
        sys.stderr.write("usage: futures.py CHUNK empty [--budget MS] [--small]\n")
        return 2
    chunk = int(words[1])
    count = (20 if "--small" in words else 1000) * chunk
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is None:  # another rank, when all is over
            return 0
        once(executor, count, chunk)
        values = [once(executor, count, chunk) for _ in range(3)]
    print("empty\t%.6g\t%.6g\tns" % (statistics.median(values), min(values)))
    return 0


sys.exit(main(sys.argv))
