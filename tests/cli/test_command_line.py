"""The command line itself: help, version, and one line for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dbt

DBT = (sys.executable, "-m", "dbt")


def call(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DBT, *words], capture_output=True, text=True, timeout=20, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option: str) -> None:
    done = call(option)
    assert (done.stdout, done.stderr, done.returncode) == (f"dbt {dbt.__version__}\n", "", 0)


@pytest.mark.parametrize("words", [(), ("run",), ("translate",)])
def test_help_names_the_parts(words: tuple[str, ...]) -> None:
    done = call(*words, "--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("Usage: dbt")
    wanted = {(): ["run ", "translate "], ("run",): ["--stats", "--tc-size SIZE", "127"]}
    for part in wanted.get(words, ["--at", "--hex", "FILE"]):
        assert part in done.stdout


def test_without_words_the_help_comes_with_status_2() -> None:
    done = call()
    assert done.returncode == 2
    assert "Usage: dbt" in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["run"], 2, "missing argument"),
        (["run", "--tc-size"], 2, "requires an argument"),
        (["run", "--no-such", "ls"], 2, "no such option"),
        (["run", "--stats=yes", "ls"], 2, "does not take a value"),
        (["run", "--tc-size", "12q", "ls"], 2, "is no size"),
        (["run", "--tc-size", "1K", "ls"], 2, "64K to 1G"),
        (["run", "--tu-cap=0", "ls"], 2, "1 to 128"),
        (["run", "--tu-cap", "x", "ls"], 2, "is no count"),
        (["run", "no-such-program"], 127, "no-such-program: command not found"),
        (["run", "./no-such-program"], 127, "No such file or directory"),
        (["run", "--stats", "/etc"], 126, "Is a directory"),
        (["run", "/etc/passwd"], 126, "Permission denied"),
        (["no-such-command"], 2, "no such command"),
        (["translate"], 2, "FILE"),
        (["translate", "--hex", "zz"], 2, "is not hexadecimal"),
        (["translate", "--hex", "90", "--at", "main"], 2, "--pc"),
        (["translate", "--hex", "90", "--pc", "x"], 2, "is no address"),
        (["translate", "--hex", "ff"], 1, "no whole instruction"),
        (["translate", "/no/such/file"], 2, "No such file or directory"),
        (["translate", "/etc/passwd"], 2, "not an ELF file"),
        (["translate", "/bin/true", "--at", "no_such"], 2, "no symbol 'no_such'"),
        (["translate", "/bin/true", "--at", "0x99999999"], 2, "no code at 0x99999999"),
    ],
)
def test_a_mistake_is_one_line_and_a_status(words: list[str], status: int, message: str) -> None:
    done = call(*words)
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.startswith("dbt: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_environment_variable_is_named() -> None:
    done = call("run", "/bin/true", env={"DBT_TC_SIZE": "huge"})
    assert done.returncode == 2
    assert done.stderr == "dbt: DBT_TC_SIZE: 'huge' is no size; write 65536, 64K, 16M or 1G\n"


def test_output_to_nobody_is_no_error() -> None:
    reader = subprocess.Popen(["/bin/true"], stdin=subprocess.PIPE)
    reader.wait()
    assert reader.stdin is not None
    done = subprocess.run([*DBT, "--help"], stdout=reader.stdin, stderr=subprocess.PIPE)
    reader.stdin.close()
    assert done.stderr == b""


def test_translate_shows_guest_class_and_host() -> None:
    done = call("translate", "--hex", "4801d8 c3", "--pc", "0x1000")
    assert done.returncode == 0
    first = next(line for line in done.stdout.splitlines() if "0x1000 " in line)
    for part in ("48 01 d8", "add rax, rbx", "IDENT"):
        assert part in first
    assert "RET" in done.stdout


def test_translate_finds_a_symbol() -> None:
    libc = Path("/proc/self/maps").read_text().partition("libc.so.6")[0].rsplit(" ", 1)[1]
    done = call("translate", f"{libc}libc.so.6", "--at", "getpid")
    assert done.returncode == 0
    assert "<getpid>" in done.stdout
    assert "SYSCALL" in done.stdout


def test_translate_as_json_is_the_same_listing() -> None:
    words = ("translate", "--hex", "89 f9 74 02 c3", "--pc", "0x5000")
    done = call(*words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    units = json.loads(done.stdout)
    assert [unit["guest"]["pc"] for unit in units] == [0x5000, 0x5004]
    shown = call(*words).stdout
    assert [row["class"] for row in units[0]["rows"]] == ["IDENT", "JCC"]
    for unit in units:
        assert f"TU@{unit['guest']['pc']:#x}" in shown
