"""Guest instructions for the emulator: bytes of many forms, and a guest state that suits each."""

from __future__ import annotations

import random
from dataclasses import dataclass

from dbt.decoder.instruction import REGISTER_NAMES, Instruction, InstructionClass
from tests.translate.emulator import (
    DATA,
    DATA_BYTES,
    MASK,
    STACK_POINTER,
    Guest,
    Machine,
    natural_offset,
)

LOW_PC = 0x401000
HIGH_PC = 0x5000_0000_0000
TARGETS = (0x403210, 0x7F12_3456_789A, 0x5000_0000_1234, 0x40_0000_0000)
OPERAND = DATA + 0x1840
UNMAPPED = DATA + 0x80_0000
AT_THE_END = DATA + DATA_BYTES - 8
"""Of what is mapped: a string faults after a while. (Unicorn splits wide operands.)"""


@dataclass(frozen=True)
class Form:
    """An opcode: its bytes, the reg field of its ModRM (None: any), and its immediate's size."""

    opcode: bytes
    reg: int | None = None
    immediate_bytes: int = 0
    mandatory: bytes = b""


def _form(opcode: str, reg: int | None = None, immediate_bytes: int = 0) -> Form:
    code = bytes.fromhex(opcode)
    mandatory = code[:1] if code[0] in (0x66, 0xF2, 0xF3) else b""
    return Form(code[len(mandatory) :], reg, immediate_bytes, mandatory)


MEMORY_FORMS = (
    *(_form(f"{n:02x}") for n in (0x00, 0x01, 0x02, 0x03, 0x28, 0x29, 0x38, 0x39, 0x3A, 0x3B)),
    *(_form(f"{n:02x}") for n in (0x63, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B)),
    *(_form("80", n, 1) for n in (0, 5, 7)),
    *(_form("81", n, 4) for n in (0, 3, 7)),
    *(_form("83", n, 1) for n in (1, 4, 6)),
    *(_form("c1", n, 1) for n in (0, 4, 7)),
    *(_form("d3", n) for n in (1, 5)),
    *(_form("f6", n) for n in (2, 3, 4, 6)),
    *(_form("f7", n) for n in (2, 3, 4, 5, 6, 7)),
    *(_form("ff", n) for n in (0, 1, 6)),
    *(_form("0fa4", None, 1), _form("0fa5"), _form("0faf"), _form("0fb0"), _form("0fb1")),
    *(_form("0fb6"), _form("0fbf"), _form("0fbc"), _form("0fc0"), _form("0fc1"), _form("0fc7", 1)),
    *(_form("0f44"), _form("0f94", 0), _form("0fab"), _form("0fba", 5, 1)),
    *(_form("0f10"), _form("0f11"), _form("66 0fd6"), _form("f3 0f6f"), _form("f2 0f10")),
    *(_form("f3 0f2a"), _form("66 0f3817"), _form("66 0f3a0f", None, 1), _form("0f38f0")),
    *(_form("8f", 0), _form("c7", 0, 4), _form("c6", 0, 1), _form("69", None, 4)),
    *(_form("f2 0f38f1"), _form("66 0f3a63", None, 1), _form("66 0f3a61", None, 1)),
    *(_form("d9", 0), _form("db", 2), _form("0fae", 2), _form("66 0f3a62", None, 1)),
)
BRANCH_FORMS = (_form("ff", 4), _form("ff", 2))


def string_instruction(noise: random.Random) -> bytes:
    """A string instruction that reads through gs, with any other prefixes."""
    prefixes = [b"\x65"]
    prefixes += [bytes([p]) for p in (0x66, 0x67) if noise.random() < 0.3]
    if noise.random() < 0.6:
        prefixes.append(bytes([noise.choice([0xF2, 0xF3])]))
    noise.shuffle(prefixes)
    rex = bytes([0x40 | noise.getrandbits(4)]) if noise.random() < 0.5 else b""
    return b"".join(prefixes) + rex + bytes([noise.choice([0xA4, 0xA5, 0xA6, 0xA7, 0xAC, 0xAD])])


def memory_instruction(
    form: Form, noise: random.Random, *, segment: int | None, rip: bool, displacement: int = 0
) -> bytes:
    """One random encoding of a form with a memory operand.

    Args:
        form: the opcode.
        noise: decides everything that is left open.
        segment: an override byte, or None.
        rip: RIP-relative; then displacement is used as given.
    """
    prefixes = [bytes([segment])] if segment else []
    if form.mandatory:
        prefixes.append(form.mandatory)
    elif form not in BRANCH_FORMS and noise.random() < 0.2:  # Unicorn would jump to 16 bits
        prefixes.append(b"\x66")
    if not rip and noise.random() < 0.15:
        prefixes.append(b"\x67")
    noise.shuffle(prefixes)
    if noise.random() < 0.1:
        # In front: behind gs they change nothing on a processor, but Unicorn lets them win.
        prefixes.insert(0, noise.choice([b"\x2e", b"\x3e", b"\x36", b"\x26"]))
    ignored = b"\x4f" if prefixes and noise.random() < 0.1 else b""
    rex = bytes([0x40 | noise.getrandbits(4)]) if noise.random() < 0.7 else b""
    reg = form.reg if form.reg is not None else noise.getrandbits(3)
    head = ignored + b"".join(prefixes) + rex + form.opcode
    tail = noise.randbytes(form.immediate_bytes)
    word = b"\x66" in prefixes and not (rex and rex[0] & 8)
    if word and form.opcode in (b"\x81", b"\xc7", b"\x69"):
        tail = tail[:2]
    if rip:
        if form.opcode == b"\x0f\xa4":  # Unicorn forgets the immediate behind the displacement
            head, tail = head[:-1] + b"\xa5", b""
        return head + bytes([reg << 3 | 5]) + displacement.to_bytes(4, "little", signed=True) + tail
    mod = noise.choice([0, 1, 1, 2])
    rm = noise.getrandbits(3)
    if mod == 0 and rm == 5:
        rm = 4
    modrm = bytes([mod << 6 | reg << 3 | rm])
    size = (0, 1, 4)[mod]
    sib = b""
    if rm == 4:
        sib = bytes([noise.getrandbits(8)])
        if mod == 0 and sib[0] & 7 == 5:
            size = 4
    small = noise.randrange(-0x80, 0x80)
    return head + modrm + sib + small.to_bytes(4, "little", signed=True)[:size] + tail


def guest_for(
    instruction: Instruction, machine: Machine, noise: random.Random, *, operand: int = OPERAND
) -> Guest:
    """A guest state in which the instruction's operand lies at an address.

    Args:
        instruction: what will run.
        machine: gets the pages that are touched.
        noise: for everything that does not matter.
        operand: guest address of the memory operand; where it is not mapped, the access faults.
    """
    wide = "GS" not in instruction.prefixes and "FS" not in instruction.prefixes
    registers = {name: noise.getrandbits(64 if wide else 40) for name in REGISTER_NAMES}
    registers["rsp"] = STACK_POINTER + 8 * noise.randrange(-8, 8)
    guest = Guest(registers, flags=noise.getrandbits(12) & 0x8D5)
    if "STRING" in instruction.traits:
        registers["rcx"] = noise.randrange(0, 4)
        registers["rdi"] = DATA + 0x400 + noise.randrange(64)
        if noise.random() < 0.3:
            guest.flags |= 0x400
    if instruction.class_ == InstructionClass.LOOP:
        registers["rcx"] = noise.choice([0, 1, 2, noise.getrandbits(64), 1 << 32, (1 << 32) + 1])
    _place_operand(instruction, guest, operand)
    offset = natural_offset(instruction, registers)
    address = offset
    if offset is not None and instruction.prefixes & {"GS", "FS"}:
        base = (operand - offset) & MASK
        if "GS" in instruction.prefixes:
            guest.gs_base = base
        else:
            guest.fs_base = base
        address = operand
    machine.map_pages(instruction.pc, 32)
    if address is not None and operand == OPERAND:
        machine.map_pages(address, 80)
    target = noise.choice(TARGETS)
    pointer = target.to_bytes(8, "little")
    if instruction.class_ == InstructionClass.RET:
        guest.memory[registers["rsp"]] = pointer
    elif instruction.class_ in (InstructionClass.IJMP, InstructionClass.ICALL):
        if address is not None and operand == OPERAND:
            guest.memory[address] = pointer
        elif address is None:
            register = instruction.bytes[instruction.modrm_at] & 7
            if "REX" in instruction.prefixes:
                register |= (instruction.bytes[instruction.opcode_at - 1] & 1) << 3
            if register != 4:
                registers[REGISTER_NAMES[register]] = target
    guest.memory[instruction.pc] = instruction.bytes
    return guest


def _place_operand(instruction: Instruction, guest: Guest, operand: int) -> None:
    """Chooses base and index so that an operand without override lies where it should."""
    memory = instruction.memory
    if memory is None or memory.rip_relative or instruction.prefixes & {"GS", "FS"}:
        return
    registers = guest.registers
    rest = operand - memory.displacement
    base = None if memory.base is None else REGISTER_NAMES[memory.base]
    index = None if memory.index is None else REGISTER_NAMES[memory.index]
    high = registers["rax"] & 0xFFFF_FFFF_0000_0000 if instruction.address_bytes == 4 else 0
    if base == "rsp":
        if index is not None:
            registers[index] = ((registers["rsp"] & ~63) - registers["rsp"]) // memory.scale & MASK
    elif base is not None and base == index:
        registers[base] = rest // (1 + memory.scale) + high
    elif base is not None:
        if index is not None:
            registers[index] &= 0xFF
            rest -= registers[index] * memory.scale
        registers[base] = rest + high
    elif index is not None:
        registers[index] = rest // memory.scale + high
