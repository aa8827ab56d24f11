"""Runs modules of CPython's test suite natively and translated and compares verdicts per test.

    python -m tests.cpython.run [--mode MODE] [--sample] [--match PATTERN] [NAME...]

A test on which the two runs differ is run again, alone, on both sides. It counts as unsteady, not
as different, when it gives natively all the verdicts that it gave translated. Exit status 0 says
that no test was different.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cpython.modules import INTERPRETER, MODULES, PACKAGE, SUITE, Module
from tests.cpython.verdicts import differing, read, reasons
from tests.guests.command import add_mode, keep, mode_of
from tests.guests.execute import ROOT, run

REPORTS = ROOT / "build" / "cpython"

#: How often a test on which the sides differ is run again on each.
REPEATS = 3

#: How much longer than a module's time a run may take in the slow modes of the engine.
SLOWER = {"nochain": 4, "cap1": 4, "tiny": 20}


@dataclass(frozen=True)
class Run:
    """One run of a module.

    Attributes:
        verdicts: by test id.
        end: how it ended when the suite did not come to its end; else empty.
        wall_s: how long it took, in seconds.
        xml: the suite's report.
        output: what it printed.
    """

    verdicts: dict[str, str]
    end: str
    wall_s: float
    xml: str
    output: str

    def counts(self) -> str:
        """Numbers of passed, failed and skipped tests, for the table."""
        counted = Counter(self.verdicts.values())
        text = " / ".join(str(counted[verdict]) for verdict in ("passed", "failed", "skipped"))
        return f"{text} {self.end}".strip()


@dataclass(frozen=True)
class Difference:
    """A test on which the sides do not agree.

    Attributes:
        name: the test's id, or "the module" when a run did not come to its end.
        native: its verdicts natively, one a run.
        translated: its verdicts translated.
        reason: what the side that failed has said.
    """

    name: str
    native: list[str]
    translated: list[str]
    reason: str = ""

    @property
    def unsteady(self) -> bool:
        """Whether the native runs alone show every verdict that translated ones gave."""
        return set(self.translated) <= set(self.native)


@dataclass(frozen=True)
class Row:
    """One module's result.

    Attributes:
        name: the module's.
        native: its native counts.
        translated: its translated counts.
        tests: how many tests both sides ran, or skipped, with the same verdict.
        native_s: wall time natively, in seconds.
        translated_s: wall time translated, in seconds.
        different: tests whose verdicts differ.
        unsteady: tests that give several verdicts natively.
        expected: tests that differ for a reason in the table.
    """

    name: str
    native: str = ""
    translated: str = ""
    tests: int = 0
    native_s: float = 0.0
    translated_s: float = 0.0
    different: list[Difference] = field(default_factory=list)
    unsteady: list[Difference] = field(default_factory=list)
    expected: list[Difference] = field(default_factory=list)


def missing() -> str:
    """What to install before the suite can run; empty when it is there."""
    there = os.access(INTERPRETER, os.X_OK) and (SUITE / "test_threading.py").exists()
    return "" if there else f"install the Debian package {PACKAGE}"


def run_module(module: Module, mode: str | None, match: Sequence[str] = ()) -> Run:
    """Runs a module's tests once.

    Args:
        module: the row of the table.
        mode: of the engine; None runs it natively.
        match: patterns of the tests to run; none: all.
    """
    with tempfile.TemporaryDirectory(prefix="cpython-", ignore_cleanup_errors=True) as directory:
        report = Path(directory) / "report.xml"
        words = [INTERPRETER, "-m", "test", "-v", "-u", module.resources]
        words += ["--tempdir", directory, "--junit-xml"]
        words += [str(report), *(word for pattern in match for word in ("-m", pattern))]
        words += [*(word for pattern in module.left_out for word in ("-i", pattern)), module.name]
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": directory,
            "TMPDIR": directory,
            "TERM": "dumb",
        }
        timeout_s = module.timeout_s * SLOWER.get(mode or "", 1)
        outcome = run(words, mode=mode, cwd=directory, environment=environment, timeout_s=timeout_s)
        xml = report.read_text() if report.exists() else ""
    output = (outcome.stdout + b"\n" + outcome.stderr).decode(errors="replace")
    end = ""
    if outcome.timed_out:
        end = "timed out"
    elif not xml:
        end = f"ended with status {outcome.status}"
    return Run(read(xml, output), end, outcome.wall_s, xml, output)


def compare(module: Module, mode: str | None, match: Sequence[str] = ()) -> Row:
    """Runs a module both ways and judges what differs.

    Args:
        module: the row of the table.
        mode: of the engine; None runs it natively twice, to try the comparison itself.
        match: patterns of the tests to run; none: all.
    """
    native = run_module(module, None, match)
    translated = run_module(module, mode, match)
    _keep(module.name, native, translated)
    found = []
    if native.end or translated.end:
        said = translated.output[-1500:]
        found.append(Difference("the module", [native.end], [translated.end], said))
    names = differing(native.verdicts, translated.verdicts)
    if not translated.end:
        found += _judge(module, mode, names, native, translated)
    return Row(
        module.name,
        native.counts(),
        translated.counts(),
        len(native.verdicts.keys() & translated.verdicts.keys()) - len(names),
        native.wall_s,
        translated.wall_s,
        [item for item in found if not item.unsteady and item.name not in module.expected],
        [item for item in found if item.unsteady and item.name not in module.expected],
        [item for item in found if item.name in module.expected],
    )


def _judge(
    module: Module, mode: str | None, names: Sequence[str], native: Run, translated: Run
) -> list[Difference]:
    if not names:
        return []
    again: list[list[Run]] = [[native], [translated]]
    for _ in range(REPEATS):
        for side, its_mode in zip(again, (None, mode), strict=True):
            side.append(run_module(module, its_mode, names))
    return [
        Difference(
            name,
            [run.verdicts.get(name, "missing") for run in again[0]],
            [run.verdicts.get(name, "missing") for run in again[1]],
            reason=reasons(translated.xml, translated.output, name)
            or reasons(native.xml, native.output, name),
        )
        for name in names
    ]


def _keep(name: str, native: Run, translated: Run) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    for side, run_ in (("native", native), ("translated", translated)):
        (REPORTS / f"{name}.{side}.log").write_text(run_.output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for, prints a table, and keeps it as JSON.

    Returns:
        0 when all verdicts agree, 1 when some differ, 2 when something is not there.
    """
    options = _parse(arguments)
    if needed := missing():
        print(needed, file=sys.stderr)
        return 2
    unknown = set(options.names) - {module.name for module in MODULES}
    if unknown:
        print(f"no such module: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    chosen = [
        module
        for module in MODULES
        if (not options.names or module.name in options.names)
        and (not options.sample or module.sample)
    ]
    mode = mode_of(options)
    console = Console(width=None if sys.stdout.isatty() else 110)
    rows = []
    for module in chosen:
        row = compare(module, mode, options.match)
        rows.append(row)
        console.print(f"{row.name}: {row.native}, translated {row.translated}", highlight=False)
        for word in ("different", "unsteady", "expected"):
            for item in getattr(row, word):
                _print_difference(console, word, item)
    _print(console, rows, options.mode)
    keep(REPORTS, options.mode, rows)
    different = sum(len(row.different) for row in rows)
    print(f"{sum(row.tests for row in rows)} tests agree, {different} differ")
    return 1 if different else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.cpython.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="modules to run; none: all")
    add_mode(parser, make="cpython")
    parser.add_argument("--sample", action="store_true", help="CI's sample alone")
    parser.add_argument(
        "--match", action="append", default=[], metavar="PATTERN", help="tests to run, not all"
    )
    return parser.parse_args(arguments)


def _print_difference(console: Console, word: str, item: Difference) -> None:
    verdicts = f"{', '.join(item.native)}; translated {', '.join(item.translated)}"
    console.print(f"  {word}: {item.name}: {verdicts}", markup=False, highlight=False)
    if item.reason and word != "expected":
        text = "\n".join(f"      {line}" for line in item.reason.splitlines())
        console.print(text, markup=False, highlight=False)


def _print(console: Console, rows: Sequence[Row], mode: str) -> None:
    table = Table(title=f"CPython's tests, {mode}: passed / failed / skipped")
    table.add_column("module", no_wrap=True)
    for heading in ("native", "translated", "agree", "differ", "native s", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            row.native,
            row.translated,
            str(row.tests),
            f"[red]{len(row.different)}[/red]" if row.different else "0",
            f"{row.native_s:.1f}",
            f"{row.translated_s:.1f}",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
