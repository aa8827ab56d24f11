"""`dbt run` as a user meets it: the program's output, status, signals, terminal and environment."""

from __future__ import annotations

import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.guests.processes import wait_until

DBT = (sys.executable, "-m", "dbt")
RUN = (*DBT, "run")
STATS = (*RUN, "--stats")
BOTH = pytest.mark.parametrize("prefix", [RUN, STATS], ids=["in-place", "stats"])
WAIT_S = 20


def call(*words: str | Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, capture_output=True, timeout=WAIT_S, **options)  # type: ignore[call-overload, no-any-return]


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@BOTH
@pytest.mark.parametrize("status", [0, 1, 42, 255])
def test_exit_status_is_the_programs(prefix: Sequence[str], status: int) -> None:
    assert call(*prefix, "/bin/sh", "-c", f"exit {status}").returncode == status


@BOTH
@pytest.mark.parametrize("name", ["SIGTERM", "SIGSEGV", "SIGKILL", "SIGPIPE", "SIGINT"])
def test_death_by_signal_is_the_programs(prefix: Sequence[str], name: str) -> None:
    done = call(*prefix, "/bin/sh", "-c", f"kill -{name[3:]} $$")
    assert done.returncode == -signal.Signals[name]


@BOTH
def test_output_is_the_programs(prefix: Sequence[str]) -> None:
    command = ("/bin/sh", "-c", "cat; echo error >&2")
    native = call(*command, input=b"some input\n")
    done = call(*prefix, *command, input=b"some input\n")
    assert done.stdout == native.stdout
    if prefix == RUN:
        assert done.stderr == native.stderr
    else:
        assert done.stderr.startswith(native.stderr)


def test_statistics_come_last_and_on_standard_error() -> None:
    done = call(*STATS, "/bin/sh", "-c", "echo out; echo err >&2")
    assert done.stdout == b"out\n"
    lines = done.stderr.decode().splitlines()
    assert lines[0] == "err"
    assert lines[1] == "dbt: 1 process"
    words = lines[2].split()
    assert words[0] == "translated"
    assert int(words[1].replace(",", "")) > 100


def test_statistics_list_every_process() -> None:
    done = call(*STATS, "/bin/sh", "-c", "/bin/true; /bin/echo x")
    lines = done.stderr.decode().splitlines()
    assert lines[0] == "dbt: 3 processes"
    names = re.findall(r"^ +[0-9]+ (\S+) +[0-9,]+ units", done.stderr.decode(), re.MULTILINE)
    assert names == ["sh", "true", "echo"]


def test_the_program_has_the_pid_that_was_started() -> None:
    process = subprocess.Popen([*RUN, "/bin/sh", "-c", "echo $$"], stdout=subprocess.PIPE)
    assert int(process.communicate(timeout=WAIT_S)[0]) == process.pid


@BOTH
def test_options_after_the_program_are_its_own(prefix: Sequence[str]) -> None:
    assert call(*prefix, "/bin/echo", "--stats", "--help").stdout == b"--stats --help\n"
    assert call(*prefix, "--", "/bin/echo", "--", "x").stdout == b"-- x\n"


@BOTH
def test_argument_bytes_are_exact(prefix: Sequence[str]) -> None:
    words = [os.fsencode(word) for word in (*prefix, "/usr/bin/printf", "%s|")]
    odd = [b"", b"\xff\xfe", b"a\nb", "ä€".encode()]
    done = subprocess.run([*words, *odd], capture_output=True, env={"LC_ALL": "C"}, timeout=WAIT_S)
    assert done.stdout == b"".join(word + b"|" for word in odd)


@BOTH
def test_the_environment_is_exact(prefix: Sequence[str]) -> None:
    """No LC_CTYPE that Python adds in the C locale, none of dbt's own."""
    environment = {"A": "1", "EMPTY": "", "DBT_TU_CAP": "8"}
    done = call(*prefix, "/usr/bin/env", env=environment)
    assert done.stdout == b"A=1\nEMPTY=\nDBT_TU_CAP=8\n"


@BOTH
def test_signal_dispositions_are_those_of_a_direct_start(prefix: Sequence[str]) -> None:
    command = ("/bin/grep", "-E", "Sig(Ign|Blk)", "/proc/self/status")
    assert call(*prefix, *command).stdout == call(*command).stdout


@BOTH
def test_an_ignored_interrupt_stays_ignored(prefix: Sequence[str]) -> None:
    """As under nohup or in a shell's background job."""
    command = ("/bin/grep", "SigIgn", "/proc/self/status")
    line = " ".join(["trap '' INT QUIT HUP; exec", *prefix, *command])
    native = " ".join(["trap '' INT QUIT HUP; exec", *command])
    assert call("/bin/sh", "-c", line).stdout == call("/bin/sh", "-c", native).stdout


def test_a_closed_pipe_ends_the_program() -> None:
    line = f"set -o pipefail; {' '.join(RUN)} /usr/bin/yes | /usr/bin/head -1"
    done = call("/bin/bash", "-c", line)
    assert done.stdout == b"y\n"
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == b""


def test_a_low_descriptor_limit_is_enough() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    assert call(*RUN, "/bin/echo", "ok", preexec_fn=limit).stdout == b"ok\n"


class Terminal:
    """A command that leads a new terminal, and the terminal's other end."""

    def __init__(self, words: Sequence[str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(words[0], list(words))
        attributes = termios.tcgetattr(self.fd)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self.fd, termios.TCSANOW, attributes)
        self.seen = b""

    def expect(self, text: bytes) -> None:
        """Reads until the text comes; what comes after it is kept for the next call."""
        limit = time.monotonic() + WAIT_S
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(limit - time.monotonic(), 0))
            assert ready, self.seen
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:  # the other side has gone
                break
        _, found, rest = self.seen.partition(text)
        assert found, self.seen
        self.seen = rest

    def type(self, text: bytes) -> None:
        os.write(self.fd, text)

    def wait(self) -> int:
        descriptor = os.pidfd_open(self.pid)
        ended = bool(select.select([descriptor], [], [], WAIT_S)[0])
        os.close(descriptor)
        os.close(self.fd)  # hangs up, which ends what has not ended by itself
        if not ended:
            os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        assert ended, f"still running; it wrote {self.seen!r}"
        return os.waitstatus_to_exitcode(status)


@BOTH
def test_control_c_ends_the_program(prefix: Sequence[str]) -> None:
    terminal = Terminal([*prefix, "/bin/sh", "-c", "echo started; exec /bin/cat"])
    terminal.expect(b"started")
    time.sleep(0.3)
    terminal.type(b"\x03")
    assert terminal.wait() == -signal.SIGINT


@BOTH
def test_the_program_sees_the_terminal(prefix: Sequence[str]) -> None:
    terminal = Terminal([*prefix, "/bin/sh", "-c", "test -t 0 && stty size && tty"])
    terminal.expect(b"/dev/pts/")
    assert terminal.wait() == 0


@BOTH
def test_control_z_stops_and_fg_continues(prefix: Sequence[str]) -> None:
    terminal = Terminal(["/bin/bash", "--norc", "--noediting", "-i"])
    terminal.type(b"PS1='rea''dy> '\n")
    terminal.expect(b"ready> ")
    terminal.type(f"{' '.join(prefix)} /bin/sh -c 'echo star''ted; exec /bin/cat'\n".encode())
    terminal.expect(b"started")
    time.sleep(0.3)
    terminal.type(b"\x1a")
    terminal.expect(b"Stopped")
    terminal.expect(b"ready> ")
    terminal.type(b"fg\n")
    wait_until(lambda: os.tcgetpgrp(terminal.fd) != terminal.pid)  # the shell has let go of it
    terminal.type(b"hello\n")
    terminal.expect(b"hello")
    terminal.type(b"\x04")
    terminal.expect(b"ready> ")
    terminal.type(b"echo status $?; exit\n")
    terminal.expect(b"status 0")
    terminal.wait()


@BOTH
def test_control_z_is_the_programs_to_ignore(prefix: Sequence[str]) -> None:
    line = "trap '' TSTP; echo started; read word; echo got $word"
    terminal = Terminal([*prefix, "/bin/sh", "-c", line])
    terminal.expect(b"started")
    terminal.type(b"\x1a")
    time.sleep(0.2)
    terminal.type(b"hello\n")
    terminal.expect(b"got hello")
    assert terminal.wait() == 0


def test_with_statistics_a_stopped_program_stops_the_parent_too() -> None:
    parent = subprocess.Popen([*STATS, "/bin/sleep", "1"], process_group=0, stderr=subprocess.PIPE)
    wait_until(lambda: bool(children(parent.pid)))
    time.sleep(0.2)
    os.kill(children(parent.pid)[0], signal.SIGSTOP)
    _, status = os.waitpid(parent.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(parent.pid, signal.SIGCONT)
    assert parent.wait(WAIT_S) == 0


def test_with_statistics_a_termination_is_passed_on() -> None:
    parent = subprocess.Popen([*STATS, "/bin/sleep", "60"], stderr=subprocess.PIPE)
    wait_until(lambda: bool(children(parent.pid)))
    time.sleep(0.2)
    parent.terminate()
    _, error = parent.communicate(timeout=WAIT_S)
    assert parent.returncode == -signal.SIGTERM
    assert error.startswith(b"dbt: 1 process")


@BOTH
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_descriptors_stay_closed(
    prefix: Sequence[str], closed: str, tmp_path: Path
) -> None:
    """The program's own listing of its descriptors, through one that is open."""
    outputs = []
    for words in ((), prefix):
        output = tmp_path / "output"
        script = 'exec 9>"$OUTPUT"; "$@" /bin/sh -c "ls /proc/self/fd >&9; exec 8<&0" ' + closed
        with open(os.devnull, "wb") as null:
            subprocess.run(
                ["/bin/sh", "-c", script, "sh", *words],
                env={**os.environ, "OUTPUT": str(output)},
                stdin=null,
                stdout=null,
                stderr=null,
                timeout=WAIT_S,
                check=False,
            )
        outputs.append(output.read_text())
    assert outputs[0] == outputs[1] != ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
def test_lost_privileges_are_said_once(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(Path("/bin/sh").read_bytes())
    os.chown(program, 65534, 65534)
    program.chmod(0o4755)
    tmp_path.chmod(0o755)
    script = f'"{program}" -c "echo first"; "{program}" -c "echo second"'
    done = call(*RUN, "/bin/sh", "-c", script)
    assert done.stdout == b"first\nsecond\n"
    said = f"dbt: {program}: runs without the privileges that its file would give it\n"
    assert done.stderr.decode() == said


def test_tracing_a_translated_process_is_refused(tmp_path: Path) -> None:
    """By attaching, which would show a tracer the registers of the VMM."""
    source = tmp_path / "attach.c"
    source.write_text(
        """#include <errno.h>
        #include <stdio.h>
        #include <sys/ptrace.h>
        #include <unistd.h>
        int main(void) {
            pid_t child = fork();
            if (child == 0) { for (;;) pause(); }
            long attached = ptrace(PTRACE_ATTACH, child, 0, 0);
            printf("%ld %d", attached, attached < 0 ? errno : 0);
            fflush(stdout);
            kill(child, 9);
            return 0;
        }""".replace("#include <unistd.h>", "#include <unistd.h>\n#include <signal.h>")
    )
    subprocess.run(["gcc", "-o", tmp_path / "attach", source], check=True)
    done = call(*RUN, tmp_path / "attach")
    assert done.stdout == b"-1 1"
    assert done.stderr == b"dbt: a translated program cannot be traced by ptrace\n"


def test_a_program_executes_itself_by_any_name() -> None:
    """Each name would lead to the VMM: by the process's number, and through a directory."""
    script = 'cd /proc/self; exec ./exe -c \'exec /proc/$$/exe -c "echo $0" third\' second'
    done = call(*RUN, "/bin/sh", "-c", script, "first")
    assert (done.stdout, done.stderr) == (b"second\n", b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its root")
def test_programs_are_executed_without_proc(tmp_path: Path) -> None:
    """In a tree that holds a shell and what it needs: several generations of it."""
    needed = subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    for path in ("/bin/sh", *re.findall(r"(/\S+) \(0x", needed)):
        copy = tmp_path / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(Path(path).read_bytes())
        copy.chmod(0o755)
    script = 'echo "$0"; (sh -c "echo \\$0" inner); exec /bin/sh -c "echo \\$0" last'
    done = call(*RUN, "/usr/sbin/chroot", tmp_path, "/bin/sh", "-c", script, "outer")
    assert (done.stdout, done.stderr) == (b"outer\ninner\nlast\n", b"")
