"""Whole random programs, translated, chained and run in Unicorn, in step with a native run.

A few lines of Python stand for the dispatcher: they translate, link and fill the tables exactly
when emitted code asks for it. At every host instruction the state map must give the guest state of
that moment in the native run.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unicorn import x86_const as x86

from dbt._native import lib
from dbt.decoder.instruction import REGISTER_NAMES
from dbt.errors import NoRoomError
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry, ExitKind
from tests.translate import emulator
from tests.translate.emulator import (
    CONTEXT,
    DATA,
    STACK,
    STACK_BYTES,
    STACK_POINTER,
    Guest,
    HostRun,
    Machine,
    Native,
    Snapshot,
)

BLOCKS = 24
JUMP = 0xE9
JUMPS_MAX = 30
GUEST_STEPS = 150
HOST_STEPS_MAX = 6000
PLAIN = (
    *("89f8", "ffc9", "ffc1", "85d2", "39cf", "4801c6", "480fbae203", "0f94c2", "90", "c1e703"),
    *("4c89c1", "488d7c0f07", "d1fe", "9c", "58", "50", "5a", "5066c1ca0358", "31c9", "b903000000"),
)
MEMORY = ("658b0425", "65480304250", "8905", "0305", "8b0425")


@dataclass
class Program:
    """Random code, the guest addresses of its blocks, and its bytes."""

    pc: int
    blocks: list[int]
    code: bytes


def random_program(noise: random.Random, pc: int) -> Program:
    """Blocks that end in every kind of control transfer, all to the start of some block."""
    parts: list[bytes] = []
    patches: list[tuple[int, int]] = []
    blocks: list[int] = []
    at = 0

    def put(code: bytes) -> None:
        nonlocal at
        parts.append(code)
        at += len(code)

    def branch(opcode: str) -> None:
        put(bytes.fromhex(opcode) + bytes(4))
        patches.append((at - 4, noise.randrange(BLOCKS)))

    for _ in range(BLOCKS):
        blocks.append(at)
        for _ in range(noise.randrange(5)):
            put(bytes.fromhex(noise.choice(PLAIN)))
        if noise.random() < 0.3:
            offset = noise.randrange(0, 0x400).to_bytes(4, "little")
            put(bytes.fromhex(noise.choice(["65488b0425", "650304 25", "65890425"])) + offset)
        kind = noise.choice([*["jcc"] * 3, "jmp", "call", "call", "ret", "ijmp", "icall", ""])
        if kind == "jcc":
            branch(f"0f{0x80 | noise.randrange(16):02x}")
        elif kind == "jmp":
            branch("e9")
        elif kind == "call":
            branch("e8")
        elif kind == "ret":
            put(bytes.fromhex(noise.choice(["c3", "c3", "c21000"])))
        elif kind:
            register = noise.randrange(3)  # rax, rcx, rdx
            branch(f"488d{5 | register << 3:02x}")
            put(bytes([0xFF, (0xE0 if kind == "ijmp" else 0xD0) | register]))
        if noise.random() < 0.2:
            put(bytes([noise.choice([0xE0, 0xE1, 0xE2, 0xE3]), 1, 0x90]))  # over a nop
    put(b"\xe9" + bytes(4))
    patches.append((at - 4, 0))
    code = bytearray(b"".join(parts))
    for place, block in patches:
        code[place : place + 4] = (blocks[block] - place - 4).to_bytes(4, "little", signed=True)
    return Program(pc, [pc + block for block in blocks], bytes(code))


def start_guest(program: Program, machine: Machine, noise: random.Random) -> Guest:
    registers = {name: noise.getrandbits(64) for name in REGISTER_NAMES}
    registers["rsp"] = STACK_POINTER
    guest = Guest(registers, flags=noise.getrandbits(12) & 0x8D5, gs_base=DATA)
    for at in range(STACK, STACK + STACK_BYTES, 8):  # there is always something to return to
        guest.memory[at] = noise.choice(program.blocks).to_bytes(8, "little")
    machine.map_pages(program.pc, len(program.code))
    guest.memory[program.pc] = program.code
    return guest


def shallow(machine: Machine, rip: int) -> Snapshot:
    """A state without its memory, which is compared at the end."""
    return Snapshot(rip, machine.registers(), machine.flags(), ())


def native_run(
    machine: Machine, program: Program, guest: Guest, seed: int
) -> tuple[list[Snapshot], tuple[bytes, ...]]:
    machine.load(guest, seed)
    machine.uc.reg_write(x86.UC_X86_REG_GS_BASE, guest.gs_base)
    machine.uc.ctl_flush_tb()
    pc = program.blocks[0]
    states = [shallow(machine, pc)]
    for count in range(GUEST_STEPS + JUMPS_MAX):
        if not program.pc <= pc < program.pc + len(program.code):
            break
        if count >= GUEST_STEPS and program.code[pc - program.pc] != JUMP:
            break  # where there is host code, so that the end can be seen
        pc, faults = machine.step(pc)
        if faults or not STACK + 64 < machine.registers()[4] < STACK + STACK_BYTES - 64:
            break
        states.append(shallow(machine, pc))
    return states, machine.memory()


class Dispatcher:
    """Serves exits as csrc/core/dispatch.c does, and follows the native run step by step."""

    def __init__(self, run: HostRun, states: list[Snapshot]) -> None:
        self.run = run
        self.states = states
        self.at = 0
        self.dispatches = 0
        self.chains = True
        self.disturb: random.Random | None = None

    def serve(self) -> int:
        """The exit routine was reached: the host pc to go on at."""
        self.dispatches += 1
        translation = self.run.translation
        identity = self.run.slot("exit_id") & 0xFFFFFFFF
        exit = None
        if self.disturb is not None and self.disturb.random() < 0.3:
            start = self.disturb.choice(self.states).rip
            translation.invalidate(start, start + self.disturb.choice([1, 16, 100]))
        if identity == lib.DBT_LISTING_RETURN_MISS or identity == lib.DBT_LISTING_JUMP_MISS:
            pc, entry = self.run.slot("key"), Entry(identity)
        else:
            exit = translation.exit(identity - 16)
            assert exit.kind == ExitKind.CONTINUATION
            pc, entry = exit.target, exit.entry
        assert pc == self.states[self.at].rip
        number = translation.lookup(pc, entry)
        if number is None:
            number = translation.translate(pc, entry)[0]
            exit = exit if exit and self.is_current(exit.number, pc) else None
        if exit is not None and translation.exit(exit.number).linked is None and self.chains:
            with contextlib.suppress(NoRoomError):  # the unit it leaves is gone
                translation.link(exit.number, number)
        if entry in (Entry.RETURN, Entry.JUMP) and self.chains:
            translation.fill_table(number)
        self.run.machine.uc.ctl_flush_tb()
        return translation.unit(number).host_body

    def is_current(self, number: int, pc: int) -> bool:
        """Whether an exit is still what it was before a translation that may have evicted it."""
        exit = self.run.translation.exit(number)
        return exit.target == pc and exit.linked is None

    def is_left_out(self, at: int) -> bool:
        """Whether the native run does a direct jump next: there may be no host code for it."""
        code = self.run.translation.guest_code(self.states[at].rip, 1)
        return code == bytes([JUMP]) and at + 1 < len(self.states)

    def follow(self, host_pc: int) -> None:
        """Runs to the end of the native run, in step with it."""
        for _ in range(HOST_STEPS_MAX):
            while host_pc == self.run.exit_routine:
                host_pc = self.serve()
            found = self.run.recover(host_pc)
            found = Snapshot(found.rip, found.registers, found.flags, ())
            while found != self.states[self.at]:
                if found != self.states[self.at + 1] and not self.is_left_out(self.at + 1):
                    self.run.fail(
                        f"step {self.at} at host {host_pc:#x}: "
                        f"{found.difference(self.states[self.at])}; "
                        f"{found.difference(self.states[self.at + 1])}"
                    )
                self.at += 1
            if self.at == len(self.states) - 1:
                return
            self.run.trace.append(f"  {host_pc:#x} {self.run.translation.state_at(host_pc)}")
            del self.run.trace[:-30]
            host_pc, faults = self.run.machine.step(host_pc)
            if faults:
                self.run.fail(f"a fault at step {self.at}")
        self.run.fail("the host code does not come to the end")


def run_both(
    program: Program, options: Options, seed: int, disturb: random.Random | None = None
) -> Dispatcher:
    machine = Machine.shared()
    guest = start_guest(program, machine, random.Random(seed))
    translation = Translation(program.code, program.pc, options)
    ranges: list[tuple[int, int]] = []
    try:
        states, memory = native_run(machine, program, guest, seed)
        number = translation.translate(program.blocks[0])[0]
        ranges = machine.map_host(translation)
        run = HostRun(machine, translation, Native(tuple(states), False), f"seed {seed}")
        run.dead = None
        emulator.start_host(run, guest, seed)
        dispatcher = Dispatcher(run, states)
        dispatcher.chains = options.chain
        dispatcher.disturb = disturb
        dispatcher.follow(translation.unit(number).host_body)
        check_memory(machine, memory, rsp=states[-1].registers[4])
        return dispatcher
    finally:
        for address, size in ranges:
            machine.uc.mem_unmap(address, size)
        machine.forget()
        translation.close()


def check_memory(machine: Machine, memory: tuple[bytes, ...], rsp: int) -> None:
    """All memory as after the native run; what lies below the stack pointer may differ."""
    found = machine.memory()
    assert found[0][rsp - STACK :] == memory[0][rsp - STACK :], "the stack differs"
    assert found[1:] == memory[1:], "memory differs"


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1 << 32),
    cap=st.sampled_from([1, 3, 32]),
    fall_through=st.booleans(),
    paired=st.booleans(),
    wide=st.booleans(),
    high=st.booleans(),
    disturbed=st.booleans(),
)
def test_programs_run_in_step(
    seed: int,
    cap: int,
    fall_through: bool,
    paired: bool,
    wide: bool,
    high: bool,
    disturbed: bool,
) -> None:
    """Disturbed: units are dropped all the time, also the one that is being left."""
    pc = 0x5000_0000_0000 if high else 0x401000
    program = random_program(random.Random(seed), pc)
    options = Options(1 << 16, cap, fall_through=fall_through, paired=paired, wide=wide)
    run_both(program, options, seed, random.Random(seed) if disturbed else None)


def test_without_chaining_every_branch_is_dispatched() -> None:
    program = random_program(random.Random(3), 0x401000)
    chained = run_both(program, Options(1 << 16), 3).dispatches
    alone = run_both(program, Options(1 << 16, chain=False), 3).dispatches
    assert alone > 3 * chained > 0


@pytest.mark.parametrize("paired", [False, True], ids=["table", "paired"])
def test_a_loop_leaves_the_cache_no_more_once_it_is_warm(paired: bool) -> None:
    """Calls, returns and indirect jumps included: after one round all is linked."""
    call, back = bytes.fromhex("e80a000000"), bytes.fromhex("488d05f4ffffffffe0")
    code = call + back + b"\x90" + b"\xff\xc7\xc3"
    program = Program(0x401000, [0x401000], code)
    program.code = call + bytes.fromhex("488d05f4ffffff ffe0 90 ffc7 c3")
    dispatcher = run_both(program, Options(1 << 16, paired=paired), 1)
    assert dispatcher.at >= GUEST_STEPS - 1
    assert dispatcher.dispatches <= 4
    assert dispatcher.run.slot("self") == CONTEXT
