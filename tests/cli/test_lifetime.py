"""Ends of `dbt run`: with its parent, killed, crashed, out of memory; nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.guests.processes import is_alive, wait_until

RUN = (sys.executable, "-m", "dbt", "run")
STATS = (*RUN, "--stats")
BOTH = pytest.mark.parametrize("prefix", [RUN, STATS], ids=["in-place", "stats"])
WAIT_S = 20


def left_behind(temporary: Path) -> set[Path]:
    """Files that could stay: shared memory, and what lies in the directory for temporary files.

    The directories of a fuzzer that runs beside the tests are its own.
    """
    found = {*Path("/dev/shm").glob("*dbt*"), *Path("/tmp").glob("dbt-*"), *temporary.iterdir()}
    return {path for path in found if not path.name.startswith("dbt-csmith-")}


def files_of(pid: int) -> list[str]:
    """What a process has open and mapped, by name."""
    names = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return names + [line.split(maxsplit=5)[5] for line in maps if len(line.split()) > 5]


def start_through_parent(words: Sequence[str]) -> tuple[subprocess.Popen[bytes], int]:
    """A shell that starts a program and waits; answers it and the program's own pid."""
    shell = subprocess.Popen(
        ["/bin/sh", "-c", '"$@" & wait', "sh", *words],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert shell.stdout is not None
    return shell, int(shell.stdout.readline())


TELLS_ITS_PID = ("/bin/sh", "-c", "echo $$; while :; do /bin/sleep 1; done")


@BOTH
def test_it_dies_with_the_parent_when_asked(prefix: Sequence[str]) -> None:
    shell, pid = start_through_parent([*prefix, "--die-with-parent", *TELLS_ITS_PID])
    assert is_alive(pid)
    shell.kill()
    shell.wait(WAIT_S)
    wait_until(lambda: not is_alive(pid))


@BOTH
def test_it_outlives_the_parent_when_not_asked(prefix: Sequence[str]) -> None:
    shell, pid = start_through_parent([*prefix, *TELLS_ITS_PID])
    shell.kill()
    shell.wait(WAIT_S)
    time.sleep(0.2)
    assert is_alive(pid)
    os.killpg(shell.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))


def test_what_the_program_starts_does_not_die_with_it() -> None:
    words = "/bin/sleep 30 & echo $!; exit 3"
    program = subprocess.Popen(
        [*RUN, "--die-with-parent", "/bin/sh", "-c", words], stdout=subprocess.PIPE
    )
    assert program.stdout is not None
    pid = int(program.stdout.readline())
    assert program.wait(WAIT_S) == 3
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_running_program_has_no_file_in_a_shared_place() -> None:
    process = subprocess.Popen(
        [*RUN, *TELLS_ITS_PID], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        names = files_of(process.pid)
        assert any("memfd:dbt-session" in name for name in names)
        assert [name for name in names if name.startswith(("/tmp/dbt", "/dev/shm", "/run"))] == []
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(WAIT_S)


def run_out_of_memory(prefix: Sequence[str]) -> int:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))

    words = [*prefix, "/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=400M", "count=1"]
    return subprocess.run(
        words, stderr=subprocess.DEVNULL, preexec_fn=limit, timeout=WAIT_S, check=False
    ).returncode


def kill_program(prefix: Sequence[str]) -> int:
    shell, pid = start_through_parent([*prefix, *TELLS_ITS_PID])
    os.kill(pid, signal.SIGKILL)
    status = shell.wait(WAIT_S)
    assert not is_alive(pid)
    return status


def kill_controller(prefix: Sequence[str]) -> int:
    process = subprocess.Popen(
        [*prefix, *TELLS_ITS_PID], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    status = process.wait(WAIT_S)
    if prefix == STATS:
        assert is_alive(pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    return status


def run_shell(prefix: Sequence[str], script: str) -> int:
    words = [*prefix, "/bin/sh", "-c", script]
    return subprocess.run(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=WAIT_S, check=False
    ).returncode


@BOTH
@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda prefix: run_shell(prefix, "/bin/ls; exit 4"), 4),
        (lambda prefix: run_shell(prefix, "kill -SEGV $$"), -signal.SIGSEGV),
        (kill_program, 0),
        (kill_controller, -signal.SIGKILL),
        (run_out_of_memory, 1),
    ],
    ids=["exit", "crash", "program-killed", "controller-killed", "out-of-memory"],
)
def test_nothing_is_left_behind(
    prefix: Sequence[str],
    end: Callable[[Sequence[str]], int],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = left_behind(tmp_path)
    assert end(prefix) == status
    assert left_behind(tmp_path) <= before
