"""`dbt top`: the live view of a program that runs already."""

from __future__ import annotations

import click


def _callback(pid: int) -> None:
    from dbt.profiler.stage import watch_process

    watch_process(pid)


command = click.Command(
    "top",
    callback=_callback,
    params=[click.Argument(["pid"], type=click.IntRange(1), metavar="PID")],
    short_help="Watch a translated program while it runs.",
    help="""Watch a translated program while it runs: hit rate, dispatches, occupancy, threads.

    PID is that of the program or of the dbt that started it. A program that was started by `dbt
    profile` is sampled: then the hottest translation units are shown with their listings, too.
    """,
)
