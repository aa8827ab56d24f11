"""`dbt run`: its options, told once for both parsers, and what it does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from dbt.errors import UsageError
from dbt.tcache.settings import (
    VARIABLES,
    Settings,
    parse_count,
    parse_cpu,
    parse_returns,
    parse_self_check,
    parse_size,
    parse_tsc,
)

if TYPE_CHECKING:
    from dbt.runtime.session import Session
    from dbt.tcache.statistics import ThreadCharge

_CHARGES_SHOWN = 5


class Option(NamedTuple):
    """One option of `dbt run`.

    Attributes:
        spelling: as the user types it.
        field: the Settings field it sets; empty for what concerns the command alone.
        metavar: how the help names its value; empty for a flag.
        parse: turns the value's text into the setting; a flag's turns "" into it.
        help: one line.
    """

    spelling: str
    field: str
    metavar: str
    parse: Callable[[str], Any]
    help: str

    @property
    def environment(self) -> str:
        """The variable that sets the same, or empty."""
        return next((name for name, (field, _) in VARIABLES.items() if field == self.field), "")


def _no(_: str) -> bool:
    return False


OPTIONS = (
    Option("--stats", "", "", bool, "Print what was translated on standard error at the end."),
    Option("--tc-size", "tc_size_bytes", "SIZE", parse_size,
           "Room for translated code, 64K to 1G; the oldest goes when it is full."),
    Option("--tu-cap", "unit_cap", "N", parse_count,
           "Guest instructions in a translation unit, at most."),
    Option("--no-chain", "chain", "", _no, "Do not link translation units."),
    Option("--chain-until", "chain_until", "N", parse_count,
           "Link the first N translation units only, to find one that goes wrong."),
    Option("--cap-after", "cap_after", "N", parse_count,
           "Give all but the first N translation units one instruction each, likewise."),
    Option("--returns", "returns", "WAY", parse_returns,
           "How returns go on: auto, table (exact below the stack), or paired (large programs)."),
    Option("--cpu", "cpu", "NAME", parse_cpu,
           "The processor that the program sees: host, or x86-64-v2 (no AVX)."),
    Option("--self-check", "self_check", "WHICH", parse_self_check,
           "Units that compare their source at entry: auto (often written pages), always, never."),
    Option("--tsc", "tsc", "WAY", parse_tsc,
           "How rdtsc and rdtscp are carried out: native, or callout (by the VMM, to measure it)."),
    Option("--translation-budget", "translation_budget", "N", parse_count,
           "End a process that has more than N guest instructions translated (0: none)."),
    Option("--die-with-parent", "", "", bool,
           "Kill the program when the process that started dbt dies."),
    Option("--no-follow", "follow", "", _no,
           "Let programs that the program starts run untranslated."),
)  # fmt: skip


class Request(NamedTuple):
    """A parsed `dbt run` command line.

    Attributes:
        settings: for the translator.
        stats: whether statistics are printed at the end.
        command: the program and its arguments.
        die_with_parent: whether the program is killed when dbt's parent dies.
    """

    settings: Settings
    stats: bool
    command: tuple[str, ...]
    die_with_parent: bool = False


def settings_with(values: Mapping[str, Any]) -> Settings:
    """The settings that variables of the environment make, with the options' values over them.

    Raises:
        UsageError: a variable's value is wrong; the message names it.
    """
    return Settings.from_environment()._replace(**values)


def parse_plain(words: Sequence[str]) -> Request | None:
    """Parses the options when all are spelled out and well-formed; None leaves it to click.

    Args:
        words: the command line after `dbt run`.
    """
    by_spelling = {option.spelling: option for option in OPTIONS}
    values: dict[str, Any] = {}
    flags: set[str] = set()
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        spelling, equals, text = word.partition("=")
        option = by_spelling.get(spelling)
        if option is None or (equals and not option.metavar):
            return None
        if option.metavar and not equals:
            if not rest:
                return None
            text = rest.pop(0)
        try:
            value = option.parse(text)
        except UsageError:
            return None
        if option.field:
            values[option.field] = value
        else:
            flags.add(spelling)
    if not rest:
        return None
    return Request(
        settings_with(values), "--stats" in flags, tuple(rest), "--die-with-parent" in flags
    )


def start(request: Request) -> NoReturn:
    """Starts the program; this process becomes it, or ends as it does.

    Raises:
        DbtError: it could not be started.
    """
    from dbt.runtime.launch import die_with, end_like, replace_process, resolve, supervise
    from dbt.runtime.session import Session

    parent = 0
    if request.die_with_parent:
        parent = os.getpid() if request.stats else os.getppid()
    program = resolve(request.command)
    session = Session(request.settings, die_with=parent)
    if request.stats and request.die_with_parent:
        die_with(os.getppid())
    if not request.stats:
        replace_process(program, session)
    status = supervise(program, session)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if sys.stderr is not None:  # it is None when descriptor 2 was closed
        print(report(session), file=sys.stderr)
    end_like(status)


def report(session: Session) -> str:
    """A session's statistics for the user: the sum, then a line for each process if several."""
    processes = session.processes()
    count = f"{len(processes)} process" + ("" if len(processes) == 1 else "es")
    lines = [f"dbt: {count}", session.statistics().summary()]
    if len(processes) > 1:
        lines += [
            f"  {process.pid:>7} {process.name:<16}"
            f"{process.statistics.units_translated:>9,} units"
            f"{process.statistics.guest_instructions_translated:>11,} instructions"
            for process in processes
        ]
    lines += _charges([charge for process in processes for charge in process.threads])
    return "\n".join(lines)


def _charges(charges: list[ThreadCharge]) -> list[str]:
    """Which threads the translator has worked for most, where there are several."""
    cycles = sum(charge.cycles for charge in charges)
    if len(charges) < 2 or not cycles:
        return []
    most = sorted(charges, key=lambda charge: -charge.cycles)[:_CHARGES_SHOWN]
    return [
        f"  thread {charge.tid:>7}: {100 * charge.cycles / cycles:5.1f}% of the time translating,"
        f" {charge.guest_instructions:,} instructions, {charge.units_invalidated:,} units made void"
        for charge in most
    ]
