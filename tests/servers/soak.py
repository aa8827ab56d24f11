"""A soak: servers, compilers, scripts, threads and signals for a while, with an eye on memory.

    python -m tests.servers.soak [--seconds S]

Two families of servers stand side by side, a native and a translated one; in each cycle both get
the same load, and between them compilers, scripts and threaded programs run both ways. After each
cycle, with nothing under way, memory (PSS of each server's processes), descriptors, files in
/dev/shm and processes are counted. Exit status 0: whatever ran gave the same both ways, and
that from the end of the first third to the end nothing grew that did not grow natively too, but for
the translation cache and what describes its code.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.guests.build import build
from tests.guests.execute import ROOT, describe_difference, run, run_native
from tests.servers.base import Complaint, Server, descendants, running
from tests.servers.nginx import NginxWorkers
from tests.servers.postgres import Postgres
from tests.servers.python_http import PythonHttp
from tests.servers.redis import Redis

SERVERS: tuple[type[Server], ...] = (Redis, Postgres, NginxWorkers, PythonHttp)

#: Memory that one byte of the translation cache may bring along: its units, exits and state maps.
DESCRIBED = 3
#: What may come and go from sample to sample, in KiB: buffers, caches and heaps of a server.
NOISE_KIB = 6144

_SCRIPT = """
trap 'hits=$((hits + 1))' USR1
hits=0
for number in 1 2 3 4 5 6 7 8 9 10; do kill -USR1 $$; done
words=$(seq 1 300 | sed 's/1/one/g' | sort -r | tail -n 3 | tr '\\n' ' ')
(exit 3); status=$?
sleep 10 & kill $!; wait $!; ended=$?
for number in 1 2 3; do printf '%s ' "$(echo $number | tr 123 abc)"; done
echo "$words $status $ended $hits"
"""

_PYTHON = """
import queue, signal, subprocess, sys, threading
hits = []
signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
todo, done = queue.Queue(), []
def work():
    while (number := todo.get()) is not None:
        done.append(sum(i * i for i in range(number)))
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for number in range(400): todo.put(number * 3)
out = subprocess.run([sys.executable, '-c', 'print(sum(range(1000)))'], capture_output=True).stdout
for _ in threads: todo.put(None)
for thread in threads: thread.join()
signal.setitimer(signal.ITIMER_REAL, 0)
print(sum(done), out, len(hits) > 0)
"""


@dataclass(frozen=True)
class Sample:
    """What a server used when nothing was under way.

    Attributes:
        pss_kib: proportional memory of all its processes.
        descriptors: open, in all its processes.
        processes: how many there are.
        cache_kib: of its translation caches in use, 0 natively.
    """

    pss_kib: int
    descriptors: int
    processes: int
    cache_kib: int


def sample(server: Server) -> Sample:
    """Looks at a server's processes now."""
    assert server.process is not None
    family = descendants(server.process.pid)
    memory = descriptors = 0
    for pid in family:
        with contextlib.suppress(OSError, StopIteration):
            lines = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()
            memory += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            descriptors += len(os.listdir(f"/proc/{pid}/fd"))
    session = server.runner.session
    cache = 0
    if session is not None:
        alive = set(family)
        cache = sum(
            process.statistics.tc_bytes_used
            for process in session.processes()
            if process.pid in alive
        )
    return Sample(memory, descriptors, len(family), cache // 1024)


def programs(directory: Path) -> Iterator[tuple[str, list[str]]]:
    """Compilers, scripts, threads and signals, again and again: name and command line."""
    source = str(ROOT / "bench" / "workloads" / "vm.c")
    commands = (
        ("gcc", ["/usr/bin/gcc", "-O2", "-S", "-o", "-", source]),
        ("bash", ["/bin/bash", "-c", _SCRIPT]),
        ("python", ["/usr/bin/python3", "-c", _PYTHON]),
        ("threads", [str(build("threads_churn", "threads_churn.c", "pie"))]),
        ("signals", [str(build("signal_timer", "signal_timer.c", "pie"))]),
        ("forks", [str(build("fork_again", "fork_again.c", "pie"))]),
        ("xz", ["/bin/sh", "-c", f"xz -T2 -c {source} | xz -d | sha256sum"]),
    )
    return itertools.cycle(commands)


def _shared_files(server: Server) -> set[str]:
    """Files of /dev/shm that a server's processes have mapped now."""
    assert server.process is not None
    found: set[str] = set()
    for pid in descendants(server.process.pid):
        with contextlib.suppress(OSError):
            words = Path("/proc", str(pid), "maps").read_text().split()
            found.update(word for word in words if word.startswith("/dev/shm/"))
    return found


def _load(server: Server, number: int) -> None:
    for load in server.loads():
        try:
            load.run(0.2)
        except Complaint as complaint:
            raise Complaint(f"{server.name}, {load.name}, cycle {number}: {complaint}") from None


def soak(seconds: float, console: Console) -> tuple[list[str], dict[str, list[tuple[Sample, ...]]]]:
    """Runs cycles until the time is up.

    Args:
        seconds: for how long; three cycles run in any case.
        console: where progress goes.

    Returns:
        What went wrong; and for each server its samples, native and translated, cycle by cycle.
    """
    problems: list[str] = []
    samples: dict[str, list[tuple[Sample, ...]]] = {}
    shared: set[str] = set()
    with ExitStack() as stack:
        pairs = [
            [stack.enter_context(running(kind, translated)) for translated in (False, True)]
            for kind in SERVERS
            if not kind.missing()
        ]
        end = time.monotonic() + seconds
        commands = programs(ROOT)
        for number in itertools.count():
            if number >= 3 and time.monotonic() >= end:
                break
            for pair in pairs:
                for server in pair:
                    _load(server, number)
            for name, command in itertools.islice(commands, 3):
                native = run_native(command, cwd=ROOT, timeout_s=120)
                translated = run(command, cwd=ROOT, timeout_s=120)
                if difference := describe_difference(native, translated):
                    problems.append(f"{name}, cycle {number}: {difference}")
            time.sleep(0.5)  # sessions that were closed are still ending
            for pair in pairs:
                shared.update(*(_shared_files(server) for server in pair))
                taken = tuple(sample(server) for server in pair)
                samples.setdefault(pair[0].name, []).append(taken)
            console.print(f"cycle {number}, {max(end - time.monotonic(), 0):.0f} s left")
        for server in itertools.chain.from_iterable(pairs):
            server.verify()
            server.stop()
            server.verify_stopped()
    if left := sorted(path for path in shared if os.path.exists(path)):
        problems.append(f"left behind: {left}")
    return problems, samples


def _growth(samples: Sequence[Sample], field: str) -> int:
    """From the end of the first third to the end, by medians of some samples."""
    values = [int(getattr(one, field)) for one in samples]
    third = max(len(values) // 3, 1)
    width = max(third // 2, 1)
    return round(
        statistics.median(values[-width:]) - statistics.median(values[third - width : third])
    )


def judge(name: str, samples: Sequence[tuple[Sample, ...]]) -> list[str]:
    """Says what of a server grew that should not have.

    Args:
        name: the server's.
        samples: native and translated, cycle by cycle.
    """
    native, translated = ([pair[i] for pair in samples] for i in (0, 1))
    complaints = []
    memory = _growth(translated, "pss_kib")
    allowed = max(_growth(native, "pss_kib"), 0)
    allowed += DESCRIBED * max(_growth(translated, "cache_kib"), 0) + NOISE_KIB
    if memory > allowed:
        complaints.append(f"{name}: memory grew by {memory} KiB, {allowed} would be right")
    for field in ("descriptors", "processes"):
        more = _growth(translated, field)
        if more > max(_growth(native, field), 0):
            complaints.append(f"{name}: {more} more {field} at the end")
    return complaints


def main(arguments: Sequence[str] | None = None) -> int:
    """Soaks, and prints what was used.

    Returns:
        0 when all went well, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.servers.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="default 600")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        problems, samples = soak(options.seconds, console)
    except Complaint as complaint:
        print(f"failed: {complaint}")
        return 1
    table = Table(title="KiB of memory, after the first third and at the end")
    for heading in ("server", "native", "", "translated", "", "of it cache", "", "descriptors"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for name, taken in samples.items():
        third = max(len(taken) // 3, 1) - 1
        first, last = taken[third], taken[-1]
        table.add_row(
            name,
            *(f"{one.pss_kib:,}" for one in (first[0], last[0], first[1], last[1])),
            *(f"{one.cache_kib:,}" for one in (first[1], last[1])),
            f"{first[1].descriptors} {last[1].descriptors}",
        )
        problems += judge(name, taken)
    console.print(table)
    for problem in problems:
        print(f"failed: {problem}")
    print(f"{len(next(iter(samples.values()), ()))} cycles, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
