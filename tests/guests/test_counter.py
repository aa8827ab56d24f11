"""Guests whose time-stamp counter is read by C: the same as natively, in every mode."""

from __future__ import annotations

import pytest

from tests.guests.build import build
from tests.guests.execute import MODES, describe_difference, run, run_native


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, least", [("counter", 402), ("clocks", 300)])
def test_the_counter_as_a_callout(name: str, least: int, mode: str) -> None:
    """Both instructions count up, change nothing else, and fault while it is taken away."""
    command = [str(build(name, f"{name}.c", "static"))]
    outcome = run(command, mode=mode, settings={"tsc": "callout"})
    difference = describe_difference(run_native(command), outcome)
    assert not difference, difference
    (process,) = outcome.processes
    assert process.statistics.exits_callout >= least


def test_the_counter_is_no_callout_unless_asked_for() -> None:
    """What else leaves for C, cpuid and its like, does so a few times at start-up."""
    command = [str(build("counter", "counter.c", "static"))]
    (process,) = run(command, settings={"tsc": "native"}).processes
    assert process.statistics.exits_callout < 402
