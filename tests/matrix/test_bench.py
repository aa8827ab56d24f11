"""The bench's own arithmetic, and that its rows run; nothing here is timed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import dbt
from bench import instrumented
from bench import peers as peers_module
from bench.compare import Change, changes
from bench.counters import Sample, measure, parse_perf
from bench.peers import COMMANDS, UNFIT, missing, peers, unfit
from bench.programs import TIMED
from bench.run import Result, overheads
from bench.sensitive import WAYS, Way, ticks
from bench.suite import ROWS, Row, absent, cannot_run, systems, time_row
from bench.timesplit import of_perf, split
from tests.guests.build import build
from tests.matrix import inputs
from tests.matrix.program import Context


def test_perf_report_is_parsed() -> None:
    text = (
        "# started on a day\n\n"
        "1234567;;cycles:u;998877;100.00;;\n"
        "<not supported>;;instructions:u;0;100.00;;\n"
        "0.52;msec;task-clock:u;520000;100.00;0.4;CPUs utilized\n"
        "<not counted>;;branches:u;0;0.00;;\n"
    )
    assert parse_perf(text) == {"cycles:u": 1234567.0, "task-clock:u": 0.52}


def test_what_a_profile_costs_is_over_the_translated_run() -> None:
    samples = {
        "native": [Sample(100.0, 50, 1.0), Sample(90.0, 50, 1.0)],
        "dbt": [Sample(150.0, 60, 1.0), Sample(160.0, 60, 1.0)],
        "sampled": [Sample(165.0, 60, 1.0), Sample(153.0, 60, 1.0)],
    }
    results = [Result("x", 0.0, samples), Result("y", 0.0), Result("z", 0.0, samples, "failed")]
    assert overheads(results, "sampled") == {"x": pytest.approx(1.02)}
    assert overheads(results, "counted") == {}


def test_ratios() -> None:
    result = Result(
        "x",
        1.6,
        {
            "native": [Sample(100.0, 50, 1.0), Sample(200.0, 50, 1.0)],
            "dbt": [Sample(150.0, 60, 1.0), Sample(220.0, 60, 1.0)],
        },
    )
    assert result.ratio("dbt") == 1.5
    assert result.ratios("dbt") == [1.5, 1.1]
    assert result.instruction_ratio() == 1.2
    assert result.ratio("qemu") is None


def test_a_failing_program_is_an_error(tmp_path: Path) -> None:
    sample = measure(["/bin/true"], cwd=tmp_path, environment={})
    assert sample.wall_s > 0
    with pytest.raises(RuntimeError, match="status 1"):
        measure(["/bin/false"], cwd=tmp_path, environment={})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_of_the_suite_runs(tmp_path: Path, row: Row) -> None:
    found = systems()
    for system in ("native", "dbt", "unicorn") if row.is_bare else ("native", "dbt"):
        if system in found:
            assert time_row(row, found[system], tmp_path, rounds=100).wall_s > 0


@pytest.mark.slow
@pytest.mark.parametrize("system", sorted(set(systems()) - {"native", "dbt", "unicorn"}))
def test_a_peer_runs_a_row(tmp_path: Path, system: str) -> None:
    (row,) = (row for row in ROWS if row.name == "chaining")
    assert time_row(row, systems()[system], tmp_path, rounds=100).wall_s > 0


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_sensitive_instruction_has_its_cost(way: Way) -> None:
    assert ticks(way, runs=1, count=100) > 0


@pytest.mark.parametrize("tsc, is_callout", [("callout", True), ("native", False)])
def test_what_is_called_a_callout_is_one(tsc: str, is_callout: bool) -> None:
    program = inputs.program("sensitive", "sensitive.c", "pie")
    settings = dbt.Settings(tsc=tsc)
    done = dbt.run([program, "counter", "1000"], settings=settings, capture_output=True)
    assert (done.statistics.exits_callout >= 1000) == is_callout


def test_a_peer_that_hangs_is_given_up(tmp_path: Path) -> None:
    """And with it what it has started, which would hold its standard error open."""
    words = ["/bin/sh", "-c", "sleep 600 & sleep 600"]
    with pytest.raises(RuntimeError, match="more than"):
        measure(words, cwd=tmp_path, environment={}, timeout_s=0.2)


def test_a_peer_whose_output_is_wrong_has_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers_module, "COMMANDS", {"echo": ("echo",), "env": ("env",)})
    where = Context("least", tmp_path)
    assert peers()["env"](["/bin/echo", "a"], where).wall_s > 0
    with pytest.raises(RuntimeError, match="not the native one"):
        peers()["echo"](["/bin/echo", "a"], where)


def test_peers_that_are_missing_say_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing()["qemu"] == "qemu-x86_64 is not installed"
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install" in missing()["pyqbdi"]
    assert peers() == {}


def test_rows_that_a_peer_cannot_run_are_rows() -> None:
    names = {row.name for row in ROWS} | {timed.name for timed in TIMED}
    assert {row for rows in UNFIT.values() for row in rows} <= names
    (signals,) = (row for row in ROWS if row.name == "signals")
    assert cannot_run(signals, "pyqbdi") == unfit("pyqbdi", "signals") != ""
    assert "C library" in cannot_run(signals, "unicorn")
    assert set(systems()) | set(absent()) == {"native", "dbt", *COMMANDS, "pyqbdi", "unicorn"}
    assert cannot_run(signals, "qemu") == ""


@pytest.mark.slow
@pytest.mark.skipif("pyqbdi" in missing(), reason="install the extra bench")
def test_pyqbdi_runs_what_is_loaded_into_and_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Main's value is the exit status; what ran without PyQBDI has no figure."""
    runner = peers()["pyqbdi"]
    where = Context("least", tmp_path)
    program = inputs.program("isprime", "isprime.c", "pie")
    assert runner([program, "1000"], where).wall_s > 0
    assert runner([str(build("many_functions", "many_functions.S", "bare"))], where).wall_s > 0
    with pytest.raises(RuntimeError, match="status 1"):
        runner(["/bin/false"], where)
    monkeypatch.setattr(instrumented, "__file__", str(tmp_path / "nothing.py"))
    nothing = "import pyqbdi\ndef pyqbdipreload_on_run(vm, start, stop):\n    pass\n"
    (tmp_path / "nothing.py").write_text(nothing)
    with pytest.raises(RuntimeError, match="without PyQBDI"):
        peers()["pyqbdi"](["/bin/true"], where)


def test_two_reports_are_compared() -> None:
    old = {
        "metric": "cycles:u",
        "results": [{"name": "fib", "ratio": 1.25}, {"name": "gone", "ratio": 2.0}],
        "start": {"over_ms": 4.0},
        "cold": [],
    }
    new = {
        "metric": "cycles:u",
        "results": [{"name": "fib", "ratio": 1.5}, {"name": "failed", "ratio": None}],
        "start": {},
        "cold": [{"program": "cc1", "ticks_per_instruction": 300.0}],
    }
    rows = changes(old, new)
    assert rows == [
        Change("fib", 1.25, 1.5),
        Change("gone", 2.0, None),
        Change("start over native, ms", 4.0, None),
        Change("cold cc1, ticks", None, 300.0),
    ]
    assert [row.percent for row in rows] == [pytest.approx(20), None, None, None]
    with pytest.raises(ValueError, match="cannot be compared"):
        changes(old, {**new, "metric": "user time"})


def test_perf_samples_are_sorted_by_origin() -> None:
    vmm, cache, interpreter = (
        "7f2000 dbt_dispatch (/usr/lib/dbt/dbt-vmm)",
        "7f0000 [unknown] (//anon)",
        "7f3000 Py_INCREF (/usr/bin/python3.11)",
    )
    call = ("ff8100 vfs_read ([kernel.kallsyms])", "ff8200 do_syscall_64 ([kernel.kallsyms])")
    fault = (
        "ff8300 exc_page_fault ([kernel.kallsyms])",
        "ff8400 asm_exc_page_fault ([kernel.kallsyms])",
    )
    samples = (
        (7, cache, "0 [unknown] ([unknown])"),
        (7, "7f1000 [unknown] (/tmp/perf-7.map)"),
        (7, *fault, cache),
        (7, vmm),
        (7, *fault, vmm),
        (7, "7f2100 dbt_gate_syscall (/usr/lib/dbt/dbt-vmm)"),
        (7, *call, vmm),
        (7, *call, "7f2100 dbt_gate_syscall (/usr/lib/dbt/dbt-vmm)"),
        (7, *call, interpreter),
        (7, *fault, interpreter),
        (7, interpreter),
        (8, vmm),
    )
    text = "\n\n".join("\n\t".join(map(str, sample)) for sample in samples)
    assert of_perf(text, 7) == {"cache": 3 / 8, "vmm": 2 / 8, "kernel": 3 / 8}


def perf_samples() -> bool:
    """Whether perf may sample here."""
    if shutil.which("perf") is None:
        return False
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-o", "/dev/null", "--", "true"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not perf_samples(), reason="perf does not sample here")
@pytest.mark.parametrize("name, rounds", [("sysloop", "3000000"), ("isprime", "2000000")])
def test_the_time_split_is_perfs(name: str, rounds: str) -> None:
    """Shares of processor time, so other work does not matter; both sample, some hundred times."""
    parts = split([inputs.program(name, f"{name}.c", "pie"), rounds])
    for part, (ours, theirs) in parts.items():
        assert ours == pytest.approx(theirs, abs=0.15), part
