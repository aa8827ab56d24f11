"""The decoder's C code as the tests call it in bulk, and the two other decoders beside it.

The sources are compiled here once more, apart from the extension, so that a test can hand over
hundreds of thousands of inputs in one call.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PC: Final = 0x10000
STRIDE: Final = 16
OK, INVALID, TRUNCATED = 0, -1, -2


_BYTE_FIELDS: Final = (
    *("length", "map", "opcode", "class_", "opcode_at", "modrm_at", "sib_at", "displacement_at"),
    *("displacement_bytes", "immediate_at", "immediate_bytes", "modrm", "sib", "rex", "extension"),
    *("vvvv", "vector_length", "mandatory", "operand_bytes", "address_bytes"),
    *("base", "index", "scale"),
)


class RawInstruction(ctypes.Structure):
    """dbt_instruction (csrc/core/decode.h), field by field."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("guest_pc", "branch_target", "immediate")),
        ("displacement", ctypes.c_int64),
        *((name, ctypes.c_uint32) for name in ("prefixes", "traits")),
        ("row", ctypes.c_uint16),
        *((name, ctypes.c_uint8) for name in _BYTE_FIELDS),
    )


class RawEffects(ctypes.Structure):
    """dbt_effects (csrc/core/decode.h)."""

    _fields_ = (
        ("registers_read", ctypes.c_uint16),
        ("registers_written", ctypes.c_uint16),
        ("flags_read", ctypes.c_uint32),
        ("flags_written", ctypes.c_uint32),
        ("flags_undefined", ctypes.c_uint32),
    )


@cache
def library() -> Any:
    """The compiled helper, as a ctypes library."""
    from dbt.decoder import render

    with tempfile.TemporaryDirectory(prefix="dbt-decode-") as name:
        directory = Path(name)
        render.render(directory / "generated")
        target = directory / "batch.so"
        sources = sorted((ROOT / "csrc" / "core").glob("decode*.c"))
        command = [
            *shlex.split(os.environ.get("CC", "gcc")),
            *("-std=c11", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"),
            *("-I", name, "-I", str(ROOT / "csrc"), "-o", str(target)),
            *(str(source) for source in sources),
            str(Path(__file__).parent / "batch.c"),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}\n{done.stderr}")
        loaded = ctypes.CDLL(str(target))
    for function in (loaded.test_decode_sweep, loaded.test_brief_check, loaded.test_brief_sweep):
        function.restype = ctypes.c_size_t
    return loaded


def status(code: bytes, available: int) -> int:
    """What dbt_instruction_decode answers when that many bytes may be read."""
    out = RawInstruction()
    result = library().dbt_instruction_decode(
        code, ctypes.c_size_t(available), ctypes.c_uint64(PC), 0, ctypes.byref(out)
    )
    return int(result)


def lengths(data: bytes, mode: int = 64) -> bytes:
    """One byte for each input of STRIDE bytes: its length, 0 where the decoder refuses it."""
    count = len(data) // STRIDE
    out = (ctypes.c_uint8 * count)()
    library().test_decode_lengths(
        data, ctypes.c_size_t(count), ctypes.c_size_t(STRIDE), ctypes.c_uint64(PC), mode != 64, out
    )
    return bytes(out)


def instructions(data: bytes, mode: int = 64) -> tuple[Any, Any]:
    """Arrays of RawInstruction and RawEffects for inputs of STRIDE bytes."""
    count = len(data) // STRIDE
    out, effects = (RawInstruction * count)(), (RawEffects * count)()
    library().test_decode_all(
        data,
        ctypes.c_size_t(count),
        ctypes.c_size_t(STRIDE),
        ctypes.c_uint64(PC),
        mode != 64,
        out,
        effects,
    )
    return out, effects


def sweep(code: bytes, pc: int) -> tuple[bytearray, Any]:
    """Linear sweep over code at pc: lengths by offset (255: refused) and branch targets."""
    found, targets = (ctypes.c_uint8 * len(code))(), (ctypes.c_uint64 * len(code))()
    library().test_decode_sweep(
        code, ctypes.c_size_t(len(code)), ctypes.c_uint64(pc), found, targets
    )
    return bytearray(found), targets


@dataclass(frozen=True)
class Brief:
    """What the brief look says of many instructions.

    Attributes:
        difference: the first bytes of which it says something else than the decoder, or None.
        ident: how many of them are copied unchanged.
        brief: how many of those it takes.
    """

    difference: bytes | None
    ident: int
    brief: int


def _brief(data: bytes, at: int, counts: Sequence[ctypes.c_size_t]) -> Brief:
    difference = data[at : at + STRIDE] if at < len(data) else None
    ident, taken = (count.value for count in counts)
    return Brief(difference, ident, taken)


def _references(counts: Sequence[ctypes.c_size_t]) -> Iterator[Any]:
    return (ctypes.byref(count) for count in counts)


def brief(data: bytes) -> Brief:
    """The brief look beside the decoder at inputs of STRIDE bytes."""
    counts = ctypes.c_size_t(), ctypes.c_size_t()
    inputs = ctypes.c_size_t(len(data) // STRIDE)
    which = library().test_brief_check(data, inputs, ctypes.c_size_t(STRIDE), *_references(counts))
    return _brief(data, which * STRIDE, counts)


def brief_sweep(code: bytes) -> Brief:
    """The same for a linear sweep over code."""
    counts = ctypes.c_size_t(), ctypes.c_size_t()
    at = library().test_brief_sweep(code, ctypes.c_size_t(len(code)), *_references(counts))
    return _brief(code, at, counts)


@cache
def _capstone(mode: int) -> tuple[Any, Any, Any]:
    import capstone

    shared = ctypes.CDLL(capstone._cs._name)
    shared.cs_malloc.restype = ctypes.c_void_p
    handle = ctypes.c_size_t()
    bits = capstone.CS_MODE_64 if mode == 64 else capstone.CS_MODE_32
    if shared.cs_open(capstone.CS_ARCH_X86, bits, ctypes.byref(handle)):
        raise RuntimeError("cs_open failed")
    return shared, handle, ctypes.c_void_p(shared.cs_malloc(handle))


def capstone_lengths(data: bytes, mode: int = 64) -> bytes:
    """As `lengths`, by Capstone."""
    shared, handle, instruction = _capstone(mode)
    count = len(data) // STRIDE
    out = (ctypes.c_uint8 * count)()
    library().test_capstone_lengths(
        ctypes.cast(shared.cs_disasm_iter, ctypes.c_void_p),
        handle,
        instruction,
        data,
        ctypes.c_size_t(count),
        ctypes.c_size_t(STRIDE),
        out,
    )
    return bytes(out)


def iced_lengths(data: bytes, mode: int = 64) -> bytes:
    """As `lengths`, by iced."""
    import iced_x86

    decoder = iced_x86.Decoder(mode, data, ip=PC)
    instruction = iced_x86.Instruction()
    out = bytearray(len(data) // STRIDE)
    decode = decoder.decode_out
    for at in range(len(out)):
        decoder.position = at * STRIDE
        decode(instruction)
        if instruction.code:
            out[at] = instruction.len
    return bytes(out)
