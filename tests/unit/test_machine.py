"""Machine: memory, registers and every way a run ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbt.errors import ArgumentError, AssemblyError, MachineError, NotMappedError
from dbt.runtime.machine import ExitReason, Machine, MachineExit, assemble
from tests.guests.execute import on_processors

CODE = 0x400000
DATA = 0x10000000
PAGE = 4096


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine with a page of code at CODE and two pages of data at DATA."""
    with Machine() as made:
        made.map(CODE, PAGE, "rx")
        made.map(DATA, 2 * PAGE, "rw")
        made.registers["rsp"] = DATA + 2 * PAGE - 64
        yield made


def run(machine: Machine, text: str, **limits: int) -> MachineExit:
    """Assembles at CODE and runs up to the end of the text."""
    code = machine.assemble(text, CODE)
    limits.setdefault("until", CODE + len(code))
    return machine.run(CODE, **limits)


def test_registers_go_in_and_come_out(machine: Machine) -> None:
    for number, name in enumerate(list(machine.registers)[:16]):
        if name != "rsp":
            machine.registers[name] = 0x1111111111111111 * number
    before = {name: machine.registers[name] for name in list(machine.registers)[:16]}
    end = run(machine, "nop; add rax, rbx; xchg r14, r15")
    after = {name: machine.registers[name] for name in list(machine.registers)[:16]}
    swapped = {"r14": before["r15"], "r15": before["r14"]}
    assert after == before | {"rax": before["rax"] + before["rbx"]} | swapped
    assert end == MachineExit(ExitReason.UNTIL, end.rip)
    assert machine.registers["rip"] == end.rip


def test_flags_go_in_and_come_out(machine: Machine) -> None:
    machine.registers["rflags"] = 0x203
    run(machine, "setc al; sub rcx, rcx")
    assert machine.registers["rax"] & 0xFF == 1
    assert machine.registers["rflags"] & 0x8D5 == 0x44  # ZF and PF


@pytest.mark.parametrize("ending", ["syscall", "ud2"])
@pytest.mark.parametrize("flag", [0x200000, 0x40000, 0x4000])
def test_flags_that_were_set_once_do_not_stay(machine: Machine, flag: int, ending: str) -> None:
    machine.write(CODE, machine.assemble(f"{ending}; nop; syscall"))
    machine.registers["rflags"] = 0x202 | flag
    machine.run(CODE)
    machine.registers["rflags"] = 0x202
    machine.run(CODE + 2)
    assert machine.registers["rflags"] & 0x244000 == 0


def test_a_loop_runs_to_its_end(machine: Machine) -> None:
    machine.registers["rcx"] = 100000
    run(machine, "xor eax, eax; next: add rax, rcx; dec rcx; jnz next")
    assert machine.registers["rax"] == 100000 * 100001 // 2


def test_calls_and_returns(machine: Machine) -> None:
    run(machine, "call work; call work; jmp done; work: add rax, 3; ret; done: nop")
    assert machine.registers["rax"] == 6


def test_vector_registers(machine: Machine) -> None:
    machine.registers["xmm1"] = 0x1_0000_0002_0000_0003_0000_0004
    machine.registers["xmm2"] = 0x10_0000_0020_0000_0030_0000_0040
    run(machine, "paddd xmm1, xmm2")
    assert machine.registers["xmm1"] == 0x11_0000_0022_0000_0033_0000_0044
    assert machine.registers["xmm2"] == 0x10_0000_0020_0000_0030_0000_0040


def test_wide_vector_registers(machine: Machine) -> None:
    if " avx2 " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no AVX2")
    value = int.from_bytes(bytes(range(32)), "little")
    machine.registers["ymm3"] = value
    run(machine, "vpaddb ymm4, ymm3, ymm3")
    assert machine.registers["ymm4"] == int.from_bytes(bytes(2 * b for b in range(32)), "little")
    assert machine.registers["ymm3"] == value


def test_mxcsr(machine: Machine) -> None:
    machine.registers["mxcsr"] = 0x7F80  # round towards zero
    run(machine, f"stmxcsr dword ptr [{DATA}]")
    assert machine.read(DATA, 4) == (0x7F80).to_bytes(4, "little")


def test_segment_bases(machine: Machine) -> None:
    machine.write(DATA, (0x1234).to_bytes(8, "little") + (0x5678).to_bytes(8, "little"))
    machine.registers["fs_base"] = DATA
    machine.registers["gs_base"] = DATA + 4
    run(machine, "mov rax, fs:[0]; mov rbx, gs:[4]")
    assert (machine.registers["rax"], machine.registers["rbx"]) == (0x1234, 0x5678)


def test_memory_of_any_size(machine: Machine) -> None:
    data = bytes(range(256)) * 1024
    machine.map(0x20000000, len(data), "r")
    machine.write(0x20000000, data)
    assert machine.read(0x20000000, len(data)) == data
    assert machine.read(0x20000001, 70000) == data[1:70001]


def test_a_count_bounds_the_run(machine: Machine) -> None:
    code = machine.assemble("top: inc rax; jmp top", CODE)
    end = machine.run(CODE, count=11)
    assert end == MachineExit(ExitReason.COUNT, CODE + 3, count=11)
    assert machine.registers["rax"] == 6
    end = machine.run(count=1)
    assert end == MachineExit(ExitReason.COUNT, CODE, count=1)
    assert len(code) == 5


def test_single_steps_see_every_instruction(machine: Machine) -> None:
    code = machine.assemble("push 7; pop rax; lea rbx, [rip]; cmp rax, 7; je next; next: nop", CODE)
    seen = [CODE]
    machine.registers["rip"] = CODE
    while seen[-1] < CODE + len(code):
        seen.append(machine.run(count=1).rip)
    assert [at - CODE for at in seen] == [0, 2, 3, 10, 14, 16, 17]
    assert machine.registers["rbx"] == CODE + 10


def test_a_system_call_ends_the_run(machine: Machine) -> None:
    machine.registers["rax"] = 60
    assert run(machine, "syscall") == MachineExit(ExitReason.SYSCALL, CODE + 2)
    assert machine.registers["rax"] == 60


@pytest.mark.parametrize(
    ("text", "signal_number", "fault_address"),
    [
        ("nop; mov rax, [rbx]", signal.SIGSEGV, 0x5000),
        (f"nop; mov [{CODE}], rax", signal.SIGSEGV, CODE),
        ("nop; ud2", signal.SIGILL, CODE + 1),
        ("nop; div rcx", signal.SIGFPE, CODE + 1),
        ("nop; hlt", signal.SIGSEGV, 0),
        ("nop; push [rbx]", signal.SIGSEGV, 0x5000),
        ("nop; jmp [rbx]", signal.SIGSEGV, 0x5000),
    ],
)
def test_a_fault_is_precise(
    machine: Machine, text: str, signal_number: int, fault_address: int
) -> None:
    machine.registers["rbx"] = 0x5000
    machine.registers["rdx"] = 1
    before = dict(machine.registers)
    end = run(machine, text)
    assert end == MachineExit(ExitReason.FAULT, CODE + 1, signal_number, fault_address)
    # RF is set in the flags that a fault leaves (SDM vol. 3, 18.3.1.1).
    left = {**machine.registers, "rip": before["rip"]}
    left["rflags"] &= ~0x10000
    assert left == before


def test_a_jump_into_nothing_ends_there(machine: Machine) -> None:
    machine.registers["rax"] = 0x7000
    assert run(machine, "jmp rax") == MachineExit(ExitReason.FETCH, 0x7000)


def test_data_is_not_executed(machine: Machine) -> None:
    machine.registers["rax"] = DATA
    assert run(machine, "jmp rax") == MachineExit(ExitReason.FETCH, DATA)


def test_code_written_anew_runs_anew(machine: Machine) -> None:
    for value in (1, 2, 3):
        run(machine, f"mov eax, {value}")
        assert machine.registers["rax"] == value


def test_code_that_changes_itself_runs_as_changed(machine: Machine) -> None:
    machine.protect(CODE, PAGE, "rwx")
    run(machine, "mov byte ptr [rip + 1], 42; mov eax, 1")
    assert machine.registers["rax"] == 42


def test_unmapped_memory_is_gone(machine: Machine) -> None:
    machine.write(DATA, b"x")
    machine.unmap(DATA, PAGE)
    with pytest.raises(NotMappedError):
        machine.read(DATA, 1)
    machine.map(DATA, PAGE, "rw")
    assert machine.read(DATA, 1) == b"\0"


def test_a_range_that_is_taken_is_refused(machine: Machine) -> None:
    with pytest.raises(MachineError):
        machine.map(CODE, PAGE)


def test_low_addresses_are_the_guests(machine: Machine) -> None:
    """Where `gcc -static` puts programs, and everything near it, nothing of the VMM lies."""
    machine.map(0x10000, 0x3F0000)
    machine.map(CODE + PAGE, 0x8000000)


@pytest.mark.parametrize(
    ("address", "size_bytes", "protection"),
    [(CODE + 1, PAGE, "r"), (DATA, 0, "r"), (DATA, 100, "r"), (DATA, PAGE, "q")],
)
def test_odd_ranges_are_refused(
    machine: Machine, address: int, size_bytes: int, protection: str
) -> None:
    with pytest.raises(ArgumentError):
        machine.map(address, size_bytes, protection)


@pytest.mark.parametrize(("name", "value"), [("rax", 1 << 64), ("xmm0", -1), ("mxcsr", 1 << 32)])
def test_values_that_do_not_fit_are_refused(machine: Machine, name: str, value: int) -> None:
    with pytest.raises(ArgumentError):
        machine.registers[name] = value


def test_unknown_registers_are_key_errors(machine: Machine) -> None:
    for name in ("eax", "xmm16", "ymm", "r16"):
        with pytest.raises(KeyError):
            machine.registers[name]


def test_the_time_limit_ends_an_endless_run(machine: Machine) -> None:
    machine.assemble("top: jmp top", CODE)
    with pytest.raises(TimeoutError):
        machine.run(CODE, timeout_s=0.2)
    with pytest.raises(MachineError, match="closed"):
        machine.run(CODE)


def test_the_end_of_the_vmm_is_noticed(machine: Machine) -> None:
    machine.assemble("top: jmp top", CODE)
    killer = threading.Timer(0.2, os.kill, (machine.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(MachineError, match="SIGKILL"):
        machine.run(CODE)


def test_two_machines_do_not_meet() -> None:
    with Machine() as one, Machine() as two:
        for value, machine in ((1, one), (2, two)):
            machine.map(CODE, PAGE)
            machine.assemble(f"mov eax, {value}; syscall", CODE)
        assert one.run(CODE).reason is two.run(CODE).reason is ExitReason.SYSCALL
        assert (one.registers["rax"], two.registers["rax"]) == (1, 2)


def test_closing_leaves_nothing_behind() -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    machine = Machine()
    pid = machine.pid
    machine.close()
    machine.close()
    assert not Path(f"/proc/{pid}").exists()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_statistics_count(machine: Machine) -> None:
    run(machine, "nop; nop; nop")
    assert machine.statistics().guest_instructions_translated >= 3


def test_a_small_function_is_called_again_and_again(machine: Machine) -> None:
    """As a program that embeds it does; how long a call takes is in bench/test_micro.py."""
    machine.assemble("lea rax, [rdi + rsi]; ret", CODE)
    stop = CODE + 0x100
    stack = machine.registers["rsp"]
    machine.write(stack, stop.to_bytes(8, "little"))
    for turn in range(500):
        machine.registers.update(rdi=turn, rsi=2, rsp=stack)
        assert machine.run(CODE, until=stop) == MachineExit(ExitReason.UNTIL, stop)
        assert machine.registers["rax"] == turn + 2
        assert machine.registers["rsp"] == stack + 8
    assert machine.statistics().units_translated <= 2  # one, or two with units of one instruction


@pytest.mark.parametrize("processors", [1, 2])
def test_both_sides_may_share_a_processor(processors: int) -> None:
    """Each side looks for the other's answer before it sleeps, and must not keep it from coming."""
    with on_processors(processors), Machine() as machine:
        machine.map(CODE, PAGE)
        machine.assemble("inc rax; syscall", CODE)
        for turn in range(200):
            assert machine.run(CODE, timeout_s=20).reason is ExitReason.SYSCALL
            assert machine.registers["rax"] == turn + 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mov gs:[8], rcx", "6548890c2508000000"),
        ("mov rcx, fs:[0x28]", "64488b0c2528000000"),
        ("add dword ptr [0x1000], 1", "83042500100000" + "01"),
        ("movabs rax, [0x1122334455667788]", "48a18877665544332211"),
        ("mov rax, [rip + 8]", "488b0508000000"),
        ("top: jmp top", "ebfe"),
    ],
)
def test_assembly_is_what_was_written(text: str, code: str) -> None:
    assert assemble(text, 0x1000).hex() == code


@pytest.mark.parametrize("text", ["", "no such instruction", "mov rax"])
def test_bad_assembly_is_refused(text: str) -> None:
    with pytest.raises(AssemblyError):
        assemble(text)
