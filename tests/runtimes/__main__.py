"""Runs programs with threads, or compilers of their own, several times natively and translated.

    python -m tests.runtimes [--mode MODE] [--runs N] [NAME...]

Exit status 0 says that every run gave the native output and status.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.guests.command import add_mode
from tests.guests.execute import describe_difference, run, run_native
from tests.runtimes.programs import PROGRAMS, Missing


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for and prints a line for each run.

    Returns:
        0 when all is the same, 1 when something differs or is missing.
    """
    names = [program.name for program in PROGRAMS]
    parser = argparse.ArgumentParser(prog="python -m tests.runtimes", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    add_mode(parser)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each (default 5)")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(names):
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    bad = 0
    for program in PROGRAMS:
        if options.names and program.name not in options.names:
            continue
        try:
            words = program.words()
        except Missing as missing:
            print(f"{program.name:<18}missing   {missing}")
            bad += 1
            continue
        native = run_native(words, timeout_s=120)
        for _ in range(options.runs):
            translated = run(words, mode=options.mode, timeout_s=300)
            difference = describe_difference(native, translated)
            bad += bool(difference)
            print(
                f"{program.name:<18}{'different' if difference else 'same':<10}"
                f"{native.wall_s:7.2f}{translated.wall_s:7.2f} s",
                flush=True,
            )
            if difference:
                print(difference, flush=True)
    print("all the same" if not bad else f"{bad} not the same")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
