"""The brief look at instructions that are copied says what the decoder says, or nothing."""

from __future__ import annotations

import random

import pytest

from tests.decode import encodings, native
from tests.decode.test_real_code import FILES, sections

PREFIXES = (
    b"",
    b"\x66",
    b"\xf2",
    b"\xf3",
    b"\x48",
    b"\x41",
    b"\x66\x48",
    b"\xf3\x4c",
    b"\x48\x66",
    b"\x64",
)


@pytest.mark.parametrize(
    "escape", [b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a"], ids=["one", "0f", "38", "3a"]
)
def test_enumerated(escape: bytes) -> None:
    """Every opcode with every ModRM, SIB bases with and without a displacement, and each prefix."""
    inputs = (
        prefix + escape + bytes((opcode, modrm, sib)) + bytes(range(0x81, 0x8A))
        for prefix in PREFIXES
        for opcode in range(256)
        for modrm in range(256)
        for sib in ((0x24, 0x25) if modrm & 7 == 4 and modrm < 0xC0 else (0x90,))
    )
    taken = 0
    for data in encodings.chunks(encodings.padded(each) for each in inputs):
        result = native.brief(data)
        assert result.difference is None, result.difference.hex(" ")
        taken += result.brief
    assert (taken > 0) == (len(escape) < 2)


def test_random() -> None:
    result = native.brief(random.Random(7).randbytes(500_000 * native.STRIDE))
    assert result.difference is None, result.difference.hex(" ")
    assert result.brief > 100_000


@pytest.mark.parametrize("name", ["libc", "python", "cc1"])
def test_real_code(name: str) -> None:
    """It agrees wherever it answers, and it answers for nearly all that is copied."""
    if not FILES[name].exists():
        pytest.skip(f"{FILES[name]} is not installed")
    for _, code in sections(FILES[name]):
        result = native.brief_sweep(code)
        assert result.difference is None, result.difference.hex(" ")
        if len(code) > 1 << 20:
            assert result.brief > 0.8 * result.ident
