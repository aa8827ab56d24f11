"""C programs by csmith: natively, translated, and compared with a reference."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dbt

LEVELS: Final = ("-O0", "-O1", "-O2", "-O3", "-Os", "-O2 -march=x86-64-v2")
_NATIVE_TIMEOUT_S: Final = 1.0
_TRANSLATED_TIMEOUT_S: Final = 60.0
_COMPARED_NATIVE_S: Final = 0.1
_OPTIONS: Final = ("--max-funcs", "4", "--max-block-depth", "3", "--no-packed-struct")


def is_there() -> bool:
    """Whether csmith and its headers are installed (packages csmith, libcsmith-dev)."""
    return shutil.which("csmith") is not None and Path("/usr/include/csmith/csmith.h").exists()


@dataclass(frozen=True)
class Difference:
    """A C program that does not do the same everywhere."""

    seed: int
    level: str
    why: str
    source: str


def check(seed: int, directory: Path | None = None) -> tuple[bool, Difference | None]:
    """Makes a program and runs it on all sides.

    Args:
        seed: of csmith; it also chooses the level of optimization and the reference.
        directory: where source and program are made; None: a temporary one.

    Returns:
        Whether the program ends natively in time, and what differed, or None.
    """
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="dbt-csmith-") as name:
            return check(seed, Path(name))
    source = directory / "program.c"
    program = directory / "program"
    level = LEVELS[seed % len(LEVELS)]
    made = subprocess.run(
        ["csmith", "--seed", str(seed), *_OPTIONS, "--output", str(source)],
        capture_output=True,
        cwd=directory,  # it leaves a file platform.info where it runs
    )
    if made.returncode:
        return False, None
    link = "-static" if seed % 3 == 0 else "-pie"
    subprocess.run(
        ["gcc", "-w", *level.split(), link, "-fPIE" if link == "-pie" else "-fno-pie",
         "-I/usr/include/csmith", "-o", str(program), str(source)],
        check=True,
    )  # fmt: skip
    started = time.monotonic()
    try:
        native = subprocess.run([program], capture_output=True, timeout=_NATIVE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False, None
    is_short = time.monotonic() - started < _COMPARED_NATIVE_S
    why = _translated(program, native) or (_compared(program, seed, native) if is_short else "")
    return True, Difference(seed, level, why, source.read_text()) if why else None


def _translated(program: Path, native: subprocess.CompletedProcess[bytes]) -> str:
    result = dbt.run([program], capture_output=True, timeout_s=_TRANSLATED_TIMEOUT_S)
    status = result.exit_status if result.signal is None else -result.signal
    if (status, result.stdout) == (native.returncode, native.stdout):
        return ""
    return f"translated: {status} {result.stdout!r}, not {native.returncode} {native.stdout!r}"


def _compared(program: Path, seed: int, native: subprocess.CompletedProcess[bytes]) -> str:
    oracle, every = (("unicorn", "tu"), ("hardware", "syscall"))[seed % 2]
    verdict = dbt.compare([program], oracle=oracle, every=every, quiet=True)
    status = verdict.exit_status if verdict.signal is None else -(verdict.signal or 0)
    if verdict.equal and status == native.returncode:
        return ""
    return str(verdict)
