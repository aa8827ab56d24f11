"""Looking at processes from outside, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name: state, parent and so on.

    Raises:
        OSError: there is no such process.
    """
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return stat_fields(pid)[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Waits for something to happen; an AssertionError says that it did not."""
    limit = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.01)
