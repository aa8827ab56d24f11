"""Exact counts: checked against the processor's own steps, and what programs are known to do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import dbt
from bench.counters import have_counters, measure
from dbt.profiler.model import Function, Profile
from tests.guests.build import build
from tests.guests.execute import ENVIRONMENT
from tests.profile.programs import (
    CALLS,
    CALLS_EACH,
    COLLIDES,
    COLLISIONS,
    HOT,
    INTERRUPTED,
    THREADS,
    compile_program,
)

# Bare guests without repeated string instructions, where the trap flag stops at each round.
STEPPED = (
    *("hello", "jcc_all", "transfers", "stack_forms", "jump_middle", "flags_kept", "page_crossing"),
    *("rip_relative", "gs_branches", "fs_base", "implicit_operands", "odd_encodings"),
    *("syscall_state", "rewrite_line"),
)
MODES = {
    "default": dbt.Settings(),
    "tiny": dbt.Settings(tc_size_bytes=1 << 16),
    "nochain": dbt.Settings(chain=False),
    "cap1": dbt.Settings(unit_cap=1),
    "paired": dbt.Settings(returns="paired"),
}


#: Programs of one thread that wait for nobody. Their addresses differ from run to run, and with
#: them a few instructions.
PROGRAMS = {
    "true": ["/bin/true"],
    "awk": ["/usr/bin/mawk", "BEGIN { for (n = 0; n < 40; n++) s = s n; print length(s) }"],
}
#: Those that are too long to be stepped through.
LONG_PROGRAMS = {
    "gzip": ["/bin/gzip", "-9nc", "/etc/passwd"],
    "ls": ["/bin/ls", "-l", "/etc"],
    "perl": ["/usr/bin/perl", "-e", "print join ' ', sort { $a <=> $b } map { $_ % 97 } 1 .. 3000"],
    "xz": ["/usr/bin/xz", "-2", "-T1", "-c", "/bin/true"],
}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., int]:
    """Counts the instructions that a program executes natively."""
    stepper = tmp_path_factory.mktemp("step") / "step_count"
    source = Path(__file__).with_name("step_count.c")
    subprocess.run(["gcc", "-O2", "-o", stepper, source], check=True)

    def count(*words: str | Path) -> int:
        reader, writer = os.pipe()
        with os.fdopen(reader) as answer:
            command = [str(stepper), str(writer), *map(str, words)]
            subprocess.run(
                command,
                pass_fds=[writer],
                stdout=subprocess.DEVNULL,
                env=dict(ENVIRONMENT),
                check=True,
            )
            os.close(writer)
            return int(answer.read())

    return count


def function(profile: Profile, name: str) -> Function:
    (found,) = (one for one in profile.functions if one.name == name)
    return found


@pytest.mark.parametrize("name", STEPPED)
def test_every_instruction_is_counted(steps: Callable[..., int], name: str) -> None:
    program = build(name, f"{name}.S", "bare")
    profile = dbt.profile([program], exact=True, capture_output=True)
    assert profile.figures.guest_instructions_executed == steps(program)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_execute_as_many_instructions_as_natively(
    steps: Callable[..., int], name: str
) -> None:
    words = PROGRAMS[name]
    profile = dbt.profile(words, exact=True, capture_output=True, env=ENVIRONMENT)
    wanted = steps(*words)
    assert profile.figures.guest_instructions_executed == pytest.approx(wanted, rel=0.001)


@pytest.mark.slow
@pytest.mark.skipif(not have_counters(), reason="this machine shows no hardware counters")
@pytest.mark.parametrize("name", [*PROGRAMS, *LONG_PROGRAMS])
def test_the_processor_counts_as_many_instructions(name: str) -> None:
    words = {**PROGRAMS, **LONG_PROGRAMS}[name]
    profile = dbt.profile(words, exact=True, capture_output=True, env=ENVIRONMENT)
    wanted = measure(words, cwd=Path("/"), environment=dict(ENVIRONMENT)).instructions
    assert profile.figures.guest_instructions_executed == pytest.approx(wanted, rel=0.001)


@pytest.mark.parametrize("mode", MODES)
def test_faults_leave_exact_counts(steps: Callable[..., int], mode: str) -> None:
    program = build("count_faults", "count_faults.S", "bare")
    profile = dbt.profile([program], exact=True, capture_output=True, settings=MODES[mode])
    # The tracer stops once more where a handler begins.
    wanted = steps(program) - profile.figures.dispatches_signal
    assert profile.figures.dispatches_signal == 250
    assert profile.figures.guest_instructions_executed == wanted


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_counts_are_the_same_in_every_mode(mode: str) -> None:
    program = build("many_functions", "many_functions.S", "bare")
    wanted = dbt.profile([program], exact=True, capture_output=True).figures
    profile = dbt.profile([program], exact=True, capture_output=True, settings=MODES[mode])
    figures = profile.figures
    assert figures.guest_instructions_executed == wanted.guest_instructions_executed
    assert not profile.missing
    if mode == "tiny":
        assert figures.evictions > 0 and (figures.units_retranslated or 0) > 0
    if mode == "cap1":
        assert figures.tu_entries == figures.guest_instructions_executed


def test_calls_are_counted(tmp_path: Path) -> None:
    profile = dbt.profile([compile_program(tmp_path, "program", HOT), "short"], exact=True)
    assert function(profile, "cold").calls == 1000
    assert function(profile, "hot").calls == 1
    hottest = max(profile.units, key=lambda unit: unit.executions or 0)
    assert hottest.function == "hot" and hottest.executions == pytest.approx(100_000, abs=2)
    line = next(line for line in profile.lines if line.function == "cold")
    assert line.source == str(tmp_path / "program.c") and line.instructions is not None


def test_threads_lose_no_count_and_children_have_their_own(tmp_path: Path) -> None:
    profile = dbt.profile([compile_program(tmp_path, "program", CALLS)], exact=True)
    assert function(profile, "counted").calls == (THREADS + 1) * CALLS_EACH
    parent, child = (process.figures for process in profile.processes)
    assert child.tu_entries is not None and parent.tu_entries is not None
    assert CALLS_EACH < child.tu_entries < 0.3 * parent.tu_entries
    assert profile.figures.tu_entries == parent.tu_entries + child.tu_entries


def test_figures_fit_each_other() -> None:
    profile = dbt.profile(["/bin/sh", "-c", "for i in 1 2 3; do :; done"], exact=True)
    figures = profile.figures
    assert figures.guest_instructions_executed is not None and figures.tu_entries is not None
    assert figures.direct_transfers_executed is not None
    assert figures.indirect_branches_executed is not None
    leaving = figures.dispatches_syscall + figures.dispatches_callout
    others = figures.direct_transfers_executed + figures.indirect_branches_executed
    assert figures.tu_entries == pytest.approx(others + leaving, rel=0.001)
    for share in (
        figures.tc_hit_rate,
        figures.chained_share,
        figures.indirect_in_cache_share,
        figures.ident_share_executed,
    ):
        assert share is not None and 0 < share < 1
    for mix in (profile.mix_class, profile.mix_extension):
        told = sum(row.instructions for row in mix)
        assert told == pytest.approx(figures.guest_instructions_executed, rel=0.001)
    assert dict(profile.table("mix_class")[0].items())["name"] == "IDENT"


def test_indirect_lookups_are_told_apart(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "program", COLLIDES, "-nostdlib", "-static")
    figures = dbt.profile([program], exact=True).figures
    assert figures.indirect_branches_executed == 2 * COLLISIONS  # calls and their returns
    assert figures.indirect_cold_share == figures.dispatches_indirect_miss / (2 * COLLISIONS)
    assert 2 <= figures.dispatches_indirect_miss <= 4
    # Of the calls all but those two; a return always finds its own.
    assert figures.indirect_collision_share == (COLLISIONS - 2) / (2 * COLLISIONS)
    assert figures.indirect_first_probe_share == pytest.approx(0.5, abs=0.001)


def test_no_indirect_branch_is_lost_to_signals(tmp_path: Path) -> None:
    rounds = 100_000
    program = compile_program(tmp_path, "program", INTERRUPTED)
    profile = dbt.profile([program, str(rounds)], exact=True)
    assert profile.figures.dispatches_signal > 10 and not profile.missing
    assert function(profile, "one").calls == function(profile, "two").calls == rounds
    calls = [branch for branch in profile.branches if branch.kind == "call"]
    assert calls[0].function == "main" and calls[0].executions == 2 * rounds
    assert {(one.function, one.executions) for one in calls[0].targets} == {
        ("one", rounds),
        ("two", rounds),
    }
    returns = [branch for branch in profile.branches if branch.kind == "return"]
    assert [(one.function, one.executions) for one in returns[:2]] in (
        [("one", rounds), ("two", rounds)],
        [("two", rounds), ("one", rounds)],
    )


def test_every_indirect_branch_has_a_target(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "program", COLLIDES, "-nostdlib", "-static")
    for settings in MODES.values():
        profile = dbt.profile([program], exact=True, settings=settings)
        told = sum(branch.executions for branch in profile.branches)
        assert told == profile.figures.indirect_branches_executed == 2 * COLLISIONS


def test_pages_that_keep_changing_are_told() -> None:
    program = build("rewrite_line", "rewrite_line.S", "bare")
    figures = dbt.profile([program], settings=dbt.Settings(self_check="auto")).figures
    assert figures.self_check_pages == 1 and figures.self_check_changes > 100
    assert figures.self_check_pages_settled <= figures.self_check_pages


def test_counting_disturbs_nothing(tmp_path: Path) -> None:
    program = build("sampled_calls", "sampled_calls.c", "pie", ("-pthread",))
    native = subprocess.run([program], capture_output=True, check=True)
    output = tmp_path / "profile"
    command = (sys.executable, "-m", "dbt", "profile", "--exact", "-o", output, program)
    counted = subprocess.run(command, capture_output=True)
    assert (counted.returncode, counted.stdout) == (native.returncode, native.stdout)
