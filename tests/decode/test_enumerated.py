"""Every opcode of every map against two other decoders: whether it exists, and how long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import pytest

from tests.decode import encodings, native
from tests.decode.disagreements import (
    CAPSTONE,
    CONDITIONS,
    ICED,
    ICED_32,
    Difference,
    Row,
)

FEW = encodings.FEW_MODRM
SETS: dict[str, Callable[[], Iterable[bytes]]] = {
    "legacy": encodings.legacy,
    "vex": encodings.vex,
    "xop": encodings.xop,
    "evex": encodings.evex,
    "3dnow": encodings.three_d_now,
    "vex vvvv": lambda: encodings.vex(FEW, (1, 2, 8, 15)),
    "xop vvvv": lambda: encodings.xop(FEW, (1, 2, 8, 15)),
    "evex vvvv": lambda: encodings.evex(FEW, (1, 8, 15), (0, 2), (0x08, 0x09, 0x01)),
    "evex zeroing": lambda: encodings.evex(FEW, (0,), (0, 1, 2), (0x88, 0x89, 0x99)),
    "vex payloads": encodings.vex_payloads,
    "evex payloads": encodings.evex_payloads,
    "prefixes": encodings.prefix_sequences,
    "lock": encodings.locked,
}
# Capstone knows few of the rules about unused fields: it is asked about what exists.
CAPSTONE_SETS = ("legacy", "vex", "xop", "evex", "3dnow")


@cache
def _opcodes(text: str) -> frozenset[int]:
    result: set[int] = set()
    for word in text.split():
        first, _, last = word.partition("-")
        result.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(result)


def _covers(row: Row, found: Difference) -> bool:
    maps, opcodes, verdict, condition, _ = row
    return (
        verdict == found.verdict
        and (maps == "*" or found.map in maps.split())
        and (opcodes == "*" or found.raw.opcode in _opcodes(opcodes))
        and CONDITIONS[condition](found)
    )


def differences(data: bytes, theirs: bytes, mode: int = 64) -> Iterator[Difference]:
    """The inputs whose length by us is not the one given."""
    ours = native.lengths(data, mode)
    if ours == theirs:
        return
    size = native.STRIDE
    places = [i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
    picked = b"".join(data[i * size : (i + 1) * size] for i in places)
    raw, _ = native.instructions(picked, mode)
    for k, i in enumerate(places):
        yield Difference(picked[k * size : (k + 1) * size], ours[i], theirs[i], raw[k])


def covered(found: Difference) -> bool:
    """Whether the list of disagreements with iced has a row for this one."""
    return any(_covers(row, found) for row in ICED)


def _compare(
    names: Iterable[str], other: Callable[[bytes], bytes], known: tuple[Row, ...]
) -> tuple[int, list[str], Counter[Row]]:
    unlisted: dict[tuple[object, ...], str] = {}
    used: Counter[Row] = Counter()
    count = 0
    for name in names:
        for data in encodings.chunks(SETS[name]()):
            count += len(data) // native.STRIDE
            for found in differences(data, other(data)):
                row = next((row for row in known if _covers(row, found)), None)
                if row is not None:
                    used[row] += 1
                    continue
                key = (found.map, found.raw.opcode, found.verdict, found.raw.mandatory)
                unlisted.setdefault(
                    key,
                    f"{name}: {found.data.hex(' ')}: {found.map} {found.raw.opcode:02x}"
                    f" {found.mnemonic}: ours {found.ours}, theirs {found.theirs}",
                )
    return count, list(unlisted.values()), used


@pytest.mark.slow
def test_iced() -> None:
    count, unlisted, used = _compare(SETS, native.iced_lengths, ICED)
    assert count > 10_000_000
    assert not unlisted, "\n".join(unlisted)
    assert not [row for row in ICED if not used[row]]


@pytest.mark.slow
def test_capstone() -> None:
    count, unlisted, used = _compare(CAPSTONE_SETS, native.capstone_lengths, CAPSTONE)
    assert count > 10_000_000
    assert not unlisted, "\n".join(unlisted)
    assert not [row for row in CAPSTONE if not used[row]]


@pytest.mark.slow
def test_iced_32() -> None:
    """32-bit mode: validity and length only."""
    used: Counter[Row] = Counter()
    for inputs in (
        encodings.legacy_32(),
        encodings.vex(FEW, (0, 8, 9)),
        encodings.xop(FEW, (0, 8, 9)),
        encodings.evex(FEW, (0, 8, 9), last=(0x08, 0x09, 0x00, 0x19)),
    ):
        for data in encodings.chunks(inputs):
            for found in differences(data, native.iced_lengths(data, 32), 32):
                row = next((row for row in ICED_32 if _covers(row, found)), None)
                assert row is not None, found
                used[row] += 1
    assert not [row for row in ICED_32 if not used[row]]


def test_iced_quick() -> None:
    """A slice of the enumeration that every run can afford."""
    for inputs in (
        encodings.legacy(encodings.FEW_MODRM),
        encodings.vex(encodings.FEW_MODRM),
        encodings.xop(encodings.FEW_MODRM),
        encodings.evex((0x04, 0x45, 0xC1), (0,), (0, 2), (0x08, 0x09)),
    ):
        for data in encodings.chunks(inputs):
            for found in differences(data, native.iced_lengths(data)):
                assert covered(found), found
