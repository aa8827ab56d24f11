"""One row of the program matrix, and short ways to write its command line."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.matrix import inputs


@dataclass(frozen=True)
class Context:
    """What a program's command line may refer to.

    Attributes:
        size: of the inputs, a key of tests.matrix.inputs.SCALES.
        directory: the inputs; also the working directory.
    """

    size: str
    directory: Path

    def pick(self, full: object, small: object) -> str:
        """One of two words, by size."""
        return str(full if self.size == "full" else small)

    def workload(self, name: str) -> str:
        """Path of a file in bench/workloads."""
        return str(inputs.WORKLOADS / name)

    def script(self, name: str) -> str:
        """Path of a file in tests/matrix/scripts."""
        return str(inputs.SCRIPTS / name)


@dataclass(frozen=True)
class Program:
    """One row of the matrix.

    Attributes:
        name: of the row.
        package: the Debian package of the executable, or of the compiler that builds it.
        command: makes the command line; its first word is an absolute path.
        sample: whether CI's quick sample takes it.
        input_file: standard input, a name in the inputs' directory; empty for none.
        status: the exit status it has natively.
        timeout_s: wall time for a full translated run.
        refused: why the engine refuses it for now, as its message says; empty when it must work.
    """

    name: str
    package: str
    command: Callable[[Context], list[str]]
    sample: bool = False
    input_file: str = ""
    status: int = 0
    timeout_s: float = 300.0
    refused: str = ""


@functools.cache
def compiler_part(name: str) -> str:
    """Path of a part of gcc, such as cc1."""
    done = subprocess.run(
        ["gcc", f"-print-prog-name={name}"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def usr(name: str, *words: str) -> Callable[[Context], list[str]]:
    """/usr/bin/NAME with words that need nothing filled in."""
    return lambda _: [f"/usr/bin/{name}", *words]


def shell(shell: str, text: str) -> Callable[[Context], list[str]]:
    """A shell and a few lines for it."""
    return lambda _: [shell, "-c", text]


def script(shell: str, name: str) -> Callable[[Context], list[str]]:
    """A shell and one of the matrix's scripts."""
    return lambda context: [shell, context.script(name)]


def context(size: str) -> Context:
    """Makes the inputs of one size and what refers to them."""
    return Context(size, inputs.make(size))


def missing(program: Program, words: list[str]) -> str:
    """What to install before a program can run; empty when it is there."""
    return "" if os.access(words[0], os.X_OK) else f"install the Debian package {program.package}"
