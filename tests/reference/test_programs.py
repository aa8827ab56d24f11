"""Programs run to their end, equal to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import dbt
from dbt.reference.verdict import Verdict
from tests.guests.build import build
from tests.guests.table import GUESTS
from tests.reference.programs import LESS, PROGRAMS, Program, compared

pytest.importorskip("unicorn")


def _equal(command: Sequence[str], oracle: str = "unicorn") -> Verdict:
    verdict = dbt.compare(command, oracle=oracle, quiet=True)
    assert verdict.equal, str(verdict)
    return verdict


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_a_static_program_is_equal(oracle: str) -> None:
    verdict = _equal([str(build("cpuid_leaves", "cpuid_leaves.c", "static"))], oracle)
    assert verdict.exit_status == 0
    assert verdict.coverage.instructions > 10000
    assert verdict.coverage.not_covered == ()


def test_a_dynamic_program_is_equal() -> None:
    verdict = _equal([str(build("switches", "switches.c", "pie"))])
    assert verdict.coverage.syscalls > 20


def test_children_are_told_apart() -> None:
    verdict = _equal(["/bin/sh", "-c", "(exit 2); exit 3"])
    assert verdict.exit_status == 3
    assert "1 child processes" in verdict.coverage.not_covered


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize("every", [2, 7, 1000, "syscall", "instruction"])
def test_each_granularity_is_equal(every: int | str, oracle: str) -> None:
    guest = build("cpuid_leaves", "cpuid_leaves.c", "static")
    settings = dbt.Settings()  # units of several instructions, whatever the environment says
    verdict = dbt.compare([guest], oracle=oracle, every=every, settings=settings, quiet=True)
    assert verdict.equal, str(verdict)
    usual = dbt.compare([guest], oracle=oracle, settings=settings, quiet=True)
    assert verdict.coverage.instructions == usual.coverage.instructions
    assert verdict.coverage.syscalls == usual.coverage.syscalls
    is_finer = every == "instruction"
    assert (verdict.coverage.units > usual.coverage.units) == is_finer or every == 2


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_code_written_through_another_view_is_equal(oracle: str) -> None:
    guest = build("write_code_shared", "write_code_shared.c", "pie")
    assert _equal([str(guest)], oracle).exit_status == 0


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_a_program_that_traps_itself_is_told_apart(oracle: str) -> None:
    verdict = _equal([str(build("faults", "faults.S", "bare")), "D"], oracle)
    assert verdict.signal == 5
    assert "the program sets the trap flag" in verdict.coverage.not_covered[0]


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize(
    "name",
    [
        "string_forms",
        "stack_forms",
        "gs_base",
        "popf_forms",
        "flags_kept",
        "rewrite_line",
        "integer_forms",
    ],
)
def test_bare_guests_are_equal(name: str, oracle: str) -> None:
    assert _equal([str(build(name, f"{name}.S", "bare"))], oracle).exit_status == 0


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize(
    ("kind", "number"),
    [("a", 11), ("l", 11), ("m", 11), ("d", 8), ("f", 4), ("g", 5), ("t", 11)],
)
def test_faults_are_equal(kind: str, number: int, oracle: str) -> None:
    verdict = _equal([str(build("faults", "faults.S", "bare")), kind], oracle)
    assert verdict.signal == number


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_a_small_cache_that_evicts_is_equal(oracle: str) -> None:
    settings = dbt.Settings(tc_size_bytes=65536)
    guest = build("table_collision", "table_collision.S", "bare")
    verdict = dbt.compare([guest], oracle=oracle, settings=settings, quiet=True)
    assert verdict.equal, str(verdict)


@pytest.mark.parametrize("returns", ["table", "paired"])
def test_either_way_of_returning_is_equal(returns: str) -> None:
    settings = dbt.Settings(returns=returns)
    guest = build("transfers", "transfers.S", "bare")
    verdict = dbt.compare([guest], settings=settings, quiet=True)
    assert verdict.equal, str(verdict)


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_memory_that_grows_down_is_equal(oracle: str) -> None:
    guest = build("map_grows_down", "map_grows_down.c", "pie")
    assert _equal([str(guest)], oracle).exit_status == 0


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize("every", ["tu", "syscall"])
def test_private_mappings_that_show_a_shared_one_are_equal(every: str, oracle: str) -> None:
    guest = build("map_private_shows", "map_private_shows.c", "pie")
    verdict = dbt.compare([guest], oracle=oracle, every=every, quiet=True)
    assert verdict.equal, str(verdict)
    assert verdict.exit_status == 0


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("kernel_fills_code", "where the kernel fills memory"),
        ("code_shared_processes", "the start of a process that shares code"),
    ],
)
def test_code_that_others_write_ends_it(name: str, what: str, oracle: str) -> None:
    guest = build(name, f"{name}.c", "pie")
    verdict = dbt.compare([guest], oracle=oracle, every="syscall", quiet=True)
    assert verdict.equal, str(verdict)
    assert verdict.exit_status == 0
    assert what in str(verdict.coverage.not_covered)


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_what_runs_where_a_reference_lacks_a_fault_is_taken_back(oracle: str) -> None:
    guest = build("not_canonical", "not_canonical.c", "static")
    assert _equal([str(guest)], oracle).coverage.signals == 51


@pytest.mark.slow
def test_every_kind_of_fault_is_equal_to_the_bare_processor() -> None:
    guest = build("signal_fault_codes", "signal_fault_codes.c", "pie")
    verdict = _equal([str(guest)], "hardware")
    assert verdict.coverage.signals > 70


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signal_registers", "signal_contexts", "signal_anywhere"])
def test_signals_from_outside_are_put_where_they_arrived(name: str) -> None:
    guest = next(guest for guest in GUESTS if guest.name == name)
    less = LESS["unicorn"].get(name, ())
    verdict = _equal([str(build(name, guest.source, guest.variants[0], guest.flags)), *less])
    assert verdict.exit_status == guest.status
    assert "when signals from outside arrive" in verdict.coverage.not_covered


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.name in ("perl", "sqlite3", "bash")],
                         ids=lambda program: program.name)  # fmt: skip
@pytest.mark.slow
def test_programs_of_the_system_are_equal(
    program: Program, oracle: str, tmp_path: Path
) -> None:
    verdict = compared(program, oracle, tmp_path)
    assert verdict.equal, str(verdict)


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_handlers_that_run_at_faults_are_compared(oracle: str) -> None:
    verdict = _equal([str(build("signal_handler", "signal_handler.c", "static"))], oracle)
    assert verdict.coverage.signals > 3


@pytest.mark.slow
@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
def test_repeated_instructions_that_fault_midway_are_equal(oracle: str) -> None:
    every = "syscall" if oracle == "hardware" else "tu"
    guest = build("signal_mprotect", "signal_mprotect.c", "pie")
    verdict = dbt.compare([guest], oracle=oracle, every=every, quiet=True)
    assert verdict.equal, str(verdict)
    assert verdict.coverage.signals > 5000


def test_a_processor_that_goes_astray_makes_no_system_call(
    capfd: pytest.CaptureFixture[str],
) -> None:
    guest = build("file_from_child", "file_from_child.c", "pie")  # what it writes is not followed
    verdict = dbt.compare([guest], oracle="hardware", every="syscall")
    assert not verdict.equal and "makes a system call" in str(verdict)
    assert "line" not in capfd.readouterr().out


@pytest.mark.parametrize("oracle", ["unicorn", "hardware"])
@pytest.mark.parametrize("name", ["vsyscall_page", "seccomp_inherit"])
def test_calls_that_the_kernel_does_not_see_are_equal(name: str, oracle: str) -> None:
    assert _equal([str(build(name, f"{name}.c", "static"))], oracle).coverage.syscalls > 10


@pytest.mark.slow
def test_what_a_child_writes_before_it_is_waited_for_is_told() -> None:
    guest = build("code_from_child", "code_from_child.c", "pie")
    verdict = dbt.compare([guest, "late"], oracle="hardware", every="syscall", quiet=True)
    assert verdict.equal, str(verdict)
    assert "what other processes write" in str(verdict.coverage.not_covered)
