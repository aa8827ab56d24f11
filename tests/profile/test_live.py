"""The live view in a real terminal (tmux): what it shows, and that it leaves no trace."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import dbt
from dbt.errors import LaunchError
from dbt.profiler.collect import Collector
from dbt.profiler.file import load
from dbt.profiler.live import Look, Watch
from dbt.profiler.screen import figures_text
from dbt.runtime.launch import VMM_PATH, resolve, vmm_arguments
from dbt.runtime.session import Session
from tests.guests.processes import is_alive, wait_until
from tests.profile.programs import compile_program

WAIT_S = 60

#: Works until the file that its argument names is there.
WORKS = """\
#include <stdio.h>
#include <unistd.h>
static volatile unsigned long sink;
__attribute__((noinline)) void burn(void)
{
    for (unsigned long at = 0; at < 1000000; at++) {
        sink += at;
    }
}
int main(int argc, char **argv)
{
    puts("first words");
    fflush(stdout);
    while (argc > 1 && access(argv[1], F_OK) != 0) {
        burn();
    }
    puts("last words");
    return 5;
}
"""


#: The row of a hot unit.
UNIT_ROW = re.compile(r"0x[0-9a-f]+ +burn +works")
#: The session's arenas, in the view's figures; and a row of their table.
ARENAS_LINE = re.compile(r"arenas +2 with [1-9]\d* chunks, [1-9][\d,]* units; [\d,]+ bytes")
ARENA_ROW = re.compile(r"\d+ +works +[1-9][\d,]* +67,108,864 +[1-9]\d* +[1-9][\d,]* +0x[0-9a-f]+")


def has_arenas(text: str) -> bool:
    """Whether the table of arenas is on the screen, with the two of the program."""
    return "reserved  " in text and len(ARENA_ROW.findall(text)) == 2


def fills(text: str, rows: int) -> bool:
    """Whether the view is laid out for a screen of that many rows."""
    lines = text.splitlines()
    return len(lines) == rows and "Quit the view" in lines[-1]


class Terminal:
    """A shell in tmux."""

    def __init__(self, directory: Path) -> None:
        self._tmux = ("tmux", "-S", str(directory / "socket"), "-f", "/dev/null")
        # Where these are set, they and not the terminal's size count.
        shell = "env -u COLUMNS -u LINES PS1='> ' sh"
        self.do("new-session", "-d", "-x", "120", "-y", "40", shell)

    def do(self, *words: str) -> str:
        """Runs a command of tmux."""
        command = [*self._tmux, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def close(self) -> None:
        """Takes the terminal away; again does nothing."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True)

    def type(self, text: str) -> None:
        """Types a line."""
        self.do("send-keys", "-l", text)
        self.do("send-keys", "Enter")

    def text(self) -> str:
        """What is on the screen."""
        return self.do("capture-pane", "-p")

    def wait(self, shows: Callable[[str], bool]) -> str:
        """Waits until the screen shows something."""
        limit = time.monotonic() + WAIT_S
        while not shows(text := self.text()):
            assert time.monotonic() < limit, text
            time.sleep(0.1)
        return text


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal that is closed afterwards."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is missing")
    one = Terminal(tmp_path)
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program that works until it is told to end."""
    return compile_program(tmp_path, "works", WORKS)


@pytest.mark.slow
def test_the_view_of_a_program(terminal: Terminal, tmp_path: Path, program: Path) -> None:
    command = f"{sys.executable} -m dbt profile --live -o {tmp_path}/profile"
    terminal.type(f"{command} {program} {tmp_path}/end; echo status $?")
    text = terminal.wait(lambda text: "burn" in text and "IDENT" in text)
    assert "hit rate" in text and "occupancy" in text and "translated code" in text
    assert "first words" not in text
    terminal.do("resize-window", "-x", "90", "-y", "30")
    terminal.wait(lambda text: fills(text, 30) and "burn" in text)
    terminal.do("resize-window", "-x", "80", "-y", "24")
    # The terminal keeps the lower rows until the view draws all of them anew.
    text = terminal.wait(
        lambda text: fills(text, 24) and all(row.search(text) for row in (ARENAS_LINE, UNIT_ROW))
    )
    assert "reserved  " not in text
    terminal.do("send-keys", "a")
    terminal.wait(lambda text: has_arenas(text) and "IDENT" not in text)
    terminal.do("send-keys", "a")
    terminal.wait(lambda text: "IDENT" in text and "reserved  " not in text)
    terminal.do("send-keys", "q")
    text = terminal.wait(lambda text: "first words" in text)
    assert "occupancy" not in text and "last words" not in text
    (tmp_path / "end").touch()
    terminal.wait(lambda text: "status 5" in text)
    text = terminal.do("capture-pane", "-p", "-S", "-100")  # with what has scrolled away
    lines = [line.rstrip() for line in text.splitlines()]
    assert "first words" in lines and "last words" in lines
    assert load(tmp_path / "profile").functions[0].name == "burn"


@pytest.mark.slow
def test_an_output_that_is_no_terminal_is_left_alone(
    terminal: Terminal, tmp_path: Path, program: Path
) -> None:
    command = f"{sys.executable} -m dbt profile --live -o {tmp_path}/profile"
    terminal.type(f"{command} {program} {tmp_path}/end > {tmp_path}/output; echo status $?")
    terminal.wait(lambda text: "burn" in text)
    assert (tmp_path / "output").read_text() == "first words\n"
    (tmp_path / "end").touch()
    terminal.wait(lambda text: "the program has ended" in text)
    terminal.do("send-keys", "q")
    terminal.wait(lambda text: "status 5" in text)
    assert (tmp_path / "output").read_text() == "first words\nlast words\n"


@pytest.mark.slow
def test_a_terminal_that_goes_away_ends_the_view_and_the_program(
    terminal: Terminal, tmp_path: Path, program: Path
) -> None:
    command = f"{sys.executable} -m dbt profile --live -o {tmp_path}/profile"
    terminal.type(f"echo $$ > {tmp_path}/pid; exec {command} {program} {tmp_path}/end")
    terminal.wait(lambda text: "burn" in text)
    pid = int((tmp_path / "pid").read_text())
    terminal.close()
    wait_until(lambda: not is_alive(pid))
    assert load(tmp_path / "profile").functions[0].name == "burn"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["run", "profile -o /dev/null"])
def test_top_of_a_running_program(
    terminal: Terminal, tmp_path: Path, program: Path, how: str
) -> None:
    words = [sys.executable, "-m", "dbt", *how.split(), str(program), f"{tmp_path}/end"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"first words\n"
        terminal.type(f"{sys.executable} -m dbt top {child.pid}; echo status $?")
        text = terminal.wait(lambda text: "works" in text and "occupancy" in text)
        if how != "run":
            terminal.wait(lambda text: "burn" in text)
        assert "running" in text and ARENAS_LINE.search(text)
        terminal.do("resize-window", "-x", "80", "-y", "24")
        if how != "run":
            terminal.do("send-keys", "a")
        terminal.wait(lambda text: fills(text, 24) and has_arenas(text))
        terminal.do("resize-window", "-x", "120", "-y", "40")
        text = terminal.wait(lambda text: fills(text, 40) and has_arenas(text))
        (process,) = dbt.processes(child.pid)
        for arena in process.arenas:
            assert f"{arena.guest_start:#x} to {arena.guest_end:#x}" in text
        terminal.do("send-keys", "q")
        terminal.wait(lambda text: "status 0" in text)
        assert child.poll() is None
        (tmp_path / "end").touch()
        assert child.wait(WAIT_S) == 5


def test_a_terminal_is_needed(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "dbt", "profile", "--live", "-o", tmp_path / "file", "true")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("dbt: the live view needs a terminal")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [None, "", "dumb", "unknown"])
def test_a_terminal_without_a_cursor_is_refused(tmp_path: Path, name: str | None) -> None:
    environment = {key: text for key, text in os.environ.items() if key != "TERM"}
    if name is not None:
        environment["TERM"] = name
    command = (sys.executable, "-m", "dbt", "profile", "--live", "-o", tmp_path / "file", "true")
    master, slave = pty.openpty()
    with open(master, "rb", buffering=0) as terminal:
        done = subprocess.run(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, timeout=WAIT_S
        )
        told = terminal.read(1 << 16)
    os.close(slave)
    wanted = f"dbt: the live view needs a terminal with a cursor: TERM is {name or 'empty'}"
    assert (done.returncode, told) == (2, wanted.encode() + b"\r\n")
    assert list(tmp_path.iterdir()) == []


def test_a_process_without_a_session_is_told() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        with pytest.raises(LaunchError, match="does not run under dbt"):
            Session.attach(other.pid)
        other.kill()
    with pytest.raises(LaunchError, match="there is no such process"):
        Session.attach(other.pid)


def test_looks_tell_what_changed(tmp_path: Path, program: Path) -> None:
    with Session(dbt.Settings(), sample_interval_us=1000) as session:
        collector = Collector(session)
        watch = Watch(session, collector)
        command = vmm_arguments(session, resolve([str(program), str(tmp_path / "end")]))
        with subprocess.Popen(
            command, executable=VMM_PATH, pass_fds=[session.fd], stdout=subprocess.DEVNULL
        ) as child:
            collector.start()
            look = wait_for_look(watch, lambda look: any(u.function == "burn" for u in look.units))
            assert watch.is_running
            assert look.used_bytes == sum(arena.use.bytes_used for arena in look.arenas) > 0
            assert {(one.pid, one.name) for one in look.arenas} == {(child.pid, "works")}
            assert look.threads[0].pid == child.pid and look.threads[0].samples > 0
            look = wait_for_look(watch, lambda look: bool(look.places["tc"]))
            assert "translated code" in figures_text(look, watch.room_bytes)
            attached = Session.attach(child.pid)
            assert attached.is_profiled and attached.processes()[0].pid == child.pid
            (tmp_path / "end").touch()
        collector.stop()
        assert not watch.is_running
        ended = watch.look()
        assert ended.used_bytes == 0 and not any(arena.running for arena in ended.arenas)
        assert [arena.use.host_start for arena in ended.arenas] == [
            arena.use.host_start for arena in look.arenas
        ]


def wait_for_look(watch: Watch, fits: Callable[[Look], bool]) -> Look:
    """Looks until a look fits."""
    limit = time.monotonic() + WAIT_S
    while not fits(look := watch.look()):
        assert time.monotonic() < limit, look
        time.sleep(0.1)
    return look
