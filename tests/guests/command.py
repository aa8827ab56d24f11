"""What the command lines of `python -m tests.…` have in common: the mode, and the report."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.guests.execute import MODES

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def add_mode(parser: argparse.ArgumentParser, make: str = "") -> None:
    """Adds --mode, which is $MODE when not given.

    Args:
        parser: of the command line.
        make: the target of the Makefile that passes MODE on; such a command takes "native" too.
    """
    works = f", so that `make {make} MODE=tiny` works" if make else ""
    parser.add_argument(
        "--mode",
        default=os.environ.get("MODE", "default"),
        choices=[*MODES, "native"] if make else list(MODES),
        help=f"of the engine (default: $MODE{works})",
    )


def mode_of(options: argparse.Namespace) -> str | None:
    """The mode that was asked for, as tests.guests.execute.run takes it."""
    return None if options.mode == "native" else str(options.mode)


def keep(directory: Path, mode: str, rows: Sequence[DataclassInstance]) -> None:
    """Writes the rows of a run to the directory's file for the mode."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{mode}.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
