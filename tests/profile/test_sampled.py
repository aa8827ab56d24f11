"""Sampled profiles: they name what is hot, cover the whole tree, and change nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

import dbt
from dbt.errors import UsageError
from dbt.profiler.collect import DRAIN_INTERVAL_S, Collector
from dbt.profiler.file import ProfileFileError, load, save
from dbt.profiler.model import VERSION
from dbt.profiler.text import report, summary
from dbt.runtime.launch import run
from dbt.runtime.session import Session
from dbt.tcache.statistics import Statistics
from tests.guests.build import build
from tests.profile.programs import DIES, HOT, HOT_LINE, TREE, compile_program

COMMAND = (sys.executable, "-m", "dbt")


def test_the_hottest_function_and_line_are_named(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "program", HOT)
    profile = dbt.profile([program])
    hottest = profile.functions[0]
    assert (hottest.name, hottest.module) == ("hot", str(program))
    assert hottest.samples > 0.8 * profile.figures.samples
    # The loop's increment and its test stand in the line above.
    assert profile.lines[0].source == str(tmp_path / "program.c")
    assert profile.lines[0].line in (HOT_LINE - 1, HOT_LINE)
    assert profile.modules[0].path == str(program)
    unit = profile.units[0]
    assert unit.function == "hot" and len(unit.code) == 2 * unit.guest_bytes


def test_the_time_is_spent_in_translated_code(tmp_path: Path) -> None:
    figures = dbt.profile([compile_program(tmp_path, "program", HOT)]).figures
    assert figures.time_share_tc is not None and figures.time_share_tc > 0.7
    shares = (
        figures.time_share_tc,
        figures.time_share_lookup,
        figures.time_share_translate,
        figures.time_share_vmm,
        figures.time_share_kernel,
    )
    assert sum(share or 0 for share in shares) == pytest.approx(1)


def test_time_in_the_kernel_is_told_by_call() -> None:
    command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=16M", "count=150", "status=none"]
    profile = dbt.profile(command)
    assert profile.figures.time_share_kernel is not None
    assert profile.figures.time_share_kernel > 0.5
    assert any(stack.frames[-1] == "[kernel: read]" for stack in profile.stacks)
    assert profile.processes[0].syscalls["read"] >= 150


def test_counters_agree_with_the_calls(tmp_path: Path) -> None:
    profile = dbt.profile(["/bin/true"])
    figures, process = profile.figures, profile.processes[0]
    assert sum(process.syscalls.values()) == figures.dispatches_syscall
    assert sum(process.callouts.values()) == figures.dispatches_callout
    assert figures.units_translated >= figures.translations > 0
    assert profile.course[-1].units_translated == figures.units_translated


def test_threads_children_and_executed_programs_are_covered(tmp_path: Path) -> None:
    profile = dbt.profile([compile_program(tmp_path, "program", TREE)])
    first, *others = profile.processes
    assert first.threads_started == 2 and len(first.threads) >= 1
    # One of them has executed another program: its thread stays the one it was.
    assert [process.threads_started for process in others] == [1, 1]
    assert {process.parent_pid for process in others} == {first.pid}
    assert sorted(process.path.rpartition("/")[2] for process in others) == ["program", "true"]
    assert {"in_child"} <= {function.name for function in profile.functions}
    child = next(process for process in others if process.path == str(tmp_path / "program"))
    assert child.figures.samples > 0 and first.figures.samples > 0
    total = sum(process.figures.samples for process in profile.processes)
    assert profile.figures.samples == total


def test_a_thread_that_executes_programs_is_one() -> None:
    profile = dbt.profile(["sh", "-c", 'exec sh -c "exec true"'])
    assert [process.threads_started for process in profile.processes] == [1]


def test_calls_and_timers_of_the_program_are_left_alone(tmp_path: Path) -> None:
    program = build("sampled_calls", "sampled_calls.c", "pie", ("-pthread",))
    native = subprocess.run([program], capture_output=True, check=True)
    output = tmp_path / "profile"
    sampled = subprocess.run(
        [*COMMAND, "profile", "--interval", "100", "-o", output, program], capture_output=True
    )
    assert (sampled.returncode, sampled.stdout) == (native.returncode, native.stdout)
    assert load(output).figures.samples > 10


@pytest.mark.parametrize(
    ("way", "status", "number"),
    [("c", None, signal.SIGSEGV), ("k", None, signal.SIGKILL), ("_", 7, None),
     ("a", None, signal.SIGABRT)],
)  # fmt: skip
def test_a_program_that_dies_leaves_a_whole_profile(
    tmp_path: Path, way: str, status: int | None, number: int | None
) -> None:
    profile = dbt.profile([compile_program(tmp_path, "program", DIES), way])
    assert (profile.exit_status, profile.signal) == (status, number)
    assert profile.functions[0].name == "main" and not profile.missing


def test_the_command_ends_like_the_program_and_writes_a_file(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "program", HOT)
    output = tmp_path / "profile.json"
    done = subprocess.run(
        [*COMMAND, "profile", "-o", output, program, "short"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dbt profile: ") and str(output) in done.stderr
    assert load(output).command == (str(program), "short")


def test_a_program_that_was_killed_kills_the_command(tmp_path: Path) -> None:
    program = compile_program(tmp_path, "program", DIES)
    output = tmp_path / "profile.json"
    done = subprocess.run([*COMMAND, "profile", "-o", output, program, "k"], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert load(output).signal == signal.SIGKILL


@pytest.mark.parametrize("output", ["/dev/full", "/nowhere/profile.json", "/proc/profile.json"])
def test_an_unwritable_file_is_one_line(output: str) -> None:
    done = subprocess.run(
        [*COMMAND, "profile", "-o", output, "sh", "-c", "echo out; exit 3"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (3, "out\n")
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("dbt: "))
    assert line.startswith(f"dbt: {output}: the profile was not written: ")


def test_a_full_standard_error_leaves_the_result_alone(tmp_path: Path) -> None:
    output = tmp_path / "profile.json"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "profile", "-o", output, "sh", "-c", "exit 3"], stderr=full, check=False
        )
    assert done.returncode == 3 and load(output).exit_status == 3


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    profile = dbt.profile(["/bin/sh", "-c", "/bin/true; exit 1"])
    save(profile, tmp_path / "profile")
    assert load(tmp_path / "profile") == profile
    assert [path.name for path in tmp_path.iterdir()] == ["profile"]


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text, words in (
        ("{", "this is no profile"),
        ("[]", "this is no profile"),
        ('{"format": "dbt-profile", "version": 99}', "a profile of version 99"),
        (f'{{"format": "dbt-profile", "version": {VERSION}}}', "damaged"),
    ):
        path.write_text(text)
        with pytest.raises(ProfileFileError, match=words):
            load(path)
    with pytest.raises(ProfileFileError, match="No such file"):
        load(tmp_path / "missing")


def test_tables_are_rows_of_plain_values() -> None:
    profile = dbt.profile(["/bin/true"])
    for what in ("functions", "modules", "units", "course", "processes", "dispatches", "arenas"):
        for row in profile.table(what):
            assert all(isinstance(v, (int, float, str, type(None))) for v in row.values())
    assert profile.table("processes")[0]["dispatches"] == profile.figures.dispatches
    with pytest.raises(ValueError, match="no table"):
        profile.table("figures")


def test_a_command_that_is_not_there_is_told_as_by_run() -> None:
    with pytest.raises(UsageError):
        dbt.profile([])
    done = subprocess.run([*COMMAND, "profile", "/nowhere"], capture_output=True)
    assert done.returncode == 127


def test_invalidations_are_told_by_cause() -> None:
    program = build("rewrite_line", "rewrite_line.S", "bare")
    profile = dbt.profile([program], capture_output=True)
    figures = profile.figures
    assert f"{figures.invalidations_write:,} by writes" in summary(profile)
    assert figures.invalidations_write > 0
    assert figures.invalidations_write + figures.invalidations_map <= figures.invalidations
    tiny = dbt.Settings(tc_size_bytes=1 << 16)
    profile = dbt.profile(["/bin/sh", "-c", ":"], settings=tiny)
    assert profile.figures.evictions > 0 and profile.figures.eviction_cycles > 0
    assert f"{profile.figures.eviction_cycles:,} cycles" in summary(profile)


@pytest.mark.slow
def test_the_interpreter_loop_is_the_hottest_of_python() -> None:
    work = """
def collatz(most):
    longest = 0
    for start in range(1, most):
        steps, number = 0, start
        while number != 1:
            number = 3 * number + 1 if number & 1 else number >> 1
            steps += 1
        longest = max(longest, steps)
    return longest
print(collatz(20_000))
"""
    profile = dbt.profile(["/usr/bin/python3", "-c", work], capture_output=True)
    assert profile.functions[0].name == "_PyEval_EvalFrameDefault"
    if not has_debug_file("/usr/bin/python3"):
        pytest.skip("no source lines: the debug file of /usr/bin/python3 (python3-dbg) is missing")
    files: Counter[str] = Counter()
    for line in profile.lines:
        if line.function == profile.functions[0].name:
            files[line.source] += line.samples
    # What is inlined into the loop has lines of its own.
    assert files.most_common(1)[0][0].endswith("/Python/ceval.c")
    assert files.total() == profile.functions[0].samples
    assert any(line.source.endswith("/Python/ceval.c") for line in profile.lines[:20])


def has_debug_file(program: str) -> bool:
    """Whether Debian's package of debug files for a program is installed."""
    notes = subprocess.check_output(["readelf", "-n", program], text=True)
    identity = notes.partition("Build ID: ")[2].split()[0]
    return Path(f"/usr/lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug").exists()


def test_the_ring_is_emptied_often_however_long_a_program_runs() -> None:
    with Session(dbt.Settings(), sample_interval_us=1000) as session:
        collector = Collector(session)
        while collector._course_every_s < 5.0:
            collector._thin_course()
        waits: list[float | None] = []

        class Stopping(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                waits.append(timeout)
                return len(waits) > 2

        collector._stopping = Stopping()
        collector._run()
        assert waits == [DRAIN_INTERVAL_S] * 3


def test_sums_of_counters_are_those_of_the_processes() -> None:
    with Session(dbt.Settings(), sample_interval_us=1000) as session:
        run(["/bin/sh", "-c", "/bin/true; (exit 0)"], session=session)
        parts = [process.statistics for process in session.processes()]
        assert len(parts) > 1 and session.statistics() == Statistics.sum(parts)


@pytest.mark.parametrize("place", ["program.debug", ".debug/program.debug"])
def test_lines_come_from_a_debug_file_that_is_linked(tmp_path: Path, place: str) -> None:
    program = compile_program(tmp_path, "program", HOT)
    debug = tmp_path / place
    debug.parent.mkdir(exist_ok=True)
    keep = ["objcopy", "--only-keep-debug", "--compress-debug-sections", str(program), str(debug)]
    strip = ["objcopy", "--strip-all", "--remove-section=.note.gnu.build-id"]
    strip += [f"--add-gnu-debuglink={debug}", str(program)]
    for command in (keep, strip):
        subprocess.run(command, check=True)
    profile = dbt.profile([program])
    assert profile.functions[0].name == "hot"
    assert profile.lines[0].source.endswith("program.c")
    assert profile.lines[0].line in range(HOT_LINE - 1, HOT_LINE + 1)


@pytest.mark.slow
def test_a_full_list_of_units_is_told() -> None:
    script = "import re\nfor n in range(30): re.compile('(a|b)*c%d' % n)"
    settings = dbt.Settings(tc_size_bytes=1 << 16)
    profile = dbt.profile(
        ["/usr/bin/python3", "-S", "-c", script], settings=settings, capture_output=True
    )
    assert profile.figures.units_translated > 1 << 20
    assert profile.figures.units_retranslated is None
    assert any("translated again is not known" in line for line in profile.missing)
    assert "again)" not in report(profile)
