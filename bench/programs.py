"""The programs that are timed: kernels that stress one thing each, and real programs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.matrix import inputs
from tests.matrix.program import Context, compiler_part


@dataclass(frozen=True)
class Timed:
    """One row of the report.

    Attributes:
        name: of the row.
        command: makes the command line; the first word is an absolute path.
        cpu_bound: whether the goal for CPU-bound programs applies.
        goal: the ratio to native that it shall not exceed.
    """

    name: str
    command: Callable[[Context], list[str]]
    cpu_bound: bool = True
    goal: float = 1.6


def _built(name: str, variant: str, *flags: str, source: str = "") -> str:
    return inputs.program(name, source or f"{name}.c", variant, *flags)


def _classes(where: Context) -> str:
    """The directory of Bench.class; without a compiler it is empty, and java says so."""
    directory = where.directory / "classes"
    compiler = shutil.which("javac")
    if compiler is not None and not (directory / "Bench.class").exists():
        words = [compiler, "-d", str(directory), where.workload("Bench.java")]
        subprocess.run(words, check=True, capture_output=True)
    return str(directory)


_NO_INLINE = ("-fno-inline", "-fno-optimize-sibling-calls", "-fno-ipa-cp")

TIMED: tuple[Timed, ...] = (
    Timed("fib", lambda _: [_built("fibcall", "no-pie", *_NO_INLINE), "40"], goal=1.3),
    Timed("isprime", lambda _: [_built("isprime", "pie"), "2000000"]),
    Timed("vm-switch", lambda _: [_built("vm_switch", "pie", source="vm.c"), "15000000"]),
    Timed("vm-goto", lambda _: [_built("vm_goto", "pie", "-DGOTO=1", source="vm.c"), "15000000"]),
    Timed("icall-periodic", lambda _: [_built("icall", "pie"), "p", "200000000"]),
    Timed("icall-random", lambda _: [_built("icall", "pie"), "r", "40000000"]),
    Timed("longjmp", lambda _: [_built("ljmp", "pie"), "40000000"]),
    Timed("nbody", lambda _: [_built("nbody", "pie", "-lm"), "5000000"]),
    Timed("memory", lambda _: [_built("memcpyb", "pie"), "8000000"]),
    Timed("exceptions", lambda _: [_built("eh", "pie", source="eh.cc"), "300000"]),
    Timed("system-calls", lambda _: [_built("sysloop", "pie"), "5000000"], cpu_bound=False),
    Timed("fork-exec", lambda _: [_built("forkexec", "pie"), "150"], cpu_bound=False),
    Timed("rewriting", lambda _: [_built("jitchurn", "pie"), "200000"], cpu_bound=False),
    Timed("bzip2", lambda _: ["/usr/bin/bzip2", "-9c", "mixed.bin"]),
    Timed("xz", lambda _: ["/usr/bin/xz", "-2", "-T1", "-c", "mixed.bin"]),
    Timed("gzip", lambda _: ["/usr/bin/gzip", "-9nc", "mixed.bin"]),
    Timed("sha256sum", lambda _: ["/usr/bin/sha256sum", *["mixed.bin"] * 60]),
    Timed("sqlite3", lambda c: ["/usr/bin/sqlite3", ":memory:", f".read {c.workload('t.sql')}"]),
    Timed("lua", lambda c: ["/usr/bin/lua5.4", c.workload("fibsort.lua")]),
    Timed("perl", lambda c: ["/usr/bin/perl", c.workload("hash.pl"), "words.txt"]),
    Timed("python", lambda c: ["/usr/bin/python3", c.workload("rich.script"), "4"]),
    Timed("awk", lambda c: ["/usr/bin/mawk", "-f", c.workload("w.awk"), "words.txt"]),
    Timed("cc1", lambda _: [compiler_part("cc1"), "-quiet", "-O2", "big.i", "-o", "-"]),
    Timed("cc1plus", lambda _: [compiler_part("cc1plus"), "-quiet", "-O0", "stl.ii", "-o", "-"]),
    Timed("node", lambda c: ["/usr/bin/node", c.workload("loop.js")], goal=2.0),
    Timed("java", lambda c: ["/usr/bin/java", "-cp", _classes(c), "Bench"], goal=2.0),
    Timed("luajit", lambda c: ["/usr/bin/luajit", c.workload("lj.lua")], goal=2.5),
    Timed("pypy3", lambda c: ["/usr/bin/pypy3", c.workload("rich.script"), "20"], goal=2.5),
)
