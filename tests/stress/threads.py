"""Runs 64 threads that translate, evict, rewrite code and invalidate, and compares their sums.

    python -m tests.stress.threads [--seconds S]

Each way gets its share of the time: returns by table and paired in the smallest cache, with and
without signals that keep arriving; threads that rewrite code, with every way of noticing it. Exit
status 0 says that every run gave the native output.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbt.tcache.settings import KIB
from tests.guests.build import build
from tests.guests.execute import describe_difference, run, run_native


@dataclass(frozen=True)
class Way:
    """One guest with 64 threads, and how it is translated.

    Attributes:
        label: of its line.
        guest: its name; the source is in guests/.
        arguments: of the guest.
        settings: fields of dbt.tcache.settings.Settings.
    """

    label: str
    guest: str
    arguments: tuple[str, ...]
    settings: Mapping[str, Any]

    def command(self) -> list[str]:
        """The guest's command line."""
        program = build(self.guest, f"{self.guest}.c", "pie", ("-pthread",))
        return [str(program), *self.arguments]


_TINY = {"tc_size_bytes": 64 * KIB}
WAYS = (
    *(
        Way(f"{returns}, signals" if more else returns, "threads_stress", ("20", *more),
            {**_TINY, "returns": returns})
        for more in ((), ("signals",))
        for returns in ("table", "paired")
    ),
    *(
        Way(f"rewriting, {label}", "threads_rewrite", ("300",), settings)
        for label, settings in (
            ("roomy", {}),
            ("tiny", _TINY),
            ("tiny, paired", {**_TINY, "returns": "paired"}),
            ("write-protected", {"self_check": "never"}),
            ("self-checking", {**_TINY, "self_check": "always"}),
        )
    ),
)  # fmt: skip


def differences(way: Way, seconds: float) -> Iterator[str]:
    """Runs one way again and again; yields for each run what differs from the native one.

    Args:
        way: what is run, and how.
        seconds: how long; there is at least one run.
    """
    words = way.command()
    native = run_native(words)
    end = time.monotonic() + seconds
    while True:
        translated = run(words, mode="default", settings=way.settings, timeout_s=120)
        yield describe_difference(native, translated)
        if time.monotonic() > end:
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all ways and prints a line for each.

    Returns:
        0 when every run was the same, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.stress.threads", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, metavar="S", help="in all")
    options = parser.parse_args(arguments)
    bad = 0
    for way in WAYS:
        found = list(differences(way, options.seconds / len(WAYS)))
        different = [text for text in found if text]
        bad += len(different)
        print(f"{way.label:<28}{len(found)} runs, {len(different)} different", flush=True)
        for text in different[:3]:
            print(text, flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
