#!/usr/bin/env python3
"""pool.py KIND --workers N: the pools that Python's users know, as peers of the comparison bench.

Speaks the protocol of peer.h.  KIND is one of

    pool        multiprocessing.Pool
    dummy       multiprocessing.dummy.Pool, which has threads
    executor    concurrent.futures.ProcessPoolExecutor
    loky        the reusable executor of loky, joblib's or its own
    mpi         mpi4py.futures.MPIPoolExecutor; starts itself again under mpirun
    parallel    GNU parallel, kept up as a queue: a task is a shell that says `echo`

Each is used as its manual says, with its own defaults.  A task that is an expression of C would measure the
interpreter: such work is refused.
"""

import os

os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # for the workers that start afresh, too
import sys

sys.dont_write_bytecode = True
import importlib.util
import platform
import shutil
import signal
import subprocess
import tempfile
import time

from tasks import millisecond, nothing

PYTHON = "Python " + platform.python_version()


class Missing(Exception):
    """What it needs is not there: Debian's package, and a text."""


class Cannot(Exception):
    """This pool cannot be asked that.  The text goes on after a "no"."""


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


class Pool:
    """multiprocessing.Pool.  The others offer what it does: map and jobs return a list of results."""

    mortal = True  # can be ended, and made again

    def __init__(self, workers):
        try:
            import multiprocessing
            import multiprocessing.synchronize
        except ImportError as error:  # a Python without semaphores
            raise Missing("python3", error) from error
        self.version = f"multiprocessing.Pool, {PYTHON}, {multiprocessing.get_start_method()}"
        self.pool = multiprocessing.Pool(workers)

    def map(self, function, count, chunk):
        return self.pool.map(function, range(count), chunk or None)

    def jobs(self, function, count):
        jobs = [self.pool.apply_async(function, (i,)) for i in range(count)]
        return [job.get() for job in jobs]

    def end(self):
        self.pool.terminate()
        self.pool.join()


class Dummy(Pool):
    """multiprocessing.dummy.Pool."""

    def __init__(self, workers):
        import multiprocessing.dummy

        self.version = f"multiprocessing.dummy.Pool, {PYTHON}"
        self.pool = multiprocessing.dummy.Pool(workers)


class Executor:
    """concurrent.futures.ProcessPoolExecutor, and what is used like it."""

    mortal = True
    # Each job submitted is a word in a pipe that wakes the managing thread; up to Python 3.11.5 a full one, of 16,384,
    # may block both sides for ever (python/cpython#105829).  So larger maps are several.
    most = 10_000

    def __init__(self, workers):
        try:
            import concurrent.futures
            import multiprocessing.synchronize
        except ImportError as error:
            raise Missing("python3", error) from error
        self.version = f"concurrent.futures.ProcessPoolExecutor, {PYTHON}, {multiprocessing.get_start_method()}"
        self.pool = concurrent.futures.ProcessPoolExecutor(workers)

    def map(self, function, count, chunk):
        how = {"chunksize": chunk} if chunk else {}
        part = self.most * (chunk or 1)
        results = []
        for begin in range(0, count, part):
            results += self.pool.map(function, range(begin, min(begin + part, count)), **how)
        return results

    def jobs(self, function, count):
        if count > self.most:
            raise Cannot(f"room: {count} jobs at a time may hang it (python/cpython#105829), {self.most} do not")
        jobs = [self.pool.submit(function, i) for i in range(count)]
        return [job.result() for job in jobs]

    def end(self):
        self.pool.shutdown()


class Loky(Executor):
    """loky's reusable executor; its workers do not retire when they are idle, as other pools' do not."""

    most = sys.maxsize

    def __init__(self, workers):
        try:
            import joblib
            from joblib.externals import loky

            self.version = f"loky {loky.__version__}, joblib {joblib.__version__}, {PYTHON}"
        except ImportError:
            try:
                import loky
            except ImportError as error:
                raise Missing("python3-joblib", "joblib is not installed") from error
            self.version = f"loky {loky.__version__}, {PYTHON}"
        self.pool = loky.get_reusable_executor(max_workers=workers, timeout=None)


class Ranks(Executor):
    """mpi4py.futures.MPIPoolExecutor, in rank 0 of `mpirun ... python3 -m mpi4py.futures`; the others work."""

    mortal = False
    most = sys.maxsize

    def __init__(self, workers):
        import mpi4py
        from mpi4py import MPI, futures

        library = MPI.Get_library_version().split(",")[0].split("\n")[0]
        self.version = f"mpi4py.futures {mpi4py.__version__}, {library}, {PYTHON}"
        if MPI.COMM_WORLD.size != workers + 1:
            raise Missing("python3-mpi4py", f"mpirun is not of {library}, which mpi4py is made for")
        self.pool = futures.MPIPoolExecutor()


def under_mpirun(workers):
    """Becomes mpirun, with one rank more than there are workers."""
    if not importlib.util.find_spec("mpi4py"):
        raise Missing("python3-mpi4py", "mpi4py is not installed")
    mpirun = shutil.which("mpirun")
    if not mpirun:
        raise Missing("mpi-default-bin", "mpirun is not installed")
    command = [mpirun]
    if "Open MPI" in run(mpirun, "--version").stdout:  # refuses root, and more ranks than cores, without being told
        command += ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--quiet"]
    attempt = run(*command, "-n", "1", "true")
    if attempt.returncode != 0:
        raise Missing("mpi-default-bin", "mpirun starts nothing here: " + " ".join(attempt.stderr.split()))
    command += ["-n", str(workers + 1), sys.executable, "-m", "mpi4py.futures"]
    os.execv(mpirun, [*command, os.path.abspath(__file__), "ranks", "--workers", str(workers)])


class Parallel:
    """GNU parallel, reading jobs from a pipe.  It holds back until there is a job for each worker: start with those."""

    mortal = False
    most = 10_000  # lines that fit into a pipe, so that neither side waits for the other

    def __init__(self, workers):
        program = shutil.which("parallel")
        version = run(program, "--version").stdout if program else ""
        if not version.startswith("GNU parallel"):
            raise Missing("parallel", "GNU parallel is not installed")
        self.version = version.splitlines()[0]
        self.home = tempfile.TemporaryDirectory()
        settings = {**os.environ, "PARALLEL_HOME": self.home.name, "PARALLEL_SHELL": "/bin/sh"}
        settings.pop("PARALLEL", None)
        self.process = subprocess.Popen(
            [program, "--will-cite", "--ungroup", "--jobs", str(workers), "echo"],
            env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )

    def map(self, function, count, chunk):
        if function is not nothing:
            raise Cannot("functions: a task is a program, which takes longer to start")
        if chunk > 1:
            raise Cannot("chunks: a task is a program, and several of them are not one call")
        if count > self.most:
            raise Cannot(f"room: {count} jobs at a time are too many, {self.most} are not")
        self.process.stdin.write(b"0\n" * count)
        self.process.stdin.flush()
        results = [self.process.stdout.readline() for _ in range(count)]
        return [line for line in results if line]

    def jobs(self, function, count):
        raise Cannot("other jobs than those of a map: see `empty`")

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.home.cleanup()


KINDS = {
    "pool": Pool, "dummy": Dummy, "executor": Executor, "loky": Loky, "mpi": under_mpirun, "ranks": Ranks,
    "parallel": Parallel,
}


class Wrong(Exception):
    """It was done, and the answer is wrong."""


class Peer:
    """A pool that is warm, and the work that it can be asked for; each returns the seconds of the work alone."""

    def __init__(self, make, workers):
        self.make = make
        self.workers = workers
        self.start()

    def start(self):
        self.pool = self.make(self.workers)
        self.pool.map(nothing, 10 * self.workers, 0)

    def end(self):
        if self.pool:
            self.pool.end()
        self.pool = None

    def timed(self, count, call, *arguments):
        begin = time.perf_counter()
        results = call(*arguments)
        took = time.perf_counter() - begin
        if len(results) != count:
            raise Wrong(f"{len(results)} results of {count} tasks")
        return took

    def empty(self, count, chunk):
        return self.timed(count, self.pool.map, nothing, count, chunk)

    def millisecond(self, count, chunk):
        return self.timed(count, self.pool.map, millisecond, count, chunk)

    def jobs(self, count, _):
        return self.timed(count, self.pool.jobs, nothing, count)

    def pair(self, times, idle):
        took = 0.0
        for _ in range(times):
            time.sleep(idle / 1e6)
            took += self.timed(2, self.pool.map, nothing, 2, 0)
        return took

    def life(self, millions, times):
        if not self.make.mortal:
            raise Cannot("life of its own: it is not made and ended in a running process")
        self.end()
        ballast = bytearray(b"\1") * (millions * 1_000_000)
        took = sum(self.timed(2, self.one_life) for _ in range(times))
        del ballast
        return took

    def one_life(self):
        pool = self.make(self.workers)
        results = pool.map(nothing, 2, 0)
        pool.end()
        return results


WORKS = {"empty": Peer.empty, "pair": Peer.pair, "life": Peer.life, "jobs": Peer.jobs, "millisecond": Peer.millisecond}


def answer(peer, request):
    words = request.split()
    if len(words) != 4 or words[0] != "run" or not (words[2].isdecimal() and words[3].isdecimal()):
        return f"no such request: {request.strip()}; run WORK N CHUNK is one"
    if words[1] not in WORKS:
        return f"no {words[1]} here: in Python it would measure the interpreter"
    try:
        if peer.pool is None and words[1] != "life":
            peer.start()
        return f"took {WORKS[words[1]](peer, int(words[2]), int(words[3])):.9f}"
    except (Cannot, MemoryError, OSError) as reason:
        return f"no {reason if isinstance(reason, Cannot) else repr(reason)}"
    except Wrong as reason:
        return f"wrong {reason}"


def is_number(text):
    return text.isdecimal() and 1 <= int(text) <= 4096


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in KINDS or arguments[1] != "--workers" or not is_number(arguments[2]):
        sys.exit(f"usage: pool.py KIND --workers N, with KIND one of {', '.join(KINDS)} and N from 1 to 4096")
    for ignored in signal.SIGINT, signal.SIGHUP:  # the end of the input ends it, and in order
        signal.signal(ignored, signal.SIG_IGN)
    try:
        peer = Peer(KINDS[arguments[0]], int(arguments[2]))
    except Missing as missing:
        print("missing", *missing.args, flush=True)
        return
    except OSError as error:  # no semaphores, no processes: what the package brings cannot be used
        print("missing python3 it cannot be used here:", error, flush=True)
        return
    try:
        print("ready", peer.pool.version, flush=True)
        for request in sys.stdin:
            print(answer(peer, request), flush=True)
    finally:
        peer.end()


if __name__ == "__main__":
    main(sys.argv[1:])
