"""`dbt profile`: runs a program, prints a summary at its end and writes a profile."""

from __future__ import annotations

import os
import signal
import sys

import click

from dbt.cli.run import OPTIONS
from dbt.cli.run_command import parameter, settings_of
from dbt.profiler.run import INTERVAL_US

DEFAULT_FILE = "dbt-profile.json"
_INTERVAL_MOST_US = 1_000_000
# Options of `dbt run` that are no settings of the translator have no meaning here.
_SHARED = tuple(option for option in OPTIONS if option.field)


def _callback(
    command: tuple[str, ...], output: str, exact: bool, live: bool, interval: int, **given: object
) -> None:
    from dbt.errors import DbtError
    from dbt.profiler.file import save
    from dbt.profiler.run import profile_supervised
    from dbt.profiler.text import summary
    from dbt.runtime.launch import end_like, resolve
    from dbt.runtime.session import Session

    program = resolve(command)
    session = Session(settings_of(given, _SHARED), sample_interval_us=interval, counts=exact)
    # A terminal that goes away takes the program with it; its profile is written all the same.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: None)
    if live:
        from dbt.profiler.stage import profile_live

        found, status = profile_live(program, command, session)
    else:
        found, status = profile_supervised(program, command, session)
    lines = [summary(found)]
    try:
        save(found, output)
        lines.append(f"  written to {output}; `dbt report {output}` shows more")
    except DbtError as error:
        lines.append(f"dbt: {error}")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.stderr is not None:
        try:
            print("\n".join(lines), file=sys.stderr, flush=True)
        except OSError:
            # Nobody can be told; the program's result stays what it is.
            os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stderr.fileno())
    end_like(status)


command = click.Command(
    "profile",
    callback=_callback,
    params=[
        click.Option(["-o", "--output"], metavar="FILE", default=DEFAULT_FILE, show_default=True,
                     help="Where the profile is written."),
        click.Option(["--exact"], is_flag=True,
                     help="Count every execution of every unit, instead of sampling alone."),
        click.Option(["--live"], is_flag=True,
                     help="Show a view of it on the terminal while it runs; q leaves the view."),
        click.Option(["--interval"], type=click.IntRange(100, _INTERVAL_MOST_US),
                     metavar="US", default=INTERVAL_US, show_default=True,
                     help="Processor time between samples of a thread, in microseconds."),
        *map(parameter, _SHARED),
        click.Argument(["command"], nargs=-1, required=True, type=click.UNPROCESSED,
                       metavar="PROGRAM [ARGUMENTS]..."),
    ],
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False},
    short_help="Run a program and profile the translation cache.",
    help="""Run a program, translated, and tell what the translation cache did and where time went.

    The program behaves as under `dbt run`; its exit status becomes that of dbt. At its end a
    summary goes to standard error, and the profile to a file that `dbt report` reads.
    docs/profile.md defines every figure.
    """,
)  # fmt: skip
