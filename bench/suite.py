"""What a translator does, one thing a row: each row natively, translated, and by the peers here.

`bench/test_suite.py` times the rows with pytest-benchmark; docs/benchmarks.md has their table.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.counters import Sample, measure
from bench.peers import Runner, missing, peers, unfit
from bench.run import run_native, translated_runner
from tests.guests.build import build
from tests.guests.execute import ENVIRONMENT, ROOT
from tests.matrix import inputs
from tests.matrix.program import Context


@dataclass(frozen=True)
class Row:
    """One thing that is timed.

    Attributes:
        name: of it.
        command: makes the command line for so many rounds; the first word is an absolute path.
        rounds: how many make a run long enough to be timed.
        is_bare: whether the program needs no C library, so that Unicorn can run it.
    """

    name: str
    command: Callable[[int], list[str]]
    rounds: int
    is_bare: bool = False


def _kernel(which: str) -> Callable[[int], list[str]]:
    def command(rounds: int) -> list[str]:
        name = f"kernel-{which.lower()}-{rounds}"
        flags = (f"-D{which}", f"-DROUNDS={rounds}")
        return [inputs.program(name, "kernels.S", "bare", *flags)]

    return command


def _workload(name: str) -> Callable[[int], list[str]]:
    return lambda rounds: [inputs.program(name, f"{name}.c", "pie"), str(rounds)]


ROWS: tuple[Row, ...] = (
    Row("start-up", lambda _: ["/bin/true"], 1),
    Row(
        "translation",
        lambda _: [str(build("many_functions", "many_functions.S", "bare"))],
        1,
        is_bare=True,
    ),
    Row("chaining", _kernel("CHAINING"), 30_000_000, is_bare=True),
    Row("indirect branches", _kernel("INDIRECT"), 10_000_000, is_bare=True),
    Row("returns", _kernel("RETURNS"), 10_000_000, is_bare=True),
    Row("callouts", _kernel("CALLOUTS"), 2_000, is_bare=True),
    Row("system calls", _kernel("CALLS"), 300_000, is_bare=True),
    Row("signals", _workload("sigraise"), 30_000),
    Row("self-modification", _workload("jitchurn"), 20_000),
)


def _unicorn(words: list[str], where: Context) -> Sample:
    """Unicorn in a process of its own; its start, and Python's, count."""
    return measure(
        [sys.executable, "-m", "bench.emulate", words[0]],
        cwd=ROOT,
        environment={**ENVIRONMENT, "HOME": str(where.directory)},
    )


def systems() -> dict[str, Runner]:
    """What the rows are run by, as far as it is installed: native first, then dbt."""
    found: dict[str, Runner] = {"native": run_native, "dbt": translated_runner("default")}
    found |= peers()
    if importlib.util.find_spec("unicorn") is not None:
        found["unicorn"] = _unicorn
    return found


def absent() -> dict[str, str]:
    """The peers that cannot be used here, and what they lack."""
    away = missing()
    if importlib.util.find_spec("unicorn") is None:
        away["unicorn"] = "this Python has no package unicorn (`pip install unicorn`)"
    return away


def cannot_run(row: Row, system: str) -> str:
    """Why a system cannot run a row, or empty where it can be asked to."""
    if system == "unicorn" and not row.is_bare:
        return "it is no Linux: it runs what needs no C library"
    return unfit(system, row.name)


def time_row(row: Row, runner: Runner, where: Path, rounds: int | None = None) -> Sample:
    """Runs a row once.

    Args:
        row: of ROWS.
        runner: of `systems`.
        where: the working directory.
        rounds: instead of the row's own.

    Raises:
        RuntimeError: the program did not end as it should.
    """
    return runner(row.command(row.rounds if rounds is None else rounds), Context("least", where))
