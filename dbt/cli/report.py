"""`dbt report`: shows a profile, or compares two."""

from __future__ import annotations

import errno
import json
import os
import sys

import click

from dbt.errors import DbtError, UsageError
from dbt.profiler.exports import EXPORTS

FORMATS = ("text", "json", *EXPORTS)


def _callback(profile: str, other: str | None, format: str, output: str | None) -> None:
    from dbt.profiler import text
    from dbt.profiler.file import load
    from dbt.profiler.model import encoded

    first = load(profile)
    if other is not None:
        if format != "text":
            raise UsageError("two profiles are compared as text only")
        shown = encoded(text.compare(first, load(other)) + "\n")
    elif format in EXPORTS:
        shown = EXPORTS[format](first)
    elif format == "json":
        shown = json.dumps(first.to_dict(), indent=2).encode() + b"\n"
    else:
        shown = encoded(text.report(first) + "\n")
    _write(shown, output)


def _write(shown: bytes, output: str | None) -> None:
    try:
        if output is None and sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        with click.open_file(output or "-", "wb") as file:
            file.write(shown)
    except OSError as error:
        raise DbtError(f"{output or 'standard output'}: {error.strerror}") from None


command = click.Command(
    "report",
    callback=_callback,
    params=[
        click.Argument(["profile"], metavar="FILE"),
        click.Argument(["other"], metavar="[FILE2]", required=False),
        click.Option(["--format"], type=click.Choice(FORMATS), default="text", show_default=True,
                     help="How to show it; docs/profile.md tells which tool reads what."),
        click.Option(["-o", "--output"], metavar="FILE",
                     help="Where to write it, instead of standard output."),
    ],
    short_help="Show a profile, or compare two.",
    help="""Show a profile that `dbt profile` has written; with a second one, compare them.""",
)  # fmt: skip
