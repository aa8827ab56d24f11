"""Servers under load, natively and translated in alternation: rates, ratios, right answers.

    python -m tests.servers.run [--rounds N] [--seconds S] [--ratio R] [NAME...]

A native and a translated server run side by side; each load goes to one, then to the other, and the
ratio is the median over the rounds. The first round warms both up and does not count. Exit status 0
says that every answer was right, every server ended well, and no ratio was too small.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.servers.base import Complaint, Load, Rate, Server, running
from tests.servers.nginx import Nginx, NginxWorkers
from tests.servers.postgres import Postgres
from tests.servers.python_http import PythonHttp
from tests.servers.redis import Redis

SERVERS: tuple[type[Server], ...] = (Redis, Postgres, Nginx, NginxWorkers, PythonHttp)


@dataclass(frozen=True)
class Row:
    """One load on one server.

    Attributes:
        load: its name.
        native: requests a second, median.
        translated: likewise.
        ratio: translated over native, median of the rounds.
        cpu_ratio: processor time of the server for a request, native over translated: what the
            ratio would be if nothing but the server took time.
    """

    load: str
    native: float
    translated: float
    ratio: float
    cpu_ratio: float


@dataclass(frozen=True)
class Report:
    """One server's result.

    Attributes:
        name: the server's.
        rows: a row for each load.
        problem: what went wrong, or empty.
    """

    name: str
    rows: tuple[Row, ...]
    problem: str = ""


@dataclass(frozen=True)
class _Sample:
    rate: Rate
    cpu_s: float

    @property
    def cpu_a_request(self) -> float:
        return self.cpu_s / max(self.rate.requests, 1)


def _take(server: Server, load: Load, seconds: float) -> _Sample:
    before = server.cpu_s()
    rate = load.run(seconds)
    return _Sample(rate, server.cpu_s() - before)


def try_server(kind: type[Server], rounds: int, seconds: float) -> Report:
    """Loads one server both ways, verifies its data, and stops it.

    Args:
        kind: which server.
        rounds: how often each load is put on; one more comes first, to warm up.
        seconds: of each load, about.
    """
    if missing := kind.missing():
        return Report(kind.name, (), missing)
    rows: list[Row] = []
    try:
        with ExitStack() as stack:
            pair = [stack.enter_context(running(kind, translated)) for translated in (False, True)]
            taken: dict[str, list[tuple[_Sample, _Sample]]] = {}
            for number in range(rounds + 1):
                for loads in zip(*(server.loads() for server in pair), strict=True):
                    samples = [
                        _take(server, load, seconds)
                        for server, load in zip(pair, loads, strict=True)
                    ]
                    if number or not rounds:
                        taken.setdefault(loads[0].name, []).append((samples[0], samples[1]))
            rows = [_row(name, samples) for name, samples in taken.items()]
            for server, way in zip(pair, ("natively", "translated"), strict=True):
                try:
                    server.verify()
                    server.stop()
                    server.verify_stopped()
                except Complaint as complaint:
                    return Report(kind.name, tuple(rows), f"{way}: {complaint}")
    except Complaint as complaint:
        return Report(kind.name, tuple(rows), str(complaint))
    return Report(kind.name, tuple(rows))


def _row(load: str, samples: Sequence[tuple[_Sample, _Sample]]) -> Row:
    median = statistics.median
    return Row(
        load,
        median(native.rate.per_second for native, _ in samples),
        median(translated.rate.per_second for _, translated in samples),
        median(
            translated.rate.per_second / native.rate.per_second for native, translated in samples
        ),
        median(
            native.cpu_a_request / max(translated.cpu_a_request, 1e-9)
            for native, translated in samples
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for and prints a table.

    Returns:
        0 when all is right, 1 when not, 2 when there is no such server.
    """
    options = _parse(arguments)
    unknown = [name for name in options.names if not any(name in kind.name for kind in SERVERS)]
    if unknown:
        print(f"no such server: {', '.join(unknown)}", file=sys.stderr)
        return 2
    chosen = [
        kind
        for kind in SERVERS
        if not options.names or any(name in kind.name for name in options.names)
    ]
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title=f"median of {options.rounds} rounds of {options.seconds:g} s")
    for heading in ("server", "load", "native/s", "translated/s", "ratio", "by processor time"):
        table.add_column(heading, justify="left" if heading in ("server", "load") else "right")
    failures = []
    for kind in chosen:
        report = try_server(kind, options.rounds, options.seconds)
        console.print(f"{report.name}: {report.problem or 'right'}", markup=False, highlight=False)
        if report.problem:
            failures.append(report.name)
        for row in report.rows:
            slow = row.ratio < options.ratio
            if slow:
                failures.append(f"{report.name}, {row.load}")
            table.add_row(
                report.name,
                row.load,
                f"{row.native:,.0f}",
                f"{row.translated:,.0f}",
                f"[red]{row.ratio:.2f}[/red]" if slow else f"{row.ratio:.2f}",
                f"{row.cpu_ratio:.2f}",
            )
    console.print(table)
    for failure in failures:
        print(f"failed: {failure}")
    return 1 if failures else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names; none: all")
    parser.add_argument("--rounds", type=int, default=5, help="that count (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load (default 2)")
    parser.add_argument(
        "--ratio", type=float, default=0.6, help="of rates, at least (default 0.6; 0: any)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
