"""Compares two reports of `python -m bench`, of two versions or two machines.

    python -m bench.compare OLD.json NEW.json

A row's change is that of its ratio to native, which stands for less of the machine than its cost.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Change:
    """One figure in two reports.

    Attributes:
        name: of the row.
        old: in the older report; None where it has none.
        new: in the newer one, likewise.
    """

    name: str
    old: float | None
    new: float | None

    @property
    def percent(self) -> float | None:
        """By how much the newer one is above the older one."""
        return 100 * (self.new / self.old - 1) if self.old and self.new else None


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """The figures of two reports, side by side, in the order of the first.

    Args:
        old: what `bench.run` has kept.
        new: likewise.

    Raises:
        ValueError: they hold different metrics.
    """
    if old["metric"] != new["metric"]:
        raise ValueError(f"{old['metric']} cannot be compared with {new['metric']}")
    sides = [_figures(report) for report in (old, new)]
    names = list(dict.fromkeys(name for side in sides for name in side))
    return [Change(name, sides[0].get(name), sides[1].get(name)) for name in names]


def _figures(report: dict[str, Any]) -> dict[str, float]:
    ratios = {row["name"]: row["ratio"] for row in report["results"] if row["ratio"]}
    cold = {
        f"cold {row['program']}, ticks": row["ticks_per_instruction"] for row in report["cold"]
    }
    start = {"start over native, ms": report["start"]["over_ms"]} if report["start"] else {}
    return {**ratios, **start, **cold}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the comparison.

    Returns:
        0, or 2 when the reports cannot be compared.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.compare")
    parser.add_argument("old", type=Path, help="a report in build/bench")
    parser.add_argument("new", type=Path, help="another")
    options = parser.parse_args(arguments)
    try:
        rows = changes(*(json.loads(path.read_text()) for path in (options.old, options.new)))
    except (OSError, ValueError, KeyError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    table = Table(title="dbt over native: less is better")
    for heading in ("row", "old", "new", "change"):
        table.add_column(heading, justify="left" if heading == "row" else "right")
    for row in rows:
        cells = ("-" if value is None else f"{value:.2f}" for value in (row.old, row.new))
        table.add_row(row.name, *cells, "-" if row.percent is None else f"{row.percent:+.1f}%")
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
