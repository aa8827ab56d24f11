"""The three costs of a sensitive instruction, in ticks of the time-stamp counter.

    python -m bench.sensitive [--runs N]

The processor lends rdtsc to programs or, if the kernel is asked, faults; a virtual machine has to
answer for it in one of three ways. What is measured for each:

trap and emulate      natively, rdtsc taken away (PR_SET_TSC): the fault, the kernel's signal, a
                      handler that sets the result and steps over the instruction, sigreturn
callout and emulate   translated with --tsc callout: rdtsc leaves the cache, C carries it out
in the TC             translated, rdtsc as it is emitted: unchanged
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import dbt
from tests.matrix import inputs


@dataclass(frozen=True)
class Way:
    """One way to carry a sensitive instruction out.

    Attributes:
        name: of it.
        word: the first argument of bench/workloads/sensitive.c.
        tsc: the setting of that name for dbt; None where it runs natively.
        count: executions in a run.
    """

    name: str
    word: str
    tsc: str | None
    count: int


WAYS: tuple[Way, ...] = (
    Way("trap and emulate (signal)", "trap", None, 20_000),
    Way("callout and emulate", "counter", "callout", 200_000),
    Way("in the TC", "counter", "native", 1_000_000),
    Way("on the bare processor", "counter", None, 1_000_000),
)


def ticks(way: Way, runs: int, count: int | None = None) -> float:
    """Ticks for one execution: the least of some runs.

    Args:
        way: of WAYS.
        runs: how many.
        count: executions in a run, instead of the way's own.

    Raises:
        subprocess.CalledProcessError: natively, the kernel refused.
        RuntimeError: translated, the program failed.
    """
    program = inputs.program("sensitive", "sensitive.c", "pie")
    words = [program, way.word, str(way.count if count is None else count)]
    return min(_run(words, way.tsc) for _ in range(runs))


def _run(words: list[str], tsc: str | None) -> float:
    if tsc is None:
        return float(subprocess.run(words, capture_output=True, check=True).stdout)
    done = dbt.run(words, settings=dbt.Settings(tsc=tsc), capture_output=True)
    if done.exit_status != 0:
        raise RuntimeError(f"{words}: status {done.exit_status}")
    return float(done.stdout or b"")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.sensitive")
    parser.add_argument("--runs", type=int, default=5, help="of each, the least counts (default 5)")
    runs: int = parser.parse_args(arguments).runs
    for way in WAYS:
        print(f"{way.name:<28} {ticks(way, runs):>10,.0f} ticks")


if __name__ == "__main__":
    main()
