"""The command line: `main` runs the command and turns errors into one line and a status.

One file holds one command. `dbt run` is parsed without click when its options are plain, because
that halves the start of every program; everything else, and every mistake, goes through click.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from dbt.errors import DbtError


def main() -> NoReturn:
    """Runs the command that sys.argv names; ends the process with its exit status."""
    try:
        status = _dispatch(sys.argv[1:])
        if sys.stdout is not None:  # it is None when descriptor 1 was closed
            sys.stdout.flush()
    except DbtError as error:
        if sys.stderr is not None:
            print(f"dbt: {error}", file=sys.stderr)
        status = error.exit_status
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 128 + signal.SIGPIPE
    sys.exit(status)


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["run"]:
        from dbt.cli.run import parse_plain, start

        plain = parse_plain(arguments[1:])
        if plain is not None:
            start(plain)
    from dbt.cli.group import run_click

    return run_click(arguments)
