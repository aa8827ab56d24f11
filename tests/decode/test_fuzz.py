"""Random bytes: never a read beyond the buffer, never a crash, and what iced says."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
from pathlib import Path

import pytest

from dbt.decoder import render
from tests.decode import encodings, native
from tests.decode.test_enumerated import covered, differences

INPUTS = 1_000_000
SANITIZERS = "-fsanitize=address,undefined"


@pytest.mark.slow
def test_sanitizers(tmp_path: Path) -> None:
    """A million inputs, each in a block of its exact size, under ASan and UBSan."""
    render.render(tmp_path / "generated")
    target = tmp_path / "fuzz-decode"
    sources = sorted((native.ROOT / "csrc" / "core").glob("decode*.c"))
    command = [
        *shlex.split(os.environ.get("CC", "gcc")),
        *("-std=gnu11", "-O1", "-g", "-fno-sanitize-recover=all", SANITIZERS),
        *("-I", str(tmp_path), "-I", str(native.ROOT / "csrc"), "-o", str(target)),
        *(str(source) for source in sources),
        str(native.ROOT / "tests" / "fuzz" / "fuzz_decode.c"),
    ]
    built = subprocess.run(command, capture_output=True, text=True)
    assert not built.returncode, built.stderr
    done = subprocess.run([target, str(INPUTS)], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert f"{INPUTS} inputs" in done.stdout


LEADS = (b"\x0f", b"\x0f\x38", b"\x0f\x3a", b"\xc5", b"\xc4", b"\x62", b"\x8f", b"\x66", b"\xf3")


def _random_inputs(count: int, seed: int) -> bytes:
    source = random.Random(seed)
    result = bytearray()
    for _ in range(count):
        lead = b"".join(source.choices(LEADS, k=source.randrange(3)))
        result += (lead + source.randbytes(native.STRIDE))[: native.STRIDE]
    return bytes(result)


def test_random_against_iced() -> None:
    data = _random_inputs(300_000, 1)
    for found in differences(data, native.iced_lengths(data)):
        assert covered(found), found


def test_truncation() -> None:
    """Fewer bytes than the instruction has are called too few, whatever the instruction."""
    inputs = b"".join(
        (*encodings.legacy(encodings.FEW_MODRM), *encodings.evex((0x44,), (0,), (0,), (0x08,)))
    )
    lengths = native.lengths(inputs)
    seen = 0
    for at, length in enumerate(lengths):
        if not length:
            continue
        code = inputs[at * native.STRIDE :][:length]
        for available in range(length):
            assert native.status(code[:available], available) == native.TRUNCATED, code.hex()
        seen += 1
        assert native.status(code, length) == native.OK
    assert seen > 10_000
