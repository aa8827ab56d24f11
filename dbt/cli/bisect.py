"""`dbt bisect`: finds the translation unit from which on a program goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import click

from dbt.errors import DbtError, UsageError
from dbt.reference.personality import without_randomization
from dbt.tcache.settings import CHAIN_ALL, Settings


class Outcome(NamedTuple):
    """What two runs are compared by: exit status (or minus the signal) and standard output.

    A run that took too long has no status.
    """

    status: int | None
    stdout: bytes


class Trial(NamedTuple):
    """One translated run.

    Attributes:
        outcome: how it ended.
        units: how many units its largest process translated.
        places: guest address of the last unit before the limit, and name, of each process that
            reached it.
    """

    outcome: Outcome
    units: int
    places: tuple[tuple[int, str], ...]


class _Limit(NamedTuple):
    """A setting that takes a part of the translator out of use for all but the first units."""

    spelling: str
    apply: Callable[[Settings, int], Settings]


_LIMITS = (
    _Limit("--chain-until", lambda settings, count: settings._replace(chain_until=count)),
    _Limit("--cap-after", lambda settings, count: settings._replace(cap_after=count)),
)


def least_failing(fails: Callable[[int], bool], guess: int) -> int | None:
    """The smallest N from 1 on for which a run fails, when 0 passes and all above N fail.

    Args:
        fails: runs with N and answers whether that went wrong.
        guess: a number that is likely to fail; a larger one is looked for when it does not.

    Returns:
        N, or None when no number fails.
    """
    low, high = 0, max(guess, 1)
    while not fails(high):
        if high >= CHAIN_ALL:
            return None
        low, high = high, min(high * 4, CHAIN_ALL)
    while high - low > 1:
        middle = (low + high) // 2
        if fails(middle):
            high = middle
        else:
            low = middle
    return high


@click.command(
    "bisect",
    short_help="Find the translation unit from which on a program goes wrong.",
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=float,
    default=60.0,
    show_default=True,
    help="A run that takes longer has gone wrong.",
)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED,
                metavar="PROGRAM [ARGUMENTS]...")  # fmt: skip
def command(timeout_s: float, words: tuple[str, ...]) -> int:
    """Find the translation unit from which on a program goes wrong.

    Runs PROGRAM natively, then translated again and again, with `--chain-until N` or, where that
    changes nothing, `--cap-after N`, and prints the least N at which exit status or standard output
    are not the native ones. The program has to do the same each time; addresses are not randomised.
    Other settings come from the environment, as for `dbt run`.
    """
    if not 0 < timeout_s < 1e6:
        raise UsageError("--timeout takes a number of seconds above 0")
    with without_randomization() as is_granted:
        if not is_granted:
            raise DbtError("the kernel does not let addresses be fixed")
        return _search(words, timeout_s)


def _search(words: Sequence[str], timeout_s: float) -> int:
    given = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    wanted = _run_natively(words, given, timeout_s)
    settings = Settings.from_environment()
    plain = _run_translated(words, given, timeout_s, settings)
    if plain.outcome == wanted:
        click.echo("the program does not fail: it does translated what it does natively")
        return 1
    for limit in _LIMITS:
        limited = _run_translated(words, given, timeout_s, limit.apply(settings, 0))
        if limited.outcome == wanted:
            return _bisect(words, given, timeout_s, settings, limit, wanted, plain.units)
    click.echo("it fails with --chain-until 0 and --cap-after 0 too: no single unit is to blame")
    return 1


def _bisect(
    words: Sequence[str],
    given: bytes,
    timeout_s: float,
    settings: Settings,
    limit: _Limit,
    wanted: Outcome,
    units: int,
) -> int:
    places: tuple[tuple[int, str], ...] = ()

    def fails(count: int) -> bool:
        nonlocal places
        trial = _run_translated(words, given, timeout_s, limit.apply(settings, count))
        failed = trial.outcome != wanted
        if failed:
            places = trial.places  # the last one to fail is the least
        click.echo(f"{limit.spelling} {count}: {'fails' if failed else 'passes'}", err=True)
        return failed

    least = least_failing(fails, units)
    if least is None:
        click.echo("it failed once and does not any more: it does not do the same each time")
        return 1
    click.echo(f"fails from {limit.spelling} {least} on; unit number {least - 1}:")
    for address, name in places:
        click.echo(f"  at guest {address:#x} in {name}")
    return 0


def _run_natively(words: Sequence[str], given: bytes, timeout_s: float) -> Outcome:
    try:
        done = subprocess.run(
            words, input=given, stdout=subprocess.PIPE, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise DbtError(f"natively {words[0]} takes longer than {timeout_s} s") from None
    except OSError as error:
        raise UsageError(f"{words[0]}: {error.strerror}") from None
    return Outcome(done.returncode, done.stdout)


def _run_translated(
    words: Sequence[str], given: bytes, timeout_s: float, settings: Settings
) -> Trial:
    from dbt.runtime.launch import VMM_PATH, resolve, vmm_arguments
    from dbt.runtime.session import Session

    program = resolve([os.fsencode(word) for word in words])
    with Session(settings) as session:
        process = subprocess.Popen(
            vmm_arguments(session, program),
            executable=VMM_PATH,
            pass_fds=(session.fd,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            stdout, _ = process.communicate(given, timeout_s)
            outcome = Outcome(process.returncode, stdout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            outcome = Outcome(None, b"")
        processes = session.processes()
    return Trial(
        outcome,
        max((one.statistics.units_translated for one in processes), default=0),
        tuple(
            (one.statistics.limit_unit_pc, one.name)
            for one in processes
            if one.statistics.limit_unit_pc
        ),
    )
