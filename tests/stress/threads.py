"""Runs 64 threads that translate, link and evict in the smallest cache, and compares their sums.

    python -m tests.stress.threads [--seconds S]

Each way of returns gets its share of the time, with and without signals that keep arriving. Exit
status 0 says that every run gave the native output.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from tests.guests.build import build
from tests.guests.execute import describe_difference, run, run_native

ROUNDS = 20

#: How returns go, and whether signals arrive.
WAYS = (("table", False), ("paired", False), ("table", True), ("paired", True))


def command(with_signals: bool) -> list[str]:
    """The guest's command line."""
    program = build("threads_stress", "threads_stress.c", "pie", ("-pthread",))
    return [str(program), str(ROUNDS), *(["signals"] if with_signals else [])]


def differences(returns: str, with_signals: bool, seconds: float) -> Iterator[str]:
    """Runs one way again and again; yields for each run what differs from the native one.

    Args:
        returns: how returns find their way, a setting of the engine.
        with_signals: whether every thread is sent signals.
        seconds: how long; there is at least one run.
    """
    words = command(with_signals)
    native = run_native(words)
    end = time.monotonic() + seconds
    while True:
        translated = run(words, mode="tiny", settings={"returns": returns}, timeout_s=120)
        yield describe_difference(native, translated)
        if time.monotonic() > end:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all ways and prints a line for each.

    Returns:
        0 when every run was the same, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.stress.threads", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="in all")
    options = parser.parse_args(arguments)
    bad = 0
    for returns, with_signals in WAYS:
        found = list(differences(returns, with_signals, options.seconds / len(WAYS)))
        different = [text for text in found if text]
        bad += len(different)
        what = "with signals" if with_signals else "without signals"
        print(f"{returns:<8}{what:<17}{len(found)} runs, {len(different)} different", flush=True)
        for text in different[:3]:
            print(text, flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
