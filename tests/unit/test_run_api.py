"""`dbt.run`: a program's outcome and statistics as values."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

import dbt
from dbt.errors import NotExecutableError, ProgramNotFoundError, UsageError


def test_output_status_and_statistics() -> None:
    result = dbt.run(["sh", "-c", "cat; echo e >&2; exit 3"], input=b"in", capture_output=True)
    assert (result.stdout, result.stderr) == (b"in", b"e\n")
    assert (result.exit_status, result.signal) == (3, None)
    assert [process.name for process in result.processes] == ["sh", "cat"]
    assert not any(process.running for process in result.processes)
    assert result.processes[1].parent_pid == result.processes[0].pid
    assert result.statistics.exits_syscall > 10
    assert result.statistics.units_translated == sum(
        process.statistics.units_translated for process in result.processes
    )


def test_death_by_signal() -> None:
    result = dbt.run(["/bin/sh", "-c", "kill -ABRT $$"])
    assert (result.exit_status, result.signal) == (None, signal.SIGABRT)


def test_settings_reach_the_translator() -> None:
    result = dbt.run(["/bin/true"], settings=dbt.Settings(unit_cap=1, chain=False))
    counted = result.statistics
    assert counted.units_translated == counted.guest_instructions_translated
    assert counted.links_made == 0


def test_environment_and_directory(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("")
    result = dbt.run(
        ["/bin/sh", "-c", "echo *; env"], env={"A": "b"}, cwd=tmp_path, capture_output=True
    )
    assert result.stdout is not None
    assert result.stdout.splitlines()[0] == b"here"
    assert b"A=b" in result.stdout.splitlines()


def test_a_relative_program_is_looked_for_in_its_directory(tmp_path: Path) -> None:
    (tmp_path / "program").symlink_to("/bin/true")
    assert dbt.run(["./program"], cwd=tmp_path).exit_status == 0


def test_the_time_limit_kills() -> None:
    with pytest.raises(TimeoutError):
        dbt.run(["/bin/sleep", "60"], timeout_s=0.3)


def test_mistakes_are_exceptions() -> None:
    with pytest.raises(UsageError):
        dbt.run([])
    with pytest.raises(ProgramNotFoundError):
        dbt.run(["no-such-program"])
    with pytest.raises(NotExecutableError):
        dbt.run(["/etc/passwd"])
    with pytest.raises(UsageError):
        dbt.run(["/bin/true"], settings=dbt.Settings(unit_cap=0))


def test_no_descriptor_is_left_open() -> None:
    dbt.run(["/bin/true"])
    before = len(os.listdir("/proc/self/fd"))
    dbt.run(["/bin/true"])
    assert len(os.listdir("/proc/self/fd")) == before
