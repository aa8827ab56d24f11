"""`dbt translate`: guest code, IR class and emitted code side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dbt.errors import UsageError

if TYPE_CHECKING:
    from dbt.translator.listing import Listing

_DEFAULT_PC = 0x401000


def _address(text: str) -> int | None:
    """A number in decimal or with 0x, or None when the text is a symbol."""
    try:
        return int(text, 0)
    except ValueError:
        return None


@click.command("translate", short_help="Show guest code and the code emitted for it.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--at", metavar="SYMBOL|ADDRESS", help="Where to begin; default: the entry point.")
@click.option(
    "--hex", "hex_bytes", metavar="BYTES", help="Translate these bytes instead of a file."
)
@click.option(
    "--pc", metavar="ADDRESS", help="Guest address of the --hex bytes.  [default: 0x401000]"
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of units instead.")
def command(
    file: Path | None, at: str | None, hex_bytes: str | None, pc: str | None, as_json: bool
) -> None:
    """Show guest code, the class of each instruction and the emitted code, side by side.

    FILE is an ELF program or library. Exits from the code shown are labelled by where they lead.
    """
    if (file is None) == (hex_bytes is None):
        raise click.UsageError("name a FILE or give --hex BYTES")
    if file is None:
        if at is not None:
            raise click.UsageError("--at needs a FILE; with --hex the address is --pc")
        code, address = _bytes(hex_bytes or ""), _pc(pc)
        from dbt.translator import listing

        _show(listing.of_bytes(code, address), as_json)
        return
    if pc is not None:
        raise click.UsageError("--pc goes with --hex")
    from dbt.translator import listing

    where: int | str | None = at
    if at is not None and _address(at) is not None:
        where = _address(at)
    _show(listing.of_file(file, where), as_json)


def _show(shown: Listing, as_json: bool) -> None:
    click.echo(shown.to_json() if as_json else shown)


def _bytes(text: str) -> bytes:
    try:
        code = bytes.fromhex(text.replace(",", " ").replace("0x", ""))
    except ValueError:
        raise UsageError(f"{text!r} is not hexadecimal") from None
    if not code:
        raise UsageError("there are no bytes to translate")
    return code


def _pc(text: str | None) -> int:
    pc = _DEFAULT_PC if text is None else _address(text)
    if pc is None or not 0 <= pc < 1 << 64:
        raise UsageError(f"{text!r} is no address")
    return pc
