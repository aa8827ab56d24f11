"""Every guest natively and translated, in each engine mode: same output, same wait status."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests.build import COMPILERS, SOURCES, build
from tests.guests.execute import (
    ENVIRONMENT,
    MODE_VARIABLES,
    MODES,
    ROOT,
    Outcome,
    describe_difference,
    run,
    run_native,
)
from tests.guests.table import GUESTS, Guest, command_of

#: Guests that fail when their resident memory grows.
WATCHES_MEMORY = ("children_many",)


# Keyed by identity: a Guest holds a mapping and has no hash.
@functools.cache
def _native(number: int, variant: str) -> Outcome:
    guest = GUESTS[number]
    outcome = run_native(
        command_of(guest, variant), input_bytes=guest.input_bytes, timeout_s=guest.timeout_s
    )
    assert not outcome.timed_out
    assert outcome.status == guest.status, outcome.stderr
    if guest.stdout is not None:
        assert outcome.stdout == guest.stdout
    return outcome


def _compare(
    guest: Guest, variant: str, mode: str, profiled: bool = False
) -> tuple[str, Outcome]:
    """How a translated run differs from the native one, empty where it does not; and that run."""
    if shutil.which(COMPILERS.get(variant, "gcc")) is None:
        pytest.skip(f"install a package that has {COMPILERS[variant]}")
    native = _native(GUESTS.index(guest), variant)
    translated = run(
        command_of(guest, variant),
        mode=mode,
        input_bytes=guest.input_bytes,
        timeout_s=guest.timeout_s,
        profiled=profiled,
    )
    return describe_difference(native, translated), translated


def test_guest(guest: Guest, variant: str, mode: str) -> None:
    difference, translated = _compare(guest, variant, mode)
    if guest.refused:
        # Expected for now: this needs a part of the engine that does not exist yet, and the engine
        # must say so in one line instead of going on wrongly.
        assert difference, f"{guest.identity} works now: take its refusal out of the table"
        message = translated.stderr.decode(errors="replace")
        assert re.search(guest.refused, message, re.MULTILINE), f"no clear refusal:\n{difference}"
        return
    assert not difference, difference


def test_profiled_guest(guest: Guest, variant: str, profiled_mode: str) -> None:
    """What counts and samples a program leaves it as it is."""
    if guest.refused:
        pytest.skip("it is refused")
    if guest.name in WATCHES_MEMORY:
        pytest.skip("its resident memory holds what is noted of its children")
    difference, _ = _compare(guest, variant, profiled_mode, profiled=True)
    assert not difference, difference


def test_every_source_is_in_the_table() -> None:
    named = {guest.source for guest in GUESTS}
    named |= {source for guest in GUESTS for source in guest.libraries.values()}
    assert {path.name for path in SOURCES.iterdir() if path.suffix != ".inc"} == named


def test_every_source_says_what_it_tests() -> None:
    for path in SOURCES.iterdir():
        if path.suffix != ".inc":
            head = path.read_text()[:1000]
            assert re.match(r"(/\*|//) Tests: ", head), path.name


@pytest.mark.parametrize("mode", MODES)
def test_command_line_in_every_mode(mode: str) -> None:
    """`dbt run` itself, the mode given by environment variables."""
    variables = {name: os.environ[name] for name in ["DBT_RETURNS"] if name in os.environ}
    variables |= dict([MODE_VARIABLES[mode]] if mode in MODE_VARIABLES else [])
    program = build("is_prime", "is_prime.S", "bare")
    done = subprocess.run(
        [sys.executable, "-m", "dbt", "run", "--stats", str(program), "2000"],
        cwd=ROOT,
        env={**ENVIRONMENT, **variables, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, b"303\n"), done.stderr


def test_counters_reach_the_session(tmp_path: Path) -> None:
    """Translating counts, and chaining is what the default mode has over the other."""
    program = str(build("is_prime", "is_prime.S", "bare"))
    totals = {}
    for mode in ("default", "nochain"):
        (process,) = run([program], mode=mode, cwd=tmp_path).processes
        totals[mode] = process.statistics
    assert totals["default"].units_translated > 5
    assert totals["default"].links_made > 0
    assert totals["nochain"].links_made == 0
    assert totals["nochain"].exits_continuation > 1000 * totals["default"].exits_continuation
