"""Where links and padding stand, over random code: what a thread may see while one changes."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dbt.decoder.instruction import InstructionClass, iterate
from dbt.errors import NotMappedError
from dbt.translator.translation import Options, Translation
from dbt.translator.unit import Entry, TranslationUnit, Where

PC = 0x401000
TORN_BYTES = 32
"""A store to 4 bytes that stay inside an aligned block of this size is seen whole."""

COMPARES = ("39cf", "83f805", "4881ff00010000", "85c0", "a801", "ffc9", "3b4708", "3b0500100000")
OTHERS = (
    "90",
    "6690",
    "0f1f00",
    "0f1f440000",
    "66480f1f8400000000",
    "b805000000",
    "48b8" + "11" * 8,
)
ODD = ("65488b042528000000", "65a4", "c9", "58", "0fa2", "0f05", "cc")


def random_code(noise: random.Random) -> bytes:
    """Code with many branches, whose targets lie anywhere in it, between instructions or not."""
    parts: list[bytes] = []
    for _ in range(noise.randrange(4, 60)):
        kind = noise.random()
        if kind < 0.5:
            parts.append(bytes.fromhex(noise.choice(OTHERS)))
        elif kind < 0.6:
            parts.append(bytes.fromhex(noise.choice(ODD)))
        elif kind < 0.8:
            parts.append(bytes.fromhex(noise.choice(COMPARES)))
            parts.append(bytes([0x70 | noise.randrange(16), noise.randrange(0x40)]))
        elif kind < 0.9:
            parts.append(bytes([noise.choice([0xE0, 0xE1, 0xE2, 0xE3]), noise.randrange(0x40)]))
        elif kind < 0.95:
            parts.append(b"\xe8" + noise.randrange(0x80).to_bytes(4, "little"))
        else:
            parts.append(bytes([0xEB, noise.randrange(0x40)]))
    return b"".join(parts) + b"\xc3" * 0x90


def translate_everything(translation: Translation) -> list[TranslationUnit]:
    """All units reachable, linked as a run would link them, and as they are after that."""
    todo, numbers = [(PC, Entry.BODY)], list[int]()
    while todo:
        pc, entry = todo.pop()
        try:
            emitted = translation.translate(pc, entry)
        except NotMappedError:
            continue  # a branch decoded from the middle of something leads out of the code
        numbers += emitted
        for exit in (exit for number in emitted for exit in translation.unit(number).exits):
            if exit.host_patch:
                todo.append((exit.target, exit.entry))
    for exit in [exit for number in numbers for exit in translation.unit(number).exits]:
        if exit.host_patch and translation.exit(exit.number).linked is None:
            number = translation.lookup(exit.target, exit.entry)
            if number is None:
                continue
            translation.link(exit.number, number)
    return [translation.unit(number) for number in numbers]


def check_unit(unit: TranslationUnit) -> None:
    for exit in unit.exits:
        if exit.host_patch:
            assert exit.host_patch % TORN_BYTES <= TORN_BYTES - 4, "a link that can be torn"
    for before, item in zip(unit.items, unit.items[1:], strict=False):
        if item.class_ != InstructionClass.JCC:
            continue
        fuses = "FUSIBLE" in next(iterate(before.code, before.pc)).traits
        if fuses and before.template in ("ident", "pcrel_near"):
            assert item.host_code[0] == 0x0F, "padding between a compare and its jump"
            assert item.host_code[1] & 0xF0 == 0x80
            assert before.host_end == item.host_pc


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1 << 32),
    cap=st.sampled_from([1, 2, 5, 32]),
    fall_through=st.booleans(),
    paired=st.booleans(),
)
def test_links_stay_whole_and_pairs_together(
    seed: int, cap: int, fall_through: bool, paired: bool
) -> None:
    options = Options(unit_cap=cap, fall_through=fall_through, paired=paired)
    with Translation(random_code(random.Random(seed)), PC, options) as translation:
        for unit in translate_everything(translation):
            check_unit(unit)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32), cap=st.sampled_from([1, 3, 32]), paired=st.booleans())
def test_every_host_instruction_has_a_state(seed: int, cap: int, paired: bool) -> None:
    """Each boundary maps to a state; each of its other bytes to the same one, with an offset."""
    code = random_code(random.Random(seed))
    with Translation(code, PC, Options(unit_cap=cap, paired=paired)) as translation:
        for unit in translate_everything(translation):
            for instruction in iterate(unit.host_code, unit.host_start):
                state = translation.state_at(instruction.pc)
                assert state is not None and state.host_offset == 0
                last = translation.state_at(instruction.next_pc - 1)
                assert last is not None
                if last.where == Where.STACK != state.where:
                    continue  # a way to the miss jump hidden in a long no-operation
                assert last.host_offset == instruction.length - 1
            for item in unit.items:
                for instruction in iterate(item.host_code, item.host_pc):
                    state = translation.state_at(instruction.pc)
                    assert state is not None
                    outside = state.spilled == ("rcx",) and state.where.name == "STACK"
                    assert state.pc == item.pc or outside
            for exit in unit.exits:
                if exit.host_patch:
                    state = translation.state_at(exit.host_stub)
                    assert state is not None and state.guest_pc == exit.target


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1 << 32))
def test_guest_code_is_covered_in_order(seed: int) -> None:
    """Units hold their guest instructions whole and in order, none twice, none left out."""
    code = random_code(random.Random(seed))
    with Translation(code, PC) as translation:
        for unit in translate_everything(translation):
            if "THUNK" in unit.flags:
                continue
            pc = unit.pc
            for item in unit.items:
                assert item.pc == pc
                assert code[pc - PC : pc - PC + len(item.code)] == item.code
                pc = item.next_pc
            assert pc == unit.next_pc
            assert unit.host_start <= unit.host_entry <= unit.host_body <= unit.host_end
