"""`make fuzz`: random programs on all sides until the time is up; status 1 when some differ."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.explore import Findings, search, sweep
from tests.fuzz.sides import Sides

_EXAMPLES = 400
_SWEEPS, _SWEEP_EVERY = 4, 24


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--no-unicorn", action="store_true", help="the processor alone")
    return parser.parse_args()


def main() -> int:
    """Fuzzes; answers the exit status."""
    given = _arguments()
    seed = given.seed or time.time_ns() % 1_000_000_000
    end = time.monotonic() + given.seconds
    unicorn = not given.no_unicorn
    print(f"fuzz: seed {seed}, {given.seconds:g} s", flush=True)
    findings = Findings()
    turn = shown = 0
    with Sides(unicorn=unicorn) as sides:
        while time.monotonic() < end:
            if turn < _SWEEPS or turn % _SWEEP_EVERY == 0:
                sweep(sides, findings, seed + turn, unicorn)
            search(sides, findings, seed + turn, _EXAMPLES, unicorn=unicorn and turn % 3 == 0)
            for case in findings.failures[shown:]:
                print(f"\nfuzz: seed {seed}, turn {turn}: {case.why}\n{case}", flush=True)
            shown = len(findings.failures)
            turn += 1
        print(f"fuzz: {sides.programs:,} programs, {sides.instructions:,} instructions", end="")
    print(f", {shown} differences\n{findings.coverage()}")
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main())
