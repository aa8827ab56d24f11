"""Programs that burn the translator: a budget ends them, and they cost no memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

import dbt
from dbt.tcache.settings import Settings
from tests.guests.build import build

WAYS = ("rewrite", "fresh", "flip", "other")
CACHE_BYTES = 1 << 20


def burner() -> str:
    return str(build("burns_translator", "burns_translator.c", "pie", ("-pthread",)))


def burn(way: str, budget: int) -> tuple[int, str, int]:
    """The exit status, what is said on standard error, and the peak of the memory in KiB."""
    words = [sys.executable, "-m", "dbt", "run", "--tc-size", "1M"]
    with tempfile.TemporaryFile() as errors:
        started = subprocess.Popen(
            [*words, f"--translation-budget={budget}", burner(), way], stderr=errors
        )
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return started.returncode, errors.read().decode(), usage.ru_maxrss


@pytest.mark.parametrize("way", WAYS)
def test_a_budget_ends_a_program_that_burns_the_translator(way: str) -> None:
    peaks = []
    for budget in (60_000, 240_000):
        status, said, peak = burn(way, budget)
        assert status == 125
        assert said.splitlines() == [
            "dbt: the translation budget of this process is used up (--translation-budget)"
        ]
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 2048, "four times the work takes more memory"


def test_a_budget_that_suffices_changes_nothing() -> None:
    settings = Settings(translation_budget=1_000_000)
    assert dbt.run(["/bin/true"], settings=settings).exit_status == 0


def test_threads_pay_for_what_is_translated_for_them() -> None:
    settings = Settings(tc_size_bytes=CACHE_BYTES, translation_budget=400_000)
    result = dbt.run([burner(), "other"], settings=settings)
    (process,) = result.processes
    assert len(process.threads) == 8
    assert all(charge.units_invalidated > 100 for charge in process.threads)
    total = process.statistics
    assert sum(c.guest_instructions for c in process.threads) == total.guest_instructions_translated
    assert sum(c.cycles for c in process.threads) == total.translation_cycles


def test_threads_beyond_the_last_row_share_it() -> None:
    rewriter = str(build("threads_rewrite", "threads_rewrite.c", "pie", ("-pthread",)))
    (process,) = dbt.run([rewriter, "20"], settings=Settings()).processes
    assert len(process.threads) == 32
    total = process.statistics
    assert sum(c.guest_instructions for c in process.threads) == total.guest_instructions_translated
    assert sum(c.cycles for c in process.threads) == total.translation_cycles


def test_statistics_name_the_threads() -> None:
    words = [sys.executable, "-m", "dbt", "run", "--stats", "--translation-budget=200000"]
    done = subprocess.run([*words, burner(), "other"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("  thread ")]
    assert len(lines) == 5
    assert all("of the time translating" in line for line in lines)
