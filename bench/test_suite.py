"""What a translator does, one thing a row, against native and against peers, by pytest-benchmark.

python -m pytest bench/test_suite.py --benchmark-group-by=group --benchmark-sort=name

Its table has wall times. The JSON that it keeps has more for each: the metric of bench/counters.py,
the cost of every round, and its ratio to the native run beside it.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.counters import Sample, metric
from bench.suite import ROWS, Row, absent, cannot_run, systems, time_row

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytest.importorskip("pytest_benchmark")

ROUNDS = 3
SYSTEMS = systems()
ABSENT = absent()


@pytest.mark.parametrize("system", [*SYSTEMS, *ABSENT])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_suite(benchmark: BenchmarkFixture, tmp_path: Path, row: Row, system: str) -> None:
    """One row by one system; before each round the row runs natively, for the ratio."""
    if why := ABSENT.get(system) or cannot_run(row, system):
        pytest.skip(f"{system} does not run it: {why}")
    natives: list[Sample] = []
    samples: list[Sample] = []
    row.command(row.rounds)  # built before the clock runs

    def beside() -> None:
        natives.append(time_row(row, SYSTEMS["native"], tmp_path))

    def run() -> None:
        samples.append(time_row(row, SYSTEMS[system], tmp_path))

    benchmark.group = row.name
    benchmark.name = system
    try:
        time: Any = benchmark.pedantic  # it has no types
        time(run, setup=beside, rounds=ROUNDS, iterations=1)
    except RuntimeError as error:
        if system in ("native", "dbt"):
            raise
        pytest.skip(f"{system} does not run it: {error}")
    ratios = [
        sample.cost / native.cost
        for sample, native in zip(samples, natives, strict=False)
        if native.cost
    ]
    benchmark.extra_info |= {
        "metric": metric(),
        "cost": [sample.cost for sample in samples],
        "instructions": [sample.instructions for sample in samples],
        "native_cost": [sample.cost for sample in natives],
        "ratio": statistics.median(ratios) if ratios else None,
    }
