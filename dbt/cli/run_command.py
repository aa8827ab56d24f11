"""`dbt run` for click: help, and a proper message for every mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from dbt.cli.run import OPTIONS, Option, Request, settings_with, start
from dbt.errors import UsageError
from dbt.tcache.settings import Settings


class _Value(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.2
    """A value whose parser is an Option's own."""

    def __init__(self, option: Option) -> None:
        self.name = option.metavar.lower()
        self._parse = option.parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(value) if isinstance(value, str) else value
        except UsageError as error:
            self.fail(str(error), param, ctx)


def parameter(option: Option) -> click.Option:
    """An option of `dbt run` for click."""
    text = option.help + (f"  [env: {option.environment}]" if option.environment else "")
    if option.metavar:
        return click.Option(
            [option.spelling], type=_Value(option), metavar=option.metavar, help=text
        )
    return click.Option([option.spelling], is_flag=True, help=text)


def settings_of(given: Mapping[str, Any], options: Sequence[Option] = OPTIONS) -> Settings:
    """The settings that click's values for options make.

    Args:
        given: values by the name that click makes of an option's spelling.
        options: those that are among them.
    """
    values: dict[str, Any] = {}
    for option in options:
        value = given[option.spelling.lstrip("-").replace("-", "_")]
        if option.field and value not in (None, False):
            values[option.field] = value if option.metavar else option.parse("")
    return settings_with(values)


def _callback(command: tuple[str, ...], **given: Any) -> None:
    start(Request(settings_of(given), given["stats"], command, given["die_with_parent"]))


command = click.Command(
    "run",
    callback=_callback,
    params=[
        *map(parameter, OPTIONS),
        click.Argument(["command"], nargs=-1, required=True, type=click.UNPROCESSED,
                       metavar="PROGRAM [ARGUMENTS]..."),
    ],
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False},
    short_help="Run a program, translated.",
    help="""Run a program, translated.

    PROGRAM is searched for as a shell does; options after it are its own. It keeps this process's
    pid, terminal and signals, and its exit status becomes that of dbt: 126 when the program cannot
    be executed, 127 when there is none.
    """,
)  # fmt: skip
