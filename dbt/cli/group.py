"""The click side of the command line: the group of commands, each imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from dbt._version import VERSION
from dbt.errors import UsageError

# Command name to the module that holds it, as attribute `command`.
COMMANDS = {
    "compare": "dbt.cli.compare",
    "run": "dbt.cli.run_command",
    "profile": "dbt.cli.profile",
    "report": "dbt.cli.report",
    "top": "dbt.cli.top",
    "translate": "dbt.cli.translate",
    "bisect": "dbt.cli.bisect",
}

_HELP = """Run x86-64 Linux programs by dynamic binary translation.

\b
  dbt run PROGRAM ARGUMENTS…      run a program, translated
  dbt compare PROGRAM ARGUMENTS…  the same, checked against a reference
  dbt profile PROGRAM ARGUMENTS…  the same, with figures of the cache and where time goes
  dbt top PID                     watch a program that runs
  dbt report PROFILE              show a profile again, in other formats too
  dbt translate FILE --at SYMBOL  show guest code and the code emitted for it
  dbt bisect PROGRAM ARGUMENTS…   find the translation unit from which on a program goes wrong

The program behaves as it would without dbt: same output, same exit status, same signals.
"""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command


@click.group(cls=_LazyGroup, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, "-V", "--version", prog_name="dbt", message="%(prog)s %(version)s")
def group() -> None:
    """The command `dbt` itself; its help is _HELP."""


def run_click(arguments: list[str]) -> int:
    """Parses and runs a command line.

    Args:
        arguments: the words after `dbt`.

    Returns:
        The exit status of the command.

    Raises:
        UsageError: the command line is wrong.
        KeyboardInterrupt: the user broke the command off.
    """
    try:
        result = group.main(arguments, prog_name="dbt", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return UsageError.exit_status
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "dbt"
        message = error.format_message().rstrip(".")
        raise UsageError(f"{message[:1].lower()}{message[1:]} (see {path} --help)") from None
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0
