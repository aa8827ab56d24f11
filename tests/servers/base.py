"""What all servers have in common: how they are started, loaded, watched and stopped.

The load always comes from native programs, and so does everything that checks results: what is
translated is the server alone, with all processes that it starts.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.guests.execute import ENVIRONMENT, vmm_path
from tests.guests.processes import is_alive, stat_fields

if TYPE_CHECKING:
    from dbt.runtime.session import Session

TICKS = os.sysconf("SC_CLK_TCK")


class Complaint(Exception):
    """A server did something wrong; the message says what."""


@dataclass(frozen=True)
class Rate:
    """What a load was served.

    Attributes:
        requests: how many, all answered rightly.
        seconds: of wall time.
    """

    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Requests in a second."""
        return self.requests / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class Load:
    """One kind of load.

    Attributes:
        name: of the row in the report.
        run: puts it on for about so many seconds; raises Complaint when an answer is wrong.
    """

    name: str
    run: Callable[[float], Rate]


class Runner:
    """Starts programs natively, or translated in one session.

    Args:
        translated: which of the two.
    """

    def __init__(self, translated: bool) -> None:
        self.session: Session | None = None
        if translated:
            from dbt.runtime.session import Session
            from dbt.tcache.settings import Settings

            self.session = Session(Settings.from_environment())

    def start(
        self, words: Sequence[str], *, cwd: Path, log: Path, user: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a program in a session of its own, its output in a file.

        Args:
            words: absolute path and arguments.
            cwd: its working directory.
            log: the file that gets what it writes, at its end.
            user: who runs it; None for this process's own user.
        """
        descriptors: tuple[int, ...] = ()
        executable = words[0]
        if self.session is not None:
            words = ["dbt-vmm", str(self.session.fd), words[0], *words]
            executable = str(vmm_path())
            descriptors = (self.session.fd,)
        with open(log, "ab") as output:
            return subprocess.Popen(
                words,
                executable=executable,
                cwd=cwd,
                env=dict(ENVIRONMENT),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                start_new_session=True,
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
            )

    def run(self, words: Sequence[str], *, cwd: Path, log: Path, user: str | None = None) -> None:
        """Runs a program to its end.

        Raises:
            Complaint: it failed, or took more than ten minutes.
        """
        process = self.start(words, cwd=cwd, log=log, user=user)
        try:
            status = process.wait(600)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Complaint(f"{words[0]}: not done after ten minutes") from None
        if status != 0:
            raise Complaint(f"{words[0]}: status {status}: {log.read_text()[-500:]}")


class Server(ABC):
    """One server in a directory of its own.

    Args:
        directory: everything it writes goes there.
        runner: how its programs are started.
    """

    name = ""
    #: Executables that must be there: path to the Debian package.
    needs: tuple[tuple[str, str], ...] = ()
    stop_signal = signal.SIGTERM
    #: Who runs it, when root starts it; None for root.
    user: str | None = None

    def __init__(self, directory: Path, runner: Runner) -> None:
        self.directory = directory
        self.runner = runner
        self.log = directory / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def missing(cls) -> str:
        """What to install, or empty."""
        absent = [package for path, package in cls.needs if not os.access(path, os.X_OK)]
        return f"install {' '.join(sorted(set(absent)))}" if absent else ""

    @property
    def owner(self) -> str | None:
        """The user that the server runs as, where this process may choose."""
        return self.user if os.geteuid() == 0 else None

    def prepare(self) -> None:  # noqa: B027
        """Makes what must be there before the start."""

    @abstractmethod
    def command(self) -> list[str]:
        """The server's command line; it must stay in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    @abstractmethod
    def loads(self) -> tuple[Load, ...]:
        """What to load it with."""

    @abstractmethod
    def verify(self) -> None:
        """Reads back and compares what it was given; raises Complaint."""

    def verify_stopped(self) -> None:  # noqa: B027
        """Checks what it has left behind; raises Complaint."""

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            Complaint: it ended, or does not answer within half a minute.
        """
        self.process = self.runner.start(
            self.command(), cwd=self.directory, log=self.log, user=self.owner
        )
        end = time.monotonic() + 30
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Complaint(f"does not answer: {self.tail()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Asks it to end, and waits.

        Raises:
            Complaint: it does not end within half a minute, not with status 0, or leaves processes.
        """
        assert self.process is not None
        family = descendants(self.process.pid)
        self.process.send_signal(self.stop_signal)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise Complaint(f"still there after {self.stop_signal.name}: {self.tail()}") from None
        finally:
            left = [pid for pid in family if pid != self.process.pid and is_alive(pid)]
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if status != 0 or left:
            raise Complaint(f"status {status}, {len(left)} processes left: {self.tail()}")
        self.complain_of_log()

    def kill(self) -> None:
        """Ends it with its children, by force where asking does not help; nothing is checked."""
        if self.process is not None and self.process.poll() is None:
            # Whoever is killed leaves shared memory behind.
            self.process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            for pid in descendants(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def is_bad_line(self, line: str) -> bool:
        """Whether a line of the log tells of an error."""
        return line.startswith("dbt:")

    def complain_of_log(self) -> None:
        """Raises Complaint when the log tells of an error."""
        lines = self.log.read_text(errors="replace").splitlines()
        bad = [line for line in lines if self.is_bad_line(line)]
        if bad:
            raise Complaint("in the log: " + "; ".join(bad[:5]))

    def tail(self) -> str:
        """The log's last lines."""
        return self.log.read_text(errors="replace")[-800:] if self.log.exists() else ""

    def cpu_s(self) -> float:
        """Processor time of the server, its children and those they have waited for, in seconds."""
        assert self.process is not None
        return sum(processor_time_s(pid) for pid in descendants(self.process.pid))


def descendants(pid: int) -> list[int]:
    """A process and everything that descends from it, as far as it is alive."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(stat_fields(int(name))[1]), []).append(int(name))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, ()))
    return found


def processor_time_s(pid: int) -> float:
    """Processor time of a process and of its reaped children, in seconds; 0 when it is gone."""
    try:
        fields = stat_fields(pid)
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / TICKS


def native(words: Sequence[str], timeout_s: float = 120.0, **options: object) -> str:
    """Runs a program that loads or checks a server.

    Args:
        words: its command line.
        timeout_s: how long it may take.
        options: for subprocess.run.

    Returns:
        What it wrote on standard output.

    Raises:
        Complaint: it failed.
    """
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            words,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            env=dict(ENVIRONMENT),
            **options,
        )
    except subprocess.TimeoutExpired:
        raise Complaint(f"{words[0]}: not done after {timeout_s} s") from None
    if done.returncode != 0:
        raise Complaint(f"{' '.join(words[:6])}: status {done.returncode}: {done.stderr[-500:]}")
    return str(done.stdout)


def own(path: Path, user: str | None) -> None:
    """Gives a directory to the user that a server runs as."""
    path.chmod(0o755)
    if user is not None:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


@contextlib.contextmanager
def running(kind: type[Server], translated: bool) -> Iterator[Server]:
    """A server that has been prepared and started; whatever happens, nothing of it stays.

    Args:
        kind: which server.
        translated: whether its programs run translated.
    """
    # Not in the tree: another user must get there.
    with tempfile.TemporaryDirectory(prefix="dbt-server-", ignore_cleanup_errors=True) as name:
        server = kind(Path(name), Runner(translated))
        own(server.directory, server.owner)
        try:
            server.prepare()
            server.start()
            yield server
        finally:
            server.kill()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
