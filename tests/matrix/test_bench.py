"""The bench's own arithmetic, and that its rows run; nothing here is timed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import dbt
from bench.counters import Sample, measure, parse_perf
from bench.run import Result
from bench.sensitive import WAYS, Way, ticks
from bench.suite import ROWS, Row, systems, time_row
from bench.timesplit import of_perf, split
from tests.matrix import inputs


def test_perf_report_is_parsed() -> None:
    text = (
        "# started on a day\n\n"
        "1234567;;cycles:u;998877;100.00;;\n"
        "<not supported>;;instructions:u;0;100.00;;\n"
        "0.52;msec;task-clock:u;520000;100.00;0.4;CPUs utilized\n"
        "<not counted>;;branches:u;0;0.00;;\n"
    )
    assert parse_perf(text) == {"cycles:u": 1234567.0, "task-clock:u": 0.52}


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
