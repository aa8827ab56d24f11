"""`dbt compare`: a program translated against a reference, to the first differing instruction."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from dbt.errors import UsageError
from dbt.tcache.settings import parse_count

_PROGRESS_S = 0.5


def _code(hex_bytes: str | None, flat: Path | None) -> bytes:
    """The bytes of a bare guest."""
    try:
        code = bytes.fromhex(hex_bytes) if hex_bytes is not None else (flat or Path()).read_bytes()
    except ValueError:
        raise UsageError(f"{hex_bytes!r} is not hexadecimal") from None
    except OSError as error:
        raise UsageError(f"{flat}: {error.strerror}") from None
    if not code:
        raise UsageError("there is no code to compare")
    return code


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
    "--every",
    default="tu",
    metavar="tu|N|syscall|instruction",
    help="What lies between two states that are compared: a translation unit, N of them, a system "
    "call or an instruction.  [default: tu]",
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
@click.option("--hex", "hex_bytes", metavar="BYTES", help="Compare these bytes, as a bare guest.")
@click.option(
    "--flat",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare the code of a flat file, as a bare guest.",
)
@click.option("--pc", metavar="ADDRESS", help="Guest address of a bare guest.  [default: 0x401000]")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="PROGRAM [ARGUMENTS]...")
def command(
    oracle: str,
    every: str,
    replay_path: Path | None,
    save: Path | None,
    hex_bytes: str | None,
    flat: Path | None,
    pc: str | None,
    program: tuple[str, ...],
) -> int:
    """Run a program translated, and the same on a reference; stop at the first difference.

    The program runs once, with real system calls; their effects are copied into the reference. The
    exit status is 0 when both were equal to the end, and 1 when they differed.
    """
    ways = (replay_path is not None, hex_bytes is not None, flat is not None, bool(program))
    if sum(ways) != 1:
        raise click.UsageError("name a PROGRAM, or give one of --replay, --hex and --flat")
    from dbt.reference.compare import compare, compare_code, replay

    if replay_path is not None:
        verdict = replay(replay_path)
        click.echo(str(verdict), err=True)
        return 0 if verdict.equal else 1
    if program:
        progress = _Progress()
        try:
            verdict = compare(
                program,
                oracle=oracle,
                every=parse_count(every) if every.isdigit() else every,
                progress=progress,
            )
        finally:
            progress.end()
    else:
        address = 0x401000 if pc is None else parse_count(pc)
        verdict = compare_code(_code(hex_bytes, flat), pc=address, oracle=oracle)
    click.echo(f"dbt: {verdict}", err=True)
    if verdict.equal:
        return 0
    if not verdict.replay:
        return 1
    path = save or Path("dbt-replay.json")
    try:
        path.write_bytes(verdict.replay)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    click.echo(f"dbt: the case was saved; run it alone by: dbt compare --replay {path}", err=True)
    return 1
