"""Runs a program and profiles it: as a command does, in place of it, or as a library's child."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dbt.profiler.build import Outcome, build
from dbt.profiler.collect import Collector
from dbt.profiler.model import Profile
from dbt.runtime.launch import Program, run, supervise
from dbt.runtime.session import Session
from dbt.tcache.settings import Settings

#: Processor time between samples; the kernel looks at such timers once a tick (1 to 10 ms).
INTERVAL_US = 1000


def profile(
    command: Sequence[str | bytes | os.PathLike[str]],
    *,
    exact: bool = False,
    interval_us: int = INTERVAL_US,
    settings: Settings | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    input: bytes | None = None,
    capture_output: bool = False,
    timeout_s: float | None = None,
) -> Profile:
    """Runs a program under translation and tells what the translation cache did.

    Args:
        command: the program, searched for as a shell does, and its arguments.
        exact: whether units count their executions, which takes time (docs/profile.md).
        interval_us: processor time between samples of a thread, in microseconds.
        settings: for the translator; None takes the environment's (Settings.from_environment).
        env: the program's environment; None takes this process's own.
        cwd: the directory to run in; None takes this process's own.
        input: what it reads on standard input; None leaves it this process's own.
        capture_output: whether its output is kept from the terminal.
        timeout_s: seconds after which it is killed; None for no limit.

    Returns:
        The profile. A program that failed or was killed has one, too.

    Raises:
        UsageError: the command is empty, or a setting is out of its range.
        ProgramNotFoundError: there is no such program.
        NotExecutableError: it cannot be run.
        TimeoutError: the time was up; the program was killed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    settings = settings or Settings.from_environment()
    with Session(settings, sample_interval_us=interval_us, counts=exact) as session:
        collector = Collector(session)
        collector.start()
        try:
            result = run(
                command,
                env=env,
                cwd=cwd,
                input=input,
                capture_output=capture_output,
                timeout_s=timeout_s,
                session=session,
            )
        finally:
            duration_s = collector.elapsed_s
            collector.stop()
        words = [os.fsdecode(word) for word in command]
        outcome = outcome_of(result.exit_status, result.signal, duration_s, before)
        return build(collector, session, words, outcome)


def profile_supervised(
    program: Program, command: Sequence[str], session: Session
) -> tuple[Profile, int]:
    """Runs a program in the place of this process, as `supervise` does, and profiles it.

    Args:
        program: as `resolve` found it.
        command: as the user typed it.
        session: made with a sample interval.

    Returns:
        The profile, and the wait status of the program.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    collector = Collector(session)
    started_s = time.monotonic()
    status = supervise(program, session, lambda pid: collector.start())
    duration_s = time.monotonic() - started_s
    collector.stop()
    signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    code = None if signal is not None else os.WEXITSTATUS(status)
    return build(collector, session, command, outcome_of(code, signal, duration_s, before)), status


def outcome_of(
    exit_status: int | None,
    signal: int | None,
    duration_s: float,
    before: resource.struct_rusage,
) -> Outcome:
    """How a run ended.

    Args:
        exit_status: of the first process, or None.
        signal: that ended it, or None.
        duration_s: by the clock.
        before: what children had used before the run.
    """
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Outcome(
        exit_status,
        signal,
        after.ru_utime - before.ru_utime,
        after.ru_stime - before.ru_stime,
        duration_s,
    )
