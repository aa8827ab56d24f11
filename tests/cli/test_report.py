"""The internal-error report: provoked by planting a wrong instruction into a running VMM."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbt.runtime.launch import VMM_PATH

RUN = (sys.executable, "-m", "dbt", "run")
WAIT_S = 20
UD2 = b"\x0f\x0b"


def image_start(pid: int) -> int:
    """Where the VMM's image lies in a process, 0 while it has not come to it yet."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith("/dbt-vmm"):
            return int(line.partition("-")[0], 16)
    return 0


def symbol(name: str) -> int:
    """The offset of a function in the VMM's image."""
    for line in subprocess.check_output(["nm", VMM_PATH], text=True).splitlines():
        words = line.split()
        if words[-1] == name:
            return int(words[0], 16)
    raise LookupError(name)


def in_read(pid: int) -> bool:
    """Whether a process waits in read(0)."""
    try:
        return Path(f"/proc/{pid}/syscall").read_text().startswith("0 0x0 ")
    except OSError:
        return False


@pytest.fixture
def waiting() -> Iterator[subprocess.Popen[bytes]]:
    """A translated `cat` that waits for input."""
    process = subprocess.Popen(
        [*RUN, "/bin/cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        limit = time.monotonic() + WAIT_S
        while not (image_start(process.pid) and in_read(process.pid)):
            assert time.monotonic() < limit and process.poll() is None
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(shutil.which("nm") is None, reason="binutils are missing")
def test_a_fault_in_the_vmm_is_reported(waiting: subprocess.Popen[bytes]) -> None:
    place = symbol("dbt_dispatch")
    with open(f"/proc/{waiting.pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(image_start(waiting.pid) + place)
        memory.write(UD2)
    _, stderr = waiting.communicate(b"x\n", timeout=WAIT_S)
    lines = stderr.decode().splitlines()
    assert waiting.returncode == -signal.SIGABRT
    assert lines[0] == (
        f"dbt: internal error: SIGILL in the VMM at image offset {place:#x}, "
        f"address {image_start_of(lines[0]):#x} (host signal:4)"
    )
    pid = waiting.pid
    path = re.escape(str(Path("/bin/cat").resolve()))
    assert re.fullmatch(
        rf"dbt:   process {pid}, thread {pid}, {path}, guest pc 0x[0-9a-f]+", lines[1]
    )
    head = re.fullmatch(r"dbt:   (\d+) units translated; the last ones entered .*:", lines[2])
    assert head is not None
    numbers = []
    for line in lines[3:-1]:
        unit = re.fullmatch(r"dbt:   unit at guest 0x[0-9a-f]{16}, number (\d+)", line)
        assert unit is not None
        numbers.append(int(unit[1]))
    assert 1 < len(numbers) <= 64
    assert max(numbers) < int(head[1])
    for option in ("--no-chain", "--tu-cap 1", "--chain-until N", "dbt bisect"):
        assert option in lines[-1]


def image_start_of(line: str) -> int:
    """The address that a report names, which begins with the image's start: it is the pc itself."""
    found = re.search(r"offset (0x[0-9a-f]+), address (0x[0-9a-f]+)", line)
    assert found is not None
    assert (int(found[2], 16) - int(found[1], 16)) % 4096 == 0
    return int(found[2], 16)
