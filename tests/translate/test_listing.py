"""Listings: what `dbt translate` shows, from bytes and from files."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from dbt.errors import NotMappedError, UsageError
from dbt.translator import listing
from dbt.translator.image import Image
from dbt.translator.translation import Options
from tests.translate import golden

IS_PRIME = """
        .globl is_prime, twice, _start
        .type is_prime, @function
        .type twice, @function
is_prime:
        mov ecx, 2
        cmp edi, ecx
        jl 2f
1:      cmp ecx, edi
        jge 3f
        mov eax, edi
        cdq
        idiv ecx
        test edx, edx
        jz 2f
        inc ecx
        jmp 1b
2:      xor eax, eax
        ret
3:      mov eax, 1
        ret
        .size is_prime, . - is_prime
twice:
        call is_prime
        call is_prime
        jmp rax
        .size twice, . - twice
_start:
        call twice
        hlt
"""
PC = 0x401000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listing")
    source = f".intel_syntax noprefix\n.text\n{IS_PRIME}"
    subprocess.run(["as", "-o", folder / "a.o", "-"], input=source, text=True, check=True)
    subprocess.run(["ld", "-Ttext=0x401000", "-o", folder / "a", folder / "a.o"], check=True)
    return folder / "a"


def units_of(text: str) -> dict[str, list[str]]:
    """The text of a listing by unit: heading to lines."""
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return {lines[0].split(":")[0]: lines[1:] for lines in blocks}


def test_the_loop_of_is_prime_is_chained() -> None:
    code = golden.assemble(IS_PRIME.partition("twice:")[0])
    shown = listing.of_bytes(code, PC)
    units = units_of(str(shown))
    assert any("IDENT" in line for line in units["TU@0x401000"])
    text = str(shown)
    assert re.search(r"idiv ecx +\| IDENT +ident +\| 0x[0-9a-f]+ +f7 f9 +idiv ecx", text)
    assert re.search(r"jl 0x40101a +\| JCC +jcc +\| 0x[0-9a-f]+ +0f 8c .*jl TU@0x40101a", text)
    assert re.search(r"JMP +jmp +\| 0x[0-9a-f]+ +e9 .*jmp TU@0x401009", text), "the loop's end"
    assert re.search(r"RET +ret +\| .*mov ctx\.spill\.rcx, rcx", text)
    assert "jmp [returns + rcx*8]" in text
    assert "continuation" not in text, "everything inside is linked"


def test_every_guest_instruction_stands_once_in_order() -> None:
    code = golden.assemble(IS_PRIME.partition("twice:")[0])
    rows = [row.guest for row in listing.of_bytes(code, PC).rows if row.guest]
    assert sorted({pc for pc, _, _ in rows}) == sorted(pc for pc, _, _ in rows)
    assert b"".join(data for _, data, _ in sorted(rows)) == code


def test_exits_that_lead_out_are_continuations() -> None:
    text = str(listing.of_bytes(bytes.fromhex("7410 e900010000".replace(" ", "")), PC))
    assert "je continuation -> guest 0x401012" in text
    assert "jmp continuation -> guest 0x401107" in text


def test_a_far_operand_and_a_call_show_their_literals() -> None:
    code = golden.assemble("mov rax, [rip + 0x50000000]\ncall 1f\n1: ret")
    text = str(listing.of_bytes(code, 0x5000_0000_0000))
    assert "movabs rax, 0x500050000007" in text or "movabs rcx, 0x500050000007" in text
    assert "push [literal 0x50000000000c]" in text


def test_paired_calls_are_shown() -> None:
    code = golden.assemble("call 1f\nret\n1: call rax\nret")
    text = str(listing.of_bytes(code, PC, Options(1 << 20, paired=True)))
    assert "call TU@0x401006" in text
    assert "call table stub" in text


def test_bad_bytes_are_shown_and_no_bytes_refused() -> None:
    assert "(bad)" in str(listing.of_bytes(b"\x06", PC))
    with pytest.raises(NotMappedError):
        listing.of_bytes(b"\x48", PC)


def test_a_symbol_of_a_file(program: Path) -> None:
    shown = listing.of_file(program, "is_prime")
    text = str(shown)
    assert text.startswith("TU@0x401000 <is_prime>: ")
    assert "<twice>" not in text
    assert not shown.unfinished
    assert str(listing.of_file(program, 0x401000)) == text


def test_calls_and_what_they_return_to_are_followed(program: Path) -> None:
    text = str(listing.of_file(program, "twice"))
    assert "continuation -> guest 0x401000 <is_prime>" in text
    assert "return_prologue" in text
    assert "jmp [jumps + rcx*8]" in text
    assert len(re.findall(r"CALL +call", text)) == 2


def test_the_entry_point_and_an_offset(program: Path) -> None:
    entry = Image(program).entry
    assert str(listing.of_file(program, None)).startswith(f"TU@{entry:#x} <_start>")
    assert str(listing.of_file(program, "is_prime+5")).startswith("TU@0x401005 <is_prime+0x5>")


def test_a_library(program: Path) -> None:
    """Symbols of .dynsym alone, and thousands of them."""
    library = Path("/lib/x86_64-linux-gnu/libc.so.6")
    if not library.exists():
        pytest.skip("no libc at its usual place")
    shown = listing.of_file(library, "qsort")
    assert shown.units[0].name.endswith("<qsort>")
    assert shown.units[0].unit.pc == Image(library).symbols["qsort"].address


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("no_such", "there is no symbol 'no_such'"),
        ("prime", "there is is_prime"),
        (0x10, "there is no code at 0x10"),
        ("is_prime+0x100000", "there is no code at"),
    ],
)
def test_places_that_do_not_exist(program: Path, where: int | str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        listing.of_file(program, where)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        listing.of_file(tmp_path / "nothing", None)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(UsageError, match="not an ELF file"):
        listing.of_file(tmp_path / "text", None)
    (tmp_path / "short").write_bytes(b"\x7fELF")
    with pytest.raises(UsageError):
        listing.of_file(tmp_path / "short", None)


def test_json_says_the_same(program: Path) -> None:
    shown = listing.of_file(program, "is_prime")
    units = json.loads(shown.to_json())
    assert [unit["guest"]["pc"] for unit in units] == [listed.unit.pc for listed in shown.units]
    for unit in units:
        host = "".join(row["host"]["code"] for row in unit["rows"] if "host" in row)
        assert host == unit["host"]["code"], "the rows hold every byte emitted"
        assert all("state" in row for row in unit["rows"] if "host" in row)


def test_long_code_is_cut_and_says_so() -> None:
    code = b"\x74\x00" * 300 + b"\xc3"
    shown = listing.listing(code, PC, (PC,), limit=10)
    assert shown.unfinished
    assert len(shown.units) < 40
    assert str(shown).splitlines()[-1].startswith("(more units are reachable")


def test_columns_are_aligned() -> None:
    code = golden.assemble(IS_PRIME.partition("twice:")[0])
    lines = [line for line in str(listing.of_bytes(code, PC)).splitlines() if " | " in line]
    assert len({line.index(" | ") for line in lines}) == 1
    assert len({line.rindex(" | ") for line in lines}) == 1
