"""The other translators that programs are timed under, as far as they are installed.

A peer's figure counts only when the program wrote what it writes natively and ended as it should.
Where a peer would run a program's code untranslated, it is not asked: `UNFIT` says so.
"""

from __future__ import annotations

import ctypes.util
import functools
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import instrumented
from bench.counters import Sample, measure
from tests.guests.execute import ENVIRONMENT
from tests.matrix.program import Context

Runner = Callable[[list[str], Context], Sample]

#: Seconds of wall time after which a peer is given up, unless others are asked for.
TIMEOUT_S = 60.0

#: Those that are Debian packages: name to the words before the program's own.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "qemu": ("qemu-x86_64",),
    "valgrind": ("valgrind", "--tool=none", "-q", "--trace-children=yes"),
}

PYQBDI = "pyqbdi"

_HANDLERS = "its signal handlers run untranslated"
_MADE = "code made at run time runs untranslated"
_STARTED = "programs that it starts run untranslated"

#: Peer to the rows (of bench/suite.py and bench/programs.py) that it cannot run, and why.
UNFIT: Mapping[str, Mapping[str, str]] = {
    "qemu": {"fork-exec": _STARTED},
    PYQBDI: {
        "fork-exec": _STARTED,
        "signals": _HANDLERS,
        "self-modification": _MADE,
        "rewriting": _MADE,
        "longjmp": "behind a longjmp everything runs untranslated",
        **dict.fromkeys(("node", "java", "luajit", "pypy3"), _MADE),
    }
}


def unfit(peer: str, row: str) -> str:
    """Why a peer cannot run a row, or empty where nothing is known against it."""
    return UNFIT.get(peer, {}).get(row, "")


def peers(timeout_s: float = TIMEOUT_S) -> dict[str, Runner]:
    """The peers that are installed, but for Unicorn, which is no Linux (bench/suite.py has it).

    Args:
        timeout_s: wall time after which a run of one is given up.
    """
    away = missing()
    found = {
        name: _runner(words, timeout_s) for name, words in COMMANDS.items() if name not in away
    }
    if PYQBDI not in away:
        found[PYQBDI] = _instrumented(timeout_s)
    return found


def missing() -> dict[str, str]:
    """The peers that cannot be used here, and what they lack."""
    away = {
        name: f"{words[0]} is not installed"
        for name, words in COMMANDS.items()
        if shutil.which(words[0]) is None
    }
    library = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if any(importlib.util.find_spec(name) is None for name in ("pyqbdi", "pyqbdipreload")):
        away[PYQBDI] = "this Python has no package pyqbdi (`pip install pyqbdi`)"
    elif ctypes.util.find_library(library) is None:
        away[PYQBDI] = f"it needs lib{library}.so to be loaded into programs"
    return away


def _runner(before: tuple[str, ...], timeout_s: float) -> Runner:
    """What times a program under a command that takes the program's own behind its words."""

    def runner(words: list[str], where: Context) -> Sample:
        path = shutil.which(before[0])
        assert path is not None
        return _timed([path, *before[1:], *words], words, where.directory, {}, timeout_s)

    return runner


def _instrumented(timeout_s: float) -> Runner:
    """PyQBDI, loaded into the program, from main on and without the C library; its start counts."""
    launcher = [sys.executable, "-m", "pyqbdipreload", "--", instrumented.__file__]

    def runner(words: list[str], where: Context) -> Sample:
        with tempfile.NamedTemporaryFile() as report:
            variables = {instrumented.REPORT: report.name}
            if _is_static(words[0]):
                # Nothing can be loaded into it: it is loaded into a program that does nothing.
                command = [*launcher, "/bin/true"]
                variables[instrumented.BARE] = words[0]
            else:
                command = [*launcher, *words]
            sample = _timed(command, words, where.directory, variables, timeout_s)
            if not Path(report.name).read_bytes():
                raise RuntimeError("it ran without PyQBDI")
            return sample

    return runner


def _timed(
    command: list[str],
    words: list[str],
    directory: Path,
    variables: Mapping[str, str],
    timeout_s: float,
) -> Sample:
    """Times a program under a peer and compares what it wrote with what it writes natively."""
    with tempfile.NamedTemporaryFile() as written:
        sample = measure(
            command,
            cwd=directory,
            environment={**ENVIRONMENT, **variables},
            stdout=Path(written.name),
            timeout_s=timeout_s,
        )
        output = hashlib.sha256(Path(written.name).read_bytes()).digest()
    if output != _native_output(tuple(words), directory):
        raise RuntimeError("its output is not the native one")
    return sample


@functools.cache
def _native_output(words: tuple[str, ...], directory: Path) -> bytes:
    done = subprocess.run(
        words,
        cwd=directory,
        env=dict(ENVIRONMENT),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    return hashlib.sha256(done.stdout).digest()


@functools.cache
def _is_static(path: str) -> bool:
    """Whether a program is an executable that no loader starts."""
    from elftools.elf.elffile import ELFFile

    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return False
        kinds = {segment["p_type"] for segment in ELFFile(file).iter_segments()}
    return "PT_INTERP" not in kinds
