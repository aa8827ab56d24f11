"""A sample of `make stress`, and its table."""

from __future__ import annotations

import pytest

from tests.guests.execute import mode_of_session
from tests.stress.stressors import (
    PROGRAM,
    STATUS_NOT_HERE,
    Stressor,
    Verdict,
    compare,
    read_table,
    try_stressor,
)
from tests.stress.threads import WAYS, Way, differences

SAMPLE = ("sigsegv", "sigq", "clone", "pthread", "vfork", "munmap", "mprotect", "futex", "timer")

GOOD = Verdict(status=0, operations=100, complaints=(), wall_s=1.0, stderr="")


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="install stress-ng")
@pytest.mark.parametrize("name", SAMPLE)
def test_sample(name: str) -> None:
    (stressor,) = (row for row in read_table() if row.name == name)
    native = try_stressor(stressor, 2, None)
    if native.status in STATUS_NOT_HERE:
        pytest.skip(f"stress-ng cannot run {name} here")
    assert native.operations >= stressor.least
    assert not compare(stressor, native, try_stressor(stressor, 2, mode_of_session()))


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.label)
def test_threads(way: Way) -> None:
    assert list(differences(way, 0)) == [""]


def test_table_names_each_stressor_once() -> None:
    names = [stressor.name for stressor in read_table()]
    assert len(set(names)) == len(names) >= 100
    assert set(SAMPLE) <= set(names)


@pytest.mark.parametrize(
    "worse",
    [
        Verdict(2, 100, (), 1.0, ""),
        Verdict(0, 99, (), 1.0, ""),
        Verdict(0, 100, ("read back N instead of N",), 1.0, ""),
        Verdict(0, 100, (), 1.0, "dbt: internal error: something\n"),
    ],
)
def test_a_worse_verdict_is_told(worse: Verdict) -> None:
    stressor = Stressor("futex", "futex", 100, 100)
    assert compare(stressor, GOOD, worse)
    assert not compare(stressor, worse, worse) or "dbt:" in worse.stderr
