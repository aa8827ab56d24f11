"""Starting programs under translation: finding them as a shell does, and handing over to the VMM.

`replace_process` becomes the VMM in place, so that the program has the pid, the terminal and the
wait status it would have had without dbt. `supervise` stays as its parent, to print statistics
afterwards. `run` is the library's way: a child, its outcome and its statistics as values.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TextIO

from dbt._native import ffi, lib
from dbt.errors import LaunchError, NotExecutableError, ProgramNotFoundError, UsageError
from dbt.runtime.session import Session
from dbt.tcache.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from dbt.tcache.statistics import ProcessStatistics, Statistics

VMM_PATH = os.path.join(os.path.dirname(os.path.dirname(__file__)), "dbt-vmm")

_DEFAULT_PATH = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL = b"/bin/sh"
_EM_X86_64 = 62
_ELF_CLASS_64 = 2
_ET_EXEC, _ET_DYN = 2, 3
_PR_SET_PDEATHSIG = 1
_TERMINAL_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class Program(NamedTuple):
    """A program that was found and can be run.

    Attributes:
        path: of the file to load.
        arguments: the program's whole argument vector, argv[0] first.
    """

    path: bytes
    arguments: tuple[bytes, ...]


class RunResult(NamedTuple):
    """How a program that ran under translation ended.

    Attributes:
        exit_status: what it passed to exit, 0 to 255; None when a signal ended it.
        signal: the number of the signal that ended it, or None.
        stdout: what it wrote, when output was captured, else None.
        stderr: likewise.
        processes: what each of its processes counted, in the order they started.
    """

    exit_status: int | None
    signal: int | None
    stdout: bytes | None
    stderr: bytes | None
    processes: tuple[ProcessStatistics, ...]

    @property
    def statistics(self) -> Statistics:
        """The sum over all processes."""
        from dbt.tcache.statistics import Statistics

        return Statistics.sum(process.statistics for process in self.processes)


def resolve(
    command: Sequence[str | bytes], search_path: bytes | None = None, cwd: bytes = b""
) -> Program:
    """Finds a program as a shell does.

    Args:
        command: the program as typed (a name to search for, or a path), then its arguments.
        search_path: directories with colons between, as in $PATH; None takes this process's own.
        cwd: the directory that relative paths start from; empty for this process's own.

    Raises:
        ProgramNotFoundError: there is no such file.
        NotExecutableError: a file is there but cannot be run.

    Source: POSIX.1-2017, Shell Command Language, 2.9.1.
    """
    arguments = tuple(os.fsencode(word) for word in command)
    if not arguments or not arguments[0]:
        raise ProgramNotFoundError("'': command not found")
    path = _find(arguments[0], search_path, cwd)
    if _is_plain_text(os.path.join(cwd, path)):
        # execve says ENOEXEC here, and every shell then runs the file as a script of its own.
        return Program(_SHELL, (_SHELL, path, *arguments[1:]))
    return Program(path, arguments)


def _find(name: bytes, search_path: bytes | None, cwd: bytes) -> bytes:
    if b"/" in name:
        problem = _problem(os.path.join(cwd, name))
        if problem is None:
            return name
        raise problem
    if search_path is None:
        search_path = os.environb.get(b"PATH", _DEFAULT_PATH)
    refused: NotExecutableError | None = None
    for directory in search_path.split(b":"):
        path = os.path.join(directory or b".", name)
        problem = _problem(os.path.join(cwd, path))
        if problem is None:
            return path
        if isinstance(problem, NotExecutableError) and not os.path.isdir(path):
            refused = refused or problem
    raise refused or ProgramNotFoundError(f"{os.fsdecode(name)}: command not found")


def _problem(path: bytes) -> NotExecutableError | ProgramNotFoundError | None:
    """Why a file cannot be executed, or None."""
    shown = os.fsdecode(path)
    try:
        status = os.stat(path)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            return ProgramNotFoundError(f"{shown}: {error.strerror}")
        return NotExecutableError(f"{shown}: {error.strerror}")
    if stat.S_ISDIR(status.st_mode):
        return NotExecutableError(f"{shown}: Is a directory")
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.X_OK, effective_ids=True):
        return NotExecutableError(f"{shown}: Permission denied")
    return None


def _is_plain_text(path: bytes) -> bool:
    """Whether a file is a script without `#!`; raises when it is nothing that can be run."""
    shown = os.fsdecode(path)
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except OSError as error:
        raise NotExecutableError(f"{shown}: cannot be read: {error.strerror}") from None
    if head.startswith(b"#!"):
        return False
    if not head.startswith(b"\x7fELF"):
        if b"\0" in head.partition(b"\n")[0]:
            raise NotExecutableError(f"{shown}: cannot execute: Exec format error")
        return True
    machine = int.from_bytes(head[18:20], "little")
    kind = int.from_bytes(head[16:18], "little")
    if machine != _EM_X86_64 or head[4:5] != bytes([_ELF_CLASS_64]):
        raise NotExecutableError(f"{shown}: cannot execute: not a 64-bit x86 program")
    if kind not in (_ET_EXEC, _ET_DYN):
        raise NotExecutableError(f"{shown}: cannot execute: Exec format error")
    return False


def original_environment() -> tuple[bytes, ...]:
    """The environment block this process was started with, entry by entry.

    Python may have added LC_CTYPE to its own copy (PEP 538); the program must not see that.
    """
    with open("/proc/self/environ", "rb") as file:
        block = file.read()
    return tuple(block.split(b"\0")[:-1]) if block else ()


def flush_streams() -> None:
    """Writes out what Python holds back; a stream is None when its descriptor was closed."""
    streams: tuple[TextIO | None, ...] = (sys.stdout, sys.stderr)
    for stream in streams:
        if stream is not None:
            stream.flush()


def replace_process(
    program: Program, session: Session, environment: Sequence[bytes] | None = None
) -> NoReturn:
    """Becomes the VMM, and so the program; returns never.

    Args:
        program: as `resolve` found it.
        session: its memory is handed to the VMM.
        environment: entries of the program's environment block; None takes the original one.

    Raises:
        LaunchError: the VMM cannot be executed.
    """
    fcntl.fcntl(session.fd, fcntl.F_SETFD, 0)
    # Python ignores these from its start on; ignored signals would stay so for the program.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    words = vmm_arguments(session, program)
    block = original_environment() if environment is None else environment
    flush_streams()
    argv, keep_argv = _string_array(words)
    envp, keep_envp = _string_array(block)
    failure = -lib.dbt_ext_execve(os.fsencode(VMM_PATH), argv, envp)
    del keep_argv, keep_envp
    raise LaunchError(f"{VMM_PATH}: {os.strerror(failure)}")


def vmm_arguments(session: Session, program: Program) -> list[bytes]:
    """The argument vector of the VMM for a program.

    Args:
        session: its descriptor must stay open in the VMM.
        program: as `resolve` found it.
    """
    return [b"dbt-vmm", b"%d" % session.fd, program.path, *program.arguments]


def _string_array(words: Sequence[bytes]) -> tuple[object, list[object]]:
    """A NULL-terminated char *[] and the objects that keep its strings alive."""
    strings = [ffi.new("char[]", word) for word in words]
    return ffi.new("char *[]", [*strings, ffi.NULL]), strings


def supervise(
    program: Program, session: Session, started: Callable[[int], None] | None = None
) -> int:
    """Runs a program as a child in this process group and waits for its end.

    The terminal signals the whole group, so nothing is passed on but SIGTERM, which comes to one
    process. Whether the terminal's Ctrl-Z stops anything is the program's to say: this process
    stops when, and by the signal by which, the program has stopped.

    Args:
        program: as `resolve` found it.
        session: its memory is handed to the VMM.
        started: called with the child's pid once it has been forked.

    Returns:
        The wait status (wait(2)).
    """
    ignored = {n: signal.getsignal(n) == signal.SIG_IGN for n in (signal.SIGINT, signal.SIGQUIT)}
    for number, is_ignored in ignored.items():
        if not is_ignored:
            # A handler, not SIG_IGN: the child's execve puts a handler back to the default.
            signal.signal(number, lambda *_: None)
    pid = os.fork()
    if pid == 0:
        try:
            replace_process(program, session)
        except LaunchError as error:
            os.write(2, f"dbt: {error}\n".encode())
        os._exit(LaunchError.exit_status)

    def pass_on(number: int, _: object) -> None:
        os.kill(pid, number)

    def pass_on_to_stopped(number: int, frame: object) -> None:
        if _is_stopped(pid):
            pass_on(number, frame)

    if started is not None:
        started(pid)
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGCONT, pass_on_to_stopped)
    for number in _TERMINAL_STOPS:
        signal.signal(number, signal.SIG_IGN)
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        if _is_stopped(pid):
            _stop(os.WSTOPSIG(status))
    for number in _TERMINAL_STOPS:
        signal.signal(number, signal.SIG_DFL)
    return status


def die_with(parent_pid: int) -> None:
    """Has this process killed when its parent dies (PR_SET_PDEATHSIG); or now, if it has died.

    Args:
        parent_pid: who the parent is, or was.
    """
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def _stop(number: int) -> None:
    """Stops this process by a signal, as its child was; returns when it goes on."""
    if number not in _TERMINAL_STOPS:
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.signal(number, signal.SIG_IGN)


def _is_stopped(pid: int) -> bool:
    """Whether a process is stopped now: the terminal's SIGCONT may have come in between."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0] == b"T"


def end_like(status: int) -> NoReturn:
    """Ends this process as another ended: by its exit status, or its signal (without a core)."""
    flush_streams()
    if os.WIFSIGNALED(status):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def run(
    command: Sequence[str | bytes | os.PathLike[str]],
    *,
    settings: Settings | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    input: bytes | None = None,
    capture_output: bool = False,
    timeout_s: float | None = None,
    session: Session | None = None,
) -> RunResult:
    """Runs a program under translation and waits for its end.

    Args:
        command: the program, searched for as a shell does, and its arguments.
        settings: for the translator; None takes the environment's (Settings.from_environment).
        env: the program's environment; None takes this process's own.
        cwd: the directory to run in; None takes this process's own.
        input: what it reads on standard input; None leaves it this process's own.
        capture_output: whether its output is returned instead of shown.
        timeout_s: seconds after which it is killed; None for no limit.
        session: to run it in, instead of one of its own; settings are that session's then.

    Returns:
        How it ended, with the statistics of all its processes.

    Raises:
        UsageError: the command is empty, or a setting is out of its range.
        ProgramNotFoundError: there is no such program.
        NotExecutableError: it cannot be run.
        TimeoutError: the time was up; the program was killed.
    """
    import subprocess

    words = [os.fsencode(word) for word in command]
    if not words:
        raise UsageError("no program was named")
    search_path = None if env is None else os.fsencode(env.get("PATH", os.fsdecode(_DEFAULT_PATH)))
    program = resolve(words, search_path, b"" if cwd is None else os.fsencode(cwd))
    with contextlib.ExitStack() as stack:
        if session is None:
            session = stack.enter_context(Session(settings or Settings.from_environment()))
        try:
            done = subprocess.run(
                vmm_arguments(session, program),
                executable=VMM_PATH,
                pass_fds=(session.fd,),
                env=env,
                cwd=cwd,
                input=input,
                capture_output=capture_output,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"{os.fsdecode(words[0])}: still running after {timeout_s} s"
            ) from None
        except FileNotFoundError:
            raise LaunchError(f"{VMM_PATH}: not found") from None
        ended_by_signal = done.returncode < 0
        return RunResult(
            exit_status=None if ended_by_signal else done.returncode,
            signal=-done.returncode if ended_by_signal else None,
            stdout=done.stdout,
            stderr=done.stderr,
            processes=session.processes(),
        )
