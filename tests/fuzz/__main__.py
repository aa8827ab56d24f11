"""`make fuzz`: random programs on all sides until the time is up; status 1 when some differ."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import c_programs
from tests.fuzz.explore import Findings, search, sweep
from tests.fuzz.sides import Sides

_EXAMPLES = 200
_SWEEPS, _SWEEP_EVERY = 4, 24
_C_EACH = 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--no-unicorn", action="store_true", help="the processor alone")
    return parser.parse_args()


def _c_programs(seed: int, failures: list[c_programs.Difference]) -> int:
    """A few programs by csmith; answers how many ended in time natively."""
    count = 0
    for number in range(seed * _C_EACH, (seed + 1) * _C_EACH):
        ended, found = c_programs.check(number)
        count += ended
        if found is not None:
            failures.append(found)
            path = Path(f"dbt-fuzz-{found.seed}.c")
            path.write_text(found.source)
            print(f"\nfuzz: csmith {found.seed}, {found.level}, {path}: {found.why}", flush=True)
    return count


def main() -> int:
    """Fuzzes; answers the exit status."""
    given = _arguments()
    seed = given.seed or time.time_ns() % 1_000_000_000
    end = time.monotonic() + given.seconds
    unicorn = not given.no_unicorn
    print(f"fuzz: seed {seed}, {given.seconds:g} s", flush=True)
    findings = Findings()
    turn = shown = c_count = 0
    has_csmith = c_programs.is_there()
    c_failures: list[c_programs.Difference] = []
    with Sides(unicorn=unicorn) as sides:
        while time.monotonic() < end:
            if turn < _SWEEPS or turn % _SWEEP_EVERY == 0:
                sweep(sides, findings, seed + turn, unicorn=unicorn, end_s=end)
            search(sides, findings, seed + turn, _EXAMPLES, unicorn=unicorn and turn % 3 == 0)
            c_count += _c_programs(seed + turn, c_failures) if has_csmith else 0
            for case in findings.failures[shown:]:
                print(f"\nfuzz: seed {seed}, turn {turn}: {case.why}\n{case}", flush=True)
            shown = len(findings.failures)
            turn += 1
        print(f"fuzz: {sides.programs:,} programs, {sides.instructions:,} instructions", end="")
    print(f", {c_count} C programs", end="" if has_csmith else " (csmith is not installed)")
    print(f", {shown + len(c_failures)} differences\n{findings.coverage()}")
    return 1 if shown or c_failures else 0


if __name__ == "__main__":
    sys.exit(main())
