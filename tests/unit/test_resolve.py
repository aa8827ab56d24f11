"""Finding a program: the same file, or the same status, as a shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dbt.errors import DbtError, NotExecutableError, ProgramNotFoundError
from dbt.runtime.launch import resolve

ELF_32 = b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\x03\x00" + bytes(200)


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """A directory with one file of each kind."""

    def make(name: str, content: bytes, mode: int) -> None:
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(mode)

    make("script", b"#!/bin/sh\necho script $1\n", 0o755)
    make("plain", b"echo plain $1\n", 0o755)
    make("not-executable", b"#!/bin/sh\n", 0o644)
    make("binary-rubbish", b"\x01\x02\0\x03 rubbish", 0o755)
    make("elf-32", ELF_32, 0o755)
    (tmp_path / "directory").mkdir()
    (tmp_path / "program").symlink_to("/bin/true")
    (tmp_path / "dangling").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *("script", "plain", "not-executable", "binary-rubbish", "directory", "program"),
        *("dangling", "missing", "program/x"),
    ],
)
@pytest.mark.parametrize("with_path", [False, True])
def test_outcome_is_that_of_a_shell(bin_dir: Path, name: str, with_path: bool) -> None:
    word = f"./{name}" if with_path else name
    if not with_path and "/" in name:
        pytest.skip("a name to search for has no slash")
    shell = subprocess.run(
        ["/bin/bash", "-c", f"{word} 1"],
        env={"PATH": str(bin_dir)},
        cwd=bin_dir,
        capture_output=True,
    )
    try:
        resolve([word, "1"], os.fsencode(bin_dir), os.fsencode(bin_dir))
        status = 0
    except DbtError as error:
        status = error.exit_status
    assert status == shell.returncode


def test_search_takes_the_first_that_can_be_executed(bin_dir: Path) -> None:
    other = bin_dir / "directory"
    (other / "not-executable").symlink_to("/bin/true")
    path = os.fsencode(f"{bin_dir}:{other}")
    assert resolve(["not-executable"], path).path == os.fsencode(other / "not-executable")


def test_argument_zero_is_what_was_typed(bin_dir: Path) -> None:
    program = resolve(["script", "a", b"\xff"], os.fsencode(bin_dir))
    assert program.path == os.fsencode(bin_dir / "script")
    assert program.arguments == (b"script", b"a", b"\xff")


def test_a_text_without_interpreter_line_is_the_shells(bin_dir: Path) -> None:
    plain = os.fsencode(bin_dir / "plain")
    program = resolve([plain, "a"])
    assert program.path == b"/bin/sh"
    assert program.arguments == (b"/bin/sh", plain, b"a")


def test_an_empty_path_entry_is_the_current_directory(bin_dir: Path) -> None:
    assert resolve(["script"], b"/nowhere::", os.fsencode(bin_dir)).path == b"./script"


def test_other_machines_are_named(bin_dir: Path) -> None:
    with pytest.raises(NotExecutableError, match="not a 64-bit x86 program"):
        resolve([str(bin_dir / "elf-32")])


def test_an_empty_name_is_not_found() -> None:
    with pytest.raises(ProgramNotFoundError):
        resolve([""])
