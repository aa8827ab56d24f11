"""Threads are taken out of the translation cache even where no signal can be queued."""

from __future__ import annotations

import pytest

from tests.guests.build import build
from tests.guests.execute import run, run_native


@pytest.mark.slow
def test_kicks_need_no_place_in_the_queue() -> None:
    """Under RLIMIT_SIGPENDING of 0 the kernel refuses the signal that kicks are otherwise."""
    stress = [str(build("threads_stress", "threads_stress.c", "pie", ("-pthread",))), "4"]
    outcome = run(["/usr/bin/prlimit", "--sigpending=0", *stress], mode="tiny", timeout_s=120)
    assert (outcome.status, outcome.stdout) == (0, run_native(stress).stdout), outcome
    assert sum(process.statistics.evictions for process in outcome.processes) > 0
