"""Runs the stressors of stressors.txt, natively and translated, and compares the verdicts.

    python -m tests.stress [--mode MODE] [--instances N] [NAME or TOPIC...]

Exit status 0 says that every stressor gave the same verdict both ways.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.guests.command import add_mode
from tests.stress.stressors import PROGRAM, STATUS_NOT_HERE, compare, read_table, try_stressor


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for and prints a line for each.

    Returns:
        0 when all verdicts are the same, 1 when one differs, 2 for a wrong command line.
    """
    table = read_table()
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="stressors or topics; none: all")
    add_mode(parser)
    parser.add_argument("--instances", type=int, default=2, metavar="N", help="of each (default 2)")
    options = parser.parse_args(arguments)
    known = {stressor.name for stressor in table} | {stressor.topic for stressor in table}
    if unknown := set(options.names) - known:
        parser.error(f"no such stressor or topic: {', '.join(sorted(unknown))}")
    if PROGRAM is None:
        parser.error("stress-ng is not installed")
    counts = {"same": 0, "different": 0, "not here": 0}
    for stressor in table:
        if options.names and not {stressor.name, stressor.topic} & set(options.names):
            continue
        native = try_stressor(stressor, options.instances, None)
        if native.status in STATUS_NOT_HERE or native.operations < stressor.least:
            result, detail, translated_s = "not here", "", 0.0
        else:
            translated = try_stressor(stressor, options.instances, options.mode)
            detail, translated_s = compare(stressor, native, translated), translated.wall_s
            result = "different" if detail else "same"
        counts[result] += 1
        print(
            f"{stressor.topic:<9}{stressor.name:<16}{result:<10}{native.wall_s:7.2f}"
            f"{translated_s:7.2f} s",
            flush=True,
        )
        if detail:
            print("    " + detail.replace("\n", "\n    "), flush=True)
    print(f"{counts['same']} same, {counts['different']} different, {counts['not here']} not here")
    return 1 if counts["different"] or not counts["same"] else 0


if __name__ == "__main__":
    sys.exit(main())
