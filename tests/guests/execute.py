"""Running one program natively or translated, with its outcome as a value to compare.

Translated runs start the VMM directly with a session of their own, which is what `dbt run` becomes;
that saves starting Python for each of some thousand runs.
"""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.tcache.statistics import ProcessStatistics

ROOT = Path(__file__).resolve().parents[2]

#: What every run sees, native or translated, unless it asks for something else.
ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C",
    "HOME": "/",
    "TERM": "dumb",
}

#: The engine's modes by name: fields of dbt.tcache.settings.Settings.
MODES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "nochain": {"chain": False},
    "tiny": {"tc_size_bytes": 65536},
    "cap1": {"unit_cap": 1},
    "checked": {"self_check": "always"},
}


#: The variables of `dbt run` that ask for a mode.
MODE_VARIABLES: Mapping[str, tuple[str, str]] = {
    "nochain": ("DBT_NO_CHAIN", "1"),
    "tiny": ("DBT_TC_SIZE", "65536"),
    "cap1": ("DBT_TU_CAP", "1"),
    "checked": ("DBT_SELF_CHECK", "always"),
}


def mode_of_session() -> str:
    """The mode this session's environment asks for, as `make modes` does; else the default."""
    for mode, (variable, _) in MODE_VARIABLES.items():
        if os.environ.get(variable):
            return mode
    return "default"


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Attributes:
        stdout: all it wrote to standard output.
        stderr: likewise, standard error.
        status: its exit status, or the negative number of the signal that ended it.
        timed_out: whether it had to be killed.
        user_s: user time of it and its waited-for children, in seconds.
        wall_s: from its start to its end, in seconds.
        processes: what each translated process counted, in the order they started.
    """

    stdout: bytes
    stderr: bytes
    status: int
    timed_out: bool = False
    user_s: float = field(default=0.0, compare=False)
    wall_s: float = field(default=0.0, compare=False)
    processes: tuple[ProcessStatistics, ...] = field(default=(), compare=False, repr=False)


def vmm_path() -> Path:
    """Where the VMM executable is."""
    from dbt.runtime.launch import VMM_PATH

    return Path(VMM_PATH)


def run_native(command: Sequence[str], **options: Any) -> Outcome:
    """Runs a program on the bare processor.

    Args:
        command: absolute path and arguments.
        options: as `run` takes them.
    """
    return run(command, mode=None, **options)


def run(
    command: Sequence[str],
    *,
    mode: str | None = "default",
    settings: Mapping[str, Any] | None = None,
    input_bytes: bytes = b"",
    cwd: str | Path = "/",
    environment: Mapping[str, str] = ENVIRONMENT,
    timeout_s: float = 60.0,
    argument_zero: str | None = None,
    profiled: bool = False,
) -> Outcome:
    """Runs a program and waits for its end; its whole session is killed when the time is up.

    Args:
        command: absolute path and arguments.
        mode: a key of MODES; None runs it natively.
        settings: fields of dbt.tcache.settings.Settings that go before the mode's.
        input_bytes: its standard input, a file.
        cwd: its working directory.
        environment: its whole environment.
        timeout_s: seconds of wall time it may take.
        argument_zero: argv[0] where it shall differ from the path.
        profiled: whether its executions are counted, and it is sampled.

    Returns:
        What it wrote and how it ended.
    """
    words = [argument_zero or command[0], *command[1:]]
    if mode is None:
        return _execute(words, command[0], (), input_bytes, cwd, environment, timeout_s)
    from dbt.profiler.run import INTERVAL_US
    from dbt.runtime.session import Session
    from dbt.tcache.settings import Settings

    # The mode is the caller's, all else is as the environment says.
    asked = Settings.from_environment()
    ways = {"returns": asked.returns, "tsc": asked.tsc}
    wanted = Settings(**{**ways, **MODES[mode], **(settings or {})})
    interval_us = INTERVAL_US if profiled else 0
    with Session(wanted, sample_interval_us=interval_us, counts=profiled) as session:
        outcome = _execute(
            ["dbt-vmm", str(session.fd), command[0], *words],
            str(vmm_path()),
            (session.fd,),
            input_bytes,
            cwd,
            environment,
            timeout_s,
        )
        return replace(outcome, processes=session.processes())


@functools.cache
def _no_core_files() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _execute(
    words: Sequence[str],
    executable: str,
    descriptors: tuple[int, ...],
    input_bytes: bytes,
    cwd: str | Path,
    environment: Mapping[str, str],
    timeout_s: float,
) -> Outcome:
    _no_core_files()
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(input_bytes)
        stdin.seek(0)
        started = time.monotonic()
        process = subprocess.Popen(
            words,
            executable=executable,
            pass_fds=descriptors,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            env=dict(environment),
            start_new_session=True,
        )
        ended = _wait(process.pid, timeout_s)
        if not ended:
            _kill_session(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        _kill_session(process.pid)  # what it left behind
        stdout.seek(0)
        stderr.seek(0)
        return Outcome(
            stdout=stdout.read(),
            stderr=stderr.read(),
            status=process.returncode,
            timed_out=not ended,
            user_s=usage.ru_utime,
            wall_s=wall_s,
        )


def _wait(pid: int, timeout_s: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], timeout_s)[0])
    finally:
        os.close(descriptor)


def _kill_session(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def on_processors(count: int) -> Iterator[None]:
    """Keeps this thread and what it starts meanwhile on so many processors.

    Args:
        count: how many; the test is skipped where there are fewer.
    """
    import pytest

    allowed = os.sched_getaffinity(0)
    if len(allowed) < count:
        pytest.skip(f"needs {count} processors")
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def describe_difference(native: Outcome, translated: Outcome) -> str:
    """Tells where a translated run differs from the native one, shortly; empty when it does not."""
    lines = []
    if translated.timed_out:
        lines.append("timed out")
    if native.status != translated.status:
        lines.append(f"status: {_status(native.status)}, translated {_status(translated.status)}")
    for name in ("stdout", "stderr"):
        left: bytes = getattr(native, name)
        right: bytes = getattr(translated, name)
        if left != right:
            at = next(
                (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
                min(len(left), len(right)),
            )
            start = max(at - 40, 0)
            lines.append(
                f"{name}: {len(left)} bytes, translated {len(right)}; from byte {at}:\n"
                f"  native     …{left[start : at + 300]!r}\n"
                f"  translated …{right[start : at + 600]!r}"
            )
    return "\n".join(lines)


def _status(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
