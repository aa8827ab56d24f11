"""The time split of `dbt profile` beside what perf says of the same run.

    python -m bench.timesplit PROGRAM ARGUMENTS…

perf samples by a clock of its own (`cpu-clock`: no hardware counter is needed) and tells by
address: anonymous memory is the translation cache, `dbt-vmm` is the VMM. Its samples in the kernel
are told apart by how the kernel was entered: those of a system call are the kernel's, page faults
and interrupts count where they came, as in the profile. What is sampled right behind a system call
belongs to the call, in both.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dbt.profiler.file import load
from tests.guests.execute import ROOT

#: What both can tell apart, and the profile's places that it is made of.
PARTS = {"cache": ("tc", "lookup"), "vmm": ("translate", "vmm"), "kernel": ("kernel",)}
_HZ = 1000
_FRAME = re.compile(r"\s*[0-9a-f]+\s+(.*) \((.*)\)$")
_CALL = "dbt_gate_syscall"  # csrc/linux/gate.S
_ENTRIES = ("entry_SYSCALL_64", "do_syscall_64")


def split(words: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Runs a program under `dbt profile` and perf at once.

    Args:
        words: the program and its arguments; its first process counts.

    Returns:
        The profile's share and perf's, for each of PARTS.

    Raises:
        subprocess.CalledProcessError: perf or the program failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        data, out = Path(directory, "perf"), Path(directory, "profile")
        profile = [sys.executable, "-m", "dbt", "profile", "-o", str(out), *words]
        record = ["perf", "record", "-q", "-g", "-e", "cpu-clock", "-F", str(_HZ), "-o", str(data)]
        subprocess.run(
            [*record, "--", *profile],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        script = ["perf", "script", "-i", str(data), "-F", "pid,ip,sym,dso"]
        done = subprocess.run(script, check=True, capture_output=True, text=True)
        found = load(out)
    theirs = of_perf(done.stdout, found.processes[0].pid)
    figures = found.processes[0].figures
    ours = {
        part: sum(getattr(figures, f"time_share_{place}") or 0.0 for place in places)
        for part, places in PARTS.items()
    }
    return {part: (ours[part], theirs[part]) for part in PARTS}


def of_perf(text: str, pid: int) -> dict[str, float]:
    """Shares of PARTS in the output of `perf script -F pid,ip,sym,dso`.

    Args:
        text: for each sample a line with the process, the frames, innermost first, an empty line.
        pid: of the process that counts.
    """
    counts: Counter[str] = Counter()
    for sample in text.split("\n\n"):
        head, *frames = sample.strip("\n").split("\n")
        if head.strip() == str(pid):
            counts[_place(frames)] += 1
    del counts[""]
    whole = counts.total() or 1
    return {part: counts[part] / whole for part in PARTS}


def _place(frames: Sequence[str]) -> str:
    """The part that a sample belongs to, or nothing where it came before the program's start."""
    in_call = False
    for frame in frames:
        match = _FRAME.fullmatch(frame)
        if match is None:
            continue
        symbol, origin = match.groups()
        if _is_kernel(origin):
            in_call = in_call or symbol.startswith(_ENTRIES)
            continue
        part = "kernel" if symbol == _CALL else _part(origin)
        return "kernel" if in_call and part else part
    return ""


def _is_kernel(origin: str) -> bool:
    return origin.startswith("[kernel") or origin.endswith(".ko")


def _part(origin: str) -> str:
    """What an address belongs to, by its file; nothing where it is Python's, before the start."""
    if origin.endswith("/dbt-vmm"):
        return "vmm"
    # perf calls anonymous memory so, or by the map that it would look for names in.
    anonymous = origin in ("//anon", "[unknown]", "anon") or re.search(r"/perf-\d+\.map$", origin)
    return "cache" if anonymous else ""


def main(words: Sequence[str]) -> None:
    """Prints both, side by side."""
    print(f"{'':<8} {'profile':>8} {'perf':>8}")
    for part, (ours, theirs) in split(words).items():
        print(f"{part:<8} {ours:>8.1%} {theirs:>8.1%}")


if __name__ == "__main__":
    main(sys.argv[1:])
