"""What is measured: user-mode cycles and instructions where the processor lends its counters, else
user time.

Counters repeat within a percent; user time on a shared machine does not, which is why the report
names its metric, and why runs alternate.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

EVENTS = ("cycles:u", "instructions:u")


@dataclass(frozen=True)
class Sample:
    """One run's cost.

    Attributes:
        cost: cycles, or seconds of user time where there are no counters.
        instructions: retired in user mode; None without counters.
        wall_s: from start to end, in seconds.
    """

    cost: float
    instructions: int | None
    wall_s: float


@functools.cache
def have_counters() -> bool:
    """Whether `perf stat` counts cycles and instructions here (a virtual machine may hide them)."""
    perf = shutil.which("perf")
    if perf is None:
        return False
    try:
        return len(_counted([perf, "stat", *_perf_words(EVENTS)], ["/bin/true"])) == len(EVENTS)
    except (OSError, subprocess.SubprocessError):
        return False


def metric() -> str:
    """The name of what `Sample.cost` holds, for headings."""
    return "cycles:u" if have_counters() else "user time (no hardware counters here)"


def _perf_words(events: Sequence[str]) -> list[str]:
    return ["-x", ";", "-e", ",".join(events)]


def _counted(perf: list[str], command: list[str]) -> dict[str, float]:
    """Runs a command under perf stat; the events that counted."""
    with tempfile.NamedTemporaryFile() as report:
        subprocess.run(
            [*perf, "-o", report.name, "--", *command],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return parse_perf(Path(report.name).read_text())


def parse_perf(text: str) -> dict[str, float]:
    """Reads the lines of `perf stat -x ';'`.

    Args:
        text: the report; a line is value;unit;event;….

    Returns:
        Event to value, without what was not supported or not counted.
    """
    values = {}
    for line in text.splitlines():
        parts = line.split(";")
        if len(parts) > 3 and parts[0].replace(".", "", 1).isdigit():
            values[parts[2]] = float(parts[0])
    return values


@contextlib.contextmanager
def _ended_after(pid: int, timeout_s: float | None, late: threading.Event) -> Iterator[None]:
    """Kills a process's session, and says so, when what is done meanwhile takes too long.

    The process is waited for afterwards, so that its number stays its own.
    """

    def end() -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    if timeout_s is None:
        yield
        return
    timer = threading.Timer(timeout_s, end)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def measure(
    words: Sequence[str],
    *,
    executable: str | None = None,
    descriptors: tuple[int, ...] = (),
    cwd: Path,
    environment: dict[str, str],
    stdin: Path | None = None,
    stdout: Path | None = None,
    timeout_s: float | None = None,
    statuses: tuple[int, ...] = (0,),
) -> Sample:
    """Runs a command to its end.

    Args:
        words: the argument vector.
        executable: the file, when it is not words[0]; under perf it takes words[0]'s place.
        descriptors: to leave open in it.
        cwd: its working directory.
        environment: its whole environment.
        stdin: a file for its standard input.
        stdout: a file for its standard output; none: it is thrown away.
        timeout_s: seconds of wall time after which it is killed, with all that it has started.
        statuses: exit statuses that are right.

    Raises:
        RuntimeError: it ended in another way, or had to be killed.
    """
    with tempfile.NamedTemporaryFile() as report:
        command = list(words)
        if have_counters():
            command = [
                "/usr/bin/env", "perf", "stat", *_perf_words(EVENTS), "-o", report.name, "--",
                *([executable] if executable else [words[0]]), *words[1:],
            ]  # fmt: skip
            executable = None
        started = time.monotonic()
        with open(stdin or os.devnull, "rb") as source, open(stdout or os.devnull, "wb") as sink:
            process = subprocess.Popen(
                command,
                executable=executable,
                pass_fds=descriptors,
                stdin=source,
                stdout=sink,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                start_new_session=timeout_s is not None,
            )
        assert process.stderr is not None
        late = threading.Event()
        with _ended_after(process.pid, timeout_s, late):
            errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if late.is_set():
            raise RuntimeError(f"more than {timeout_s:.0f} s")
        if process.returncode not in statuses:
            raise RuntimeError(f"status {process.returncode}: {errors[-400:]!r}")
        if not have_counters():
            return Sample(usage.ru_utime, None, wall_s)
        counted = parse_perf(Path(report.name).read_text())
        return Sample(counted[EVENTS[0]], int(counted[EVENTS[1]]), wall_s)
