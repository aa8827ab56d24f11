"""Threads are taken out of the translation cache even where no signal can be queued."""

from __future__ import annotations

import os
import sys

import pytest

from tests.guests.build import build
from tests.guests.execute import ENVIRONMENT, ROOT, run, run_native
from tests.guests.table import GUESTS, command_of


@pytest.mark.slow
def test_kicks_need_no_place_in_the_queue() -> None:
    """Under RLIMIT_SIGPENDING of 0 the kernel refuses the signal that kicks are otherwise."""
    stress = [str(build("threads_stress", "threads_stress.c", "pie", ("-pthread",))), "4"]
    outcome = run(["/usr/bin/prlimit", "--sigpending=0", *stress], mode="tiny", timeout_s=120)
    assert (outcome.status, outcome.stdout) == (0, run_native(stress).stdout), outcome
    assert sum(process.statistics.evictions for process in outcome.processes) > 0


def test_a_program_may_begin_with_their_signal_ignored() -> None:
    """As all that glibc's posix_spawn starts do. musl cancels threads by that signal."""
    guest = next(guest for guest in GUESTS if guest.identity == "threads_results_musl")
    command = [*command_of(guest, guest.variants[0])]
    words = ["/usr/bin/timeout", "60", sys.executable, "-m", "dbt", "run", *command]
    child = os.posix_spawn(words[0], words, {**ENVIRONMENT, "PYTHONPATH": str(ROOT)})
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
