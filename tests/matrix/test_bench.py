"""The bench's own arithmetic: perf's report, ratios."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.counters import Sample, measure, parse_perf
from bench.run import Result


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
