"""Runs the matrix: each program natively and translated, stdout, stderr and status compared.

    python -m tests.matrix.run [--mode MODE] [--sample] [--size SIZE] [NAME...]

Exit status 0 says that every program asked for was there and gave the same both ways.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.guests.build import BuildError
from tests.guests.command import add_mode, keep, mode_of
from tests.guests.execute import ROOT, Outcome, describe_difference, run, run_native
from tests.matrix.inputs import SCALES
from tests.matrix.program import Context, Program, context, missing
from tests.matrix.programs import PROGRAMS

#: Inputs for the modes that cannot take the full ones in a few minutes.
_SIZES = {"nochain": "small", "cap1": "small", "tiny": "least"}

REPORTS = ROOT / "build" / "matrix"


@dataclass(frozen=True)
class Row:
    """One program's result.

    Attributes:
        name: the program's.
        result: "same", "different", "missing", "refused" (expected, with its reason) or "broken"
            (it does not do natively what the table says).
        detail: what differs, or what to install.
        native_s: user time natively, in seconds.
        translated_s: user time translated, in seconds.
        output_bytes: how much it wrote.
        units: translation units made, over all its processes.
    """

    name: str
    result: str
    detail: str = ""
    native_s: float = 0.0
    translated_s: float = 0.0
    output_bytes: int = 0
    units: int = 0

    @property
    def good(self) -> bool:
        """Whether the row counts as passed."""
        return self.result in ("same", "refused")


def try_program(program: Program, where: Context, mode: str | None) -> Row:
    """Runs one program both ways.

    Args:
        program: the row of the table.
        where: its inputs.
        mode: of the engine; None runs it natively twice, to try the table itself.
    """
    try:
        words = program.command(where)
    except (BuildError, OSError) as error:
        return Row(program.name, "missing", f"install {program.package}: {error}")
    if needed := missing(program, words):
        return Row(program.name, "missing", needed)
    data = (where.directory / program.input_file).read_bytes() if program.input_file else b""
    native = run_native(words, cwd=where.directory, input_bytes=data, timeout_s=120)
    if native.timed_out or native.status != program.status:
        return Row(
            program.name, "broken", f"natively: status {native.status}: {native.stderr[-300:]!r}"
        )
    translated = run(
        words, mode=mode, cwd=where.directory, input_bytes=data, timeout_s=program.timeout_s
    )
    return _row(program, native, translated)


def _row(program: Program, native: Outcome, translated: Outcome) -> Row:
    difference = describe_difference(native, translated)
    result = "different" if difference else "same"
    if program.refused:
        refused = program.refused.encode() in translated.stderr
        result = "refused" if difference and refused else "different"
        difference = difference or "works now: take its refusal out of the table"
    return Row(
        program.name,
        result,
        difference,
        native.user_s,
        translated.user_s,
        len(native.stdout) + len(native.stderr),
        sum(process.statistics.units_translated for process in translated.processes),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for, prints a table, and keeps it as JSON.

    Returns:
        0 when all is the same, 1 when something differs or is missing.
    """
    options = _parse(arguments)
    chosen = [
        program
        for program in PROGRAMS
        if (not options.names or program.name in options.names)
        and (not options.sample or program.sample)
    ]
    unknown = set(options.names) - {program.name for program in PROGRAMS}
    if unknown:
        print(f"no such program: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    size = options.size or _SIZES.get(options.mode, "full")
    where = context(size)
    mode = mode_of(options)
    console = Console(width=None if sys.stdout.isatty() else 110)
    rows = []
    for program in chosen:
        row = try_program(program, where, mode)
        rows.append(row)
        console.print(
            f"{row.name:<24} {row.result:<10} {row.native_s:8.2f} {row.translated_s:8.2f} s",
            highlight=False,
        )
        if not row.good:
            console.print(row.detail, markup=False, highlight=False)
    _print(console, rows, f"{options.mode}, {size} inputs")
    keep(REPORTS, options.mode, rows)
    passed = sum(row.good for row in rows)
    print(f"{passed} passed, {len(rows) - passed} failed")
    return 0 if passed == len(rows) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs to run; none: all")
    add_mode(parser, make="matrix")
    parser.add_argument("--sample", action="store_true", help="CI's quick sample alone")
    parser.add_argument("--size", choices=list(SCALES), help="of the inputs")
    return parser.parse_args(arguments)


def _print(console: Console, rows: Sequence[Row], title: str) -> None:
    table = Table(title=title)
    table.add_column("program", no_wrap=True)
    table.add_column("result")
    for heading in ("bytes", "native s", "translated s", "ratio", "units"):
        table.add_column(heading, justify="right")
    for row in rows:
        ratio = f"{row.translated_s / row.native_s:.2f}" if row.native_s >= 0.05 else ""
        table.add_row(
            row.name,
            row.result if row.good else f"[red]{row.result}[/red]",
            f"{row.output_bytes:,}",
            f"{row.native_s:.2f}",
            f"{row.translated_s:.2f}",
            ratio,
            f"{row.units:,}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
