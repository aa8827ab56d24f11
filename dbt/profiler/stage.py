"""Runs a program while the live view has the terminal, and keeps the program's output for later."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from dbt.errors import UsageError
from dbt.profiler.build import build
from dbt.profiler.collect import Collector
from dbt.profiler.live import Watch
from dbt.profiler.model import Profile
from dbt.profiler.run import outcome_of
from dbt.runtime.launch import VMM_PATH, Program, flush_streams, vmm_arguments
from dbt.runtime.session import Session

if TYPE_CHECKING:
    from dbt.profiler.screen import Screen

_CHUNK_BYTES = 1 << 16
_STANDARD = (1, 2)
# Values of TERM: terminals that take no escape sequences, or nothing that is known of them.
_NO_SCREENS = ("", "dumb", "unknown")


class KeptOutput:
    """What a program writes to the terminal, held back until the view has left it.

    The program has a pseudo-terminal of the same size in place of each of its standard outputs
    that is the terminal; an output that goes elsewhere is left alone.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[int, bytes]] = []
        self._lock = threading.Lock()
        self._passes = False
        self._masters: dict[int, int] = {}
        self.slaves: dict[int, int] = {}
        for number in _STANDARD:
            if os.isatty(number):
                master, slave = pty.openpty()
                # What the program writes reaches the terminal as it is; that one adds returns.
                tty.setraw(slave)
                size = fcntl.ioctl(number, termios.TIOCGWINSZ, bytes(8))
                fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
                self._masters[master] = number
                self.slaves[number] = slave
        self._thread = threading.Thread(target=self._read, name="dbt-output", daemon=True)

    def start(self) -> None:
        """Begins to read; the program holds the other ends by now."""
        for slave in self.slaves.values():
            os.close(slave)
        self._thread.start()

    def _read(self) -> None:
        open_masters = dict(self._masters)
        while open_masters:
            ready, _, _ = select.select(list(open_masters), [], [])
            for master in ready:
                try:
                    data = os.read(master, _CHUNK_BYTES)
                except OSError:  # EIO: nobody holds the other end any more
                    data = b""
                if not data:
                    del open_masters[master]
                    continue
                with self._lock:
                    if self._passes:
                        _write(open_masters[master], data)
                    else:
                        self._kept.append((open_masters[master], data))

    def release(self) -> None:
        """Writes what was kept; what comes from now on goes through."""
        with self._lock:
            for number, data in self._kept:
                _write(number, data)
            self._kept.clear()
            self._passes = True

    def finish(self) -> None:
        """Waits for the last output of a program that has ended."""
        # A child in the background may hold the pseudo-terminal for longer.
        self._thread.join(timeout=1)


def _write(number: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(number, data) :]


def profile_live(program: Program, command: Sequence[str], session: Session) -> tuple[Profile, int]:
    """Runs a program with the live view on the terminal, and profiles it.

    Its standard input is empty where that was the terminal: the view has the keyboard.

    Args:
        program: as `resolve` found it.
        command: as the user typed it.
        session: made with a sample interval.

    Returns:
        The profile, and the wait status of the program.

    Raises:
        UsageError: standard input or error is no terminal, or none that has a cursor.
    """
    from dbt.profiler.screen import Screen

    _need_terminal()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = KeptOutput()
    collector = Collector(session)
    flush_streams()
    started_s = time.monotonic()
    with subprocess.Popen(
        vmm_arguments(session, program),
        executable=VMM_PATH,
        pass_fds=(session.fd,),
        stdin=subprocess.DEVNULL,
        stdout=kept.slaves.get(1),
        stderr=kept.slaves.get(2),
    ) as child:
        kept.start()
        collector.start()
        ended = threading.Event()
        ended_s = []

        def wait() -> None:
            child.wait()
            ended_s.append(time.monotonic())
            ended.set()

        threading.Thread(target=wait, name="dbt-wait", daemon=True).start()
        screen = Screen(Watch(session, collector), _title(command), ended.is_set)

        def hang_up(*_: object) -> None:
            # The kernel sends SIGCONT along, at which the view would begin anew.
            signal.signal(signal.SIGCONT, lambda *_: None)
            child.send_signal(signal.SIGHUP)
            screen.exit()

        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, hang_up)
        _show(screen)
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: None)
        kept.release()
        ended.wait()
    kept.finish()
    collector.stop()
    signal_number = -child.returncode if child.returncode < 0 else None
    code = None if signal_number is not None else child.returncode
    outcome = outcome_of(code, signal_number, ended_s[0] - started_s, before)
    status = signal_number if signal_number is not None else child.returncode << 8
    return build(collector, session, command, outcome), status


class _Terminal:
    """Standard error for the view, which waits for ever for writes that fail.

    What is written to a terminal that has gone away is lost without a word.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.fileno = stream.fileno
        self.isatty = stream.isatty

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def _show(screen: Screen) -> None:
    before = sys.__stderr__
    assert before is not None  # it is a terminal
    sys.__stderr__ = _Terminal(before)  # type: ignore[assignment,misc]
    try:
        screen.run()
    finally:
        sys.__stderr__ = before  # type: ignore[misc]


def _need_terminal() -> None:
    if not (os.isatty(0) and os.isatty(2)):
        raise UsageError("the live view needs a terminal on standard input and standard error")
    name = os.environ.get("TERM", "")
    if name in _NO_SCREENS:
        raise UsageError(f"the live view needs a terminal with a cursor: TERM is {name or 'empty'}")


def _title(command: Sequence[str]) -> str:
    return " ".join([os.path.basename(command[0]), *command[1:]])


def watch_process(pid: int) -> None:
    """Shows the live view of a session that runs already.

    Args:
        pid: of a translated program, or of the dbt that started it.

    Raises:
        LaunchError: it has no session.
        UsageError: standard input or error is no terminal, or none that has a cursor.
    """
    from dbt.profiler.screen import Screen

    with Session.attach(pid) as session:
        _need_terminal()
        _show(Screen(Watch(session), f"process {pid}"))
    if sys.stdout is not None:
        sys.stdout.flush()
