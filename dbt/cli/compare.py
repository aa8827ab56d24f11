"""`dbt compare`: a program translated against a reference, to the first differing instruction."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from dbt.errors import UsageError

_PROGRESS_S = 0.5


class _Progress:
    """A line on the terminal that says how far the comparison is; nothing elsewhere."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._started = self._last = time.monotonic()
        self._has_line = False

    def __call__(self, instructions: int) -> None:
        now = time.monotonic()
        if not self._is_shown or now - self._last < _PROGRESS_S:
            return
        self._last = now
        rate = instructions / (now - self._started) / 1e6
        click.echo(f"\r{instructions:,} instructions, {rate:.1f} M/s\x1b[K", nl=False, err=True)
        self._has_line = True

    def end(self) -> None:
        """Clears the line."""
        if self._has_line:
            click.echo("\r\x1b[K", nl=False, err=True)


@click.command(
    "compare",
    short_help="Run a program, checked against a reference.",
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--oracle",
    type=click.Choice(["unicorn", "hardware"]),
    default="unicorn",
    help="The reference: the Unicorn emulator, or the bare processor.  [default: unicorn]",
)
@click.option(
    "--replay",
    "replay_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Run a case that an earlier comparison saved, alone.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where the case of a difference is saved.  [default: dbt-replay.json]",
)
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="PROGRAM [ARGUMENTS]...")
def command(
    oracle: str, replay_path: Path | None, save: Path | None, program: tuple[str, ...]
) -> int:
    """Run a program translated, and the same on a reference; stop at the first difference.

    The program runs once, with real system calls; their effects are copied into the reference. The
    exit status is 0 when both were equal to the end, and 1 when they differed.
    """
    if (replay_path is None) != bool(program):
        raise click.UsageError("name a PROGRAM, or give --replay FILE")
    from dbt.reference.compare import compare, replay

    if replay_path is not None:
        verdict = replay(replay_path)
        click.echo(str(verdict), err=True)
        return 0 if verdict.equal else 1
    progress = _Progress()
    try:
        verdict = compare(program, oracle=oracle, progress=progress)
    finally:
        progress.end()
    click.echo(f"dbt: {verdict}", err=True)
    if verdict.equal:
        return 0
    path = save or Path("dbt-replay.json")
    try:
        path.write_bytes(verdict.replay)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    click.echo(f"dbt: the case was saved; run it alone by: dbt compare --replay {path}", err=True)
    return 1
