"""A signal at every host instruction: the handler always finds a state that the guest has natively.

`step_signals.c` runs `guests/signal_steps.S` step by step: once natively, to write down every
state; then under the VMM, where it interrupts each host instruction once, those of the entry and
exit routines among them. What the guest's handler was given must be a native state, and none before
one that an earlier signal has shown: general and vector registers, flags, the stack and its red
zone.
"""

from __future__ import annotations

import functools
import os
import struct
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dbt.runtime.session import Session
from dbt.tcache.settings import Settings
from tests.guests.build import OUTPUT, build
from tests.guests.execute import MODES, vmm_path

_RECORD = struct.Struct("<QQ18Q256s512s")
_NAMES = (
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx", "rsp", "rip", "flags",
)  # fmt: skip
_R11, _COUNTER, _RIP, _FLAGS = (_NAMES.index(name) for name in ("r11", "r15", "rip", "flags"))
_STATUS_FLAGS = 0xCD5
_TRAP_FLAG = 0x100  # the tracer's own: a system call shows it in r11
#: Where the red zone of the loop itself begins in the window: what lies lower is free for signal
#: frames and for the host addresses of paired calls, also where it is in the red zone of a callee.
_WINDOW_FROM = 128


@dataclass(frozen=True)
class State:
    """A guest state: registers in the order of _NAMES, xmm0 to xmm15, part of the stack."""

    host_pc: int
    registers: tuple[int, ...]
    vectors: bytes
    window: bytes

    @property
    def place(self) -> tuple[int, int]:
        """The pass of the loop and the guest pc."""
        return self.registers[_COUNTER], self.registers[_RIP]

    def differences(self, other: State) -> list[str]:
        """What differs, one line each."""
        lines = [
            f"{name} {left:#x}, natively {right:#x}"
            for name, left, right in zip(_NAMES, self.registers, other.registers, strict=True)
            if left != right
        ]
        if self.vectors != other.vectors:
            lines.append("vector registers")
        if self.window != other.window:
            at = next(
                i for i, (a, b) in enumerate(zip(self.window, other.window, strict=True)) if a != b
            )
            lines.append(f"stack, byte {at - _WINDOW_FROM}")
        return lines


def _states(log: Path) -> list[State]:
    found = []
    for host_pc, _, *registers, vectors, window in _RECORD.iter_unpack(log.read_bytes()):
        registers[_FLAGS] &= _STATUS_FLAGS
        registers[_R11] &= ~_TRAP_FLAG
        found.append(State(host_pc, tuple(registers), vectors, window[_WINDOW_FROM:]))
    return found


def _symbols(path: Path, *names: str) -> list[str]:
    listed = subprocess.run(["nm", str(path)], capture_output=True, text=True, check=True).stdout
    table = {words[2]: words[0] for words in map(str.split, listed.splitlines()) if len(words) == 3}
    return [table[name] for name in names]


@functools.cache
def _tracer() -> Path:
    source = Path(__file__).with_name("step_signals.c")
    output = OUTPUT / "step_signals"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    made = output.with_suffix(f".{os.getpid()}")
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(made), str(source)], check=True)
    made.replace(output)
    return output


@functools.cache
def _guest() -> Path:
    return build("signal_steps", "signal_steps.S", "bare")


def _trace(
    kind: str, log: Path, image: list[str], words: list[str], descriptors: tuple[int, ...] = ()
) -> str:
    guest = _symbols(_guest(), "steps_context", "steps_stack", "steps_low", "steps_high")
    done = subprocess.run(
        [str(_tracer()), kind, str(log), *guest, *image, *words],
        capture_output=True,
        text=True,
        check=False,
        pass_fds=descriptors,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def _native(directory: Path) -> tuple[State, ...]:
    log = directory / "native"
    program = str(_guest())
    _trace("native", log, ["0", "0", "0", "1"], [program, program])
    return tuple(_states(log))


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, ...]:
    """All states of a native run, in order."""
    return _native(tmp_path_factory.mktemp("steps"))


def _interrupt(
    kind: str, stride: int, log: Path, settings: Mapping[str, Any], counts: bool = False
) -> list[State]:
    image = _symbols(vmm_path(), "dbt_exit_routine", "dbt_entry_begin", "dbt_entry_end")
    program = str(_guest())
    # So rarely that no sample falls into the steps.
    interval_us = 1_000_000_000 if counts else 0
    with Session(Settings(**settings), sample_interval_us=interval_us, counts=counts) as session:
        words = [str(vmm_path()), "dbt-vmm", str(session.fd), program, program]
        told = _trace(kind, log, [*image, str(stride)], words, (session.fd,))
    found = _states(log)
    seen, sent, _ = map(int, told.split())
    # The last signal may meet the end of the program.
    assert sent - 1 <= len(found) <= sent >= seen // stride
    return found


def _check(found: list[State], native: tuple[State, ...]) -> None:
    places = defaultdict(list)
    for at, state in enumerate(native):
        places[state.place].append(at)
    last = 0
    for number, state in enumerate(found):
        candidates = [at for at in places[state.place] if at >= last]
        same = [at for at in candidates if not state.differences(native[at])]
        assert same, (
            f"signal {number} at host {state.host_pc:#x}, guest {state.registers[_RIP]:#x}: "
            + (
                "; ".join(state.differences(native[candidates[0]]))
                if candidates
                else "never natively"
            )
        )
        last = same[0]


@pytest.mark.slow
@pytest.mark.parametrize("returns", ["table", "paired"])
def test_some_host_instructions(native: tuple[State, ...], tmp_path: Path, returns: str) -> None:
    _check(_interrupt("tc", 29, tmp_path / "log", {"returns": returns}), native)


@pytest.mark.slow
@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("mode", ["default", "cap1"])
def test_host_instructions_that_count(
    native: tuple[State, ...], tmp_path: Path, mode: str, stride: int
) -> None:
    found = _interrupt("tc", stride, tmp_path / "log", MODES[mode], counts=True)
    assert len(found) > 500 // stride
    _check(found, native)


@pytest.mark.full
@pytest.mark.parametrize("returns", ["table", "paired"])
@pytest.mark.parametrize("mode", MODES)
def test_every_host_instruction(
    native: tuple[State, ...], tmp_path: Path, mode: str, returns: str
) -> None:
    found = _interrupt("tc", 1, tmp_path / "log", {"returns": returns, **MODES[mode]})
    assert len(found) > 500
    _check(found, native)


@pytest.mark.full
def test_every_instruction_of_the_vmm(native: tuple[State, ...], tmp_path: Path) -> None:
    """In the VMM a signal waits until the guest's state is whole again."""
    _check(_interrupt("all", 7, tmp_path / "log", {}), native)
