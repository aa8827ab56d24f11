"""`dbt report`: shows a profile, or compares two."""

from __future__ import annotations

import json

import click

from dbt.errors import UsageError

FORMATS = ("text", "json")


def _callback(profile: str, other: str | None, format: str) -> None:
    from dbt.profiler import text
    from dbt.profiler.file import load

    first = load(profile)
    if other is not None:
        if format != "text":
            raise UsageError("two profiles are compared as text only")
        click.echo(text.compare(first, load(other)))
        return
    if format == "json":
        click.echo(json.dumps(first.to_dict(), indent=2))
    else:
        click.echo(text.report(first))


command = click.Command(
    "report",
    callback=_callback,
    params=[
        click.Argument(["profile"], metavar="FILE"),
        click.Argument(["other"], metavar="[FILE2]", required=False),
        click.Option(["--format"], type=click.Choice(FORMATS), default="text", show_default=True,
                     help="How to show it."),
    ],
    short_help="Show a profile, or compare two.",
    help="""Show a profile that `dbt profile` has written; with a second one, compare them.""",
)  # fmt: skip
