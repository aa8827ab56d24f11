"""Where a reference is wrong or knows less than the processor: each with what decides it.

A row names the instructions it is about by a condition. What stands in `WRONG` has an example,
which `test_disagreements.py` runs: the processor agrees with the translation there and Unicorn does
not, so that a row that is no longer needed fails. What stands in `LACKS` is about whole groups that
Unicorn's processor does not have. Sections are those of Intel's SDM.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dbt.decoder.instruction import Instruction

Condition = Callable[[Instruction], bool]
_BRANCHES: Final = ("JCC", "LOOP", "JMP", "CALL", "RET", "IJMP", "ICALL")
_NOT_USER: Final = (
    *("PRIVILEGED", "SENSITIVE", "SEGMENT", "GSBASE", "TRAP", "FAR", "SYSCALL", "SYSENTER"),
    *("CPUID", "INVALID"),
)


def _named(names: str) -> Condition:
    listed = frozenset(names.split())
    return lambda found: found.mnemonic in listed


def _is_mmx(found: Instruction) -> bool:
    return re.search(r"\bmm[0-7]", found.text) is not None


def _is_reserved_nop(found: Instruction) -> bool:
    """A prefetch or hint without memory."""
    return found.mnemonic == "nop" and found.map == "0F" and found.memory is None


def _has_rex(found: Instruction, bit: int) -> bool:
    """Whether there is a REX prefix with one of these bits."""
    at = found.opcode_at - {"ONE_BYTE": 1, "0F": 2}.get(found.map, 3)
    return "REX" in found.prefixes and bool(found.bytes[at] & bit)


def uses_selectors(found: Instruction) -> bool:
    """Whether it reads or writes a segment register, which is no part of the compared state."""
    codes = {operand.code for operand in found.table_row.operands}
    listed = {"es", "cs", "ss", "ds", "fs", "gs", "fsgs", "esds", "ssds"}
    return found.mnemonic in ("lss", "lfs", "lgs") or bool(codes & listed)


LACKS: Final[tuple[tuple[Condition, str], ...]] = (
    (
        lambda found: found.map not in ("ONE_BYTE", "0F", "0F38", "0F3A"),
        "Unicorn 2.1 has neither AVX, AVX-512, XOP nor 3DNow!",
    ),
    (
        lambda found: found.class_.name in _NOT_USER,
        "Unicorn's processor runs at privilege level 0: they do something, or something else",
    ),
    (
        lambda found: found.map == "ONE_BYTE" and 0xD8 <= found.opcode <= 0xDF,
        "Unicorn's x87 has no exception flags, no C1 and no stack faults",
    ),
    (_is_mmx, "Unicorn leaves TOP and the upper parts of x87 registers alone (vol. 1, 9.5.1)"),
    (_named("emms cvtpi2ps cvtpi2pd"), "the same"),
    (_named("maskmovdqu"), "faults under a mask of 0 are the processor's own (vol. 2, MASKMOVDQU)"),
    (_is_reserved_nop, "Unicorn raises #UD for reserved nops (vol. 2, NOP)"),
    (
        _named("bsf bsr"),
        "a destination that the manual leaves undefined (vol. 2, BSF: the source is 0)",
    ),
    (
        _named("pcmpestri pcmpestrm pcmpistri pcmpistrm"),
        "Unicorn counts lengths otherwise (vol. 2, PCMPESTRI: saturated absolute values)",
    ),
    (uses_selectors, "Unicorn has null selectors"),
    (
        _named(
            "xabort xtest serialize xsusldtrk xresldtrk clwb clflushopt ptwrite movdiri movdir64b "
            "adcx adox sha1rnds4 sha1nexte sha1msg1 sha1msg2 sha256rnds2 sha256msg1 sha256msg2 "
            "gf2p8mulb gf2p8affineqb gf2p8affineinvqb rdpkru umonitor umwait tpause incssp rdpru "
            "cldemote clflush monitorx mwaitx clzero lar lsl verr verw getsec"
        ),
        "Unicorn's processor lacks them",
    ),
    (
        _named("rcpps rcpss rsqrtps rsqrtss"),
        "an approximation: its lower bits are the processor's own (vol. 2, RCPPS)",
    ),
    (
        lambda found: bool({"SAVES", "INPUT"} & found.traits) or "rstor" in found.mnemonic,
        "save areas and outcomes from outside",
    ),
)
"""What Unicorn's processor does not have."""


@dataclass(frozen=True)
class Wrong:
    """Instructions that Unicorn 2.1 gets wrong.

    Attributes:
        applies: which.
        why: what it does, and the manual's section that says otherwise.
        code: an example, hexadecimal.
        registers: for it.
    """

    applies: Condition
    why: str
    code: str
    registers: tuple[tuple[str, int], ...] = ()


WRONG: Final[tuple[Wrong, ...]] = (
    Wrong(
        lambda found: found.mnemonic in ("lahf", "sahf") and "REX" in found.prefixes,
        "behind REX it takes spl for ah (vol. 2, LAHF: AH whatever the prefixes)",
        "48 9f",
    ),
    Wrong(
        lambda found: found.class_.name in _BRANCHES and "OPERAND" in found.prefixes,
        "it jumps to 16 bits (vol. 2, Jcc: the operand size is forced to 64 bits)",
        "66 eb 00",
    ),
    Wrong(
        lambda found: found.mnemonic == "ret" and found.immediate >= 0x8000,
        "it extends the immediate's sign (vol. 2, RET: SRC is added as it is)",
        "c2 00 f0",
    ),
    Wrong(
        lambda found: found.mnemonic in ("shld", "shrd")
        and "RIP_RELATIVE" in found.traits
        and found.immediate_bytes == 1,
        "it addresses the operand without the immediate: one byte off (vol. 2, 2.2.1.6)",
        "48 0f ac 05 38 f0 1f 00 04",
    ),
    Wrong(
        _named("phaddw phaddd phaddsw phsubw phsubd phsubsw"),
        "with one register twice it reads what it has written (vol. 2, PHADDW)",
        "66 0f 38 03 ed",
    ),
    Wrong(
        _named("enter"),
        "it does not try to write at the new stack pointer (vol. 2, ENTER, #PF)",
        "c8 00 80 00",
    ),
    Wrong(
        lambda found: found.map == "ONE_BYTE"
        and found.opcode in (0xF6, 0xF7)
        and found.bytes[found.modrm_at] >> 3 & 7 == 1,
        "F6 /1 and F7 /1 are TEST on all processors (AMD's manual vol. 3, table A-6)",
        "f6 ca 04",
    ),
    Wrong(
        lambda found: found.map == "ONE_BYTE"
        and found.opcode in (0xC6, 0xC7)
        and _has_rex(found, 4),
        "REX.R with an opcode extension is ignored (vol. 2, 2.2.1.2), not #UD",
        "4c c6 c2 77",
    ),
    Wrong(
        lambda found: found.mnemonic == "cmpxchg" and found.operand_bytes == 4,
        "a 32-bit destination that is not equal keeps its upper half (vol. 1, 3.4.1.1)",
        "0f b1 cb",
        (("rax", 1), ("rbx", 0x123456789A), ("rcx", 3)),
    ),
    Wrong(
        lambda found: found.mnemonic in ("cmpps", "cmppd", "cmpss", "cmpsd")
        and found.map == "0F"
        and found.immediate > 7,
        "predicates above 7 use the lower three bits (vol. 2, CMPPD), not #UD",
        "66 0f c2 d4 6e",
    ),
    Wrong(
        lambda found: found.mnemonic == "pause" and _has_rex(found, 1),
        "F3 with REX.B is xchg r8, rax (vol. 2, XCHG and PAUSE)",
        "f3 49 90",
        (("rax", 1),),
    ),
    Wrong(
        lambda found: found.mnemonic == "neg" and "LOCK" in found.prefixes,
        "lock neg takes the flags of the old value's complement (vol. 2, NEG)",
        "f0 48 f7 1b",
        (("rbx", 0x600000),),
    ),
)
"""What Unicorn 2.1 gets wrong."""


_FLUSHING: Final = 0x8040
_FLOATING: Final = re.compile("(ps|pd|ss|sd|si|dq|p)$")


def excuse(name: str, instruction: Instruction | None, mxcsr: int = 0) -> str:
    """Why an instruction is not compared with a reference, or empty when it is."""
    if instruction is None:
        return "no instruction" if name == "unicorn" else ""
    if instruction.class_.name == "XBEGIN":
        return "a transaction always aborts under dbt; on the processor that is up to it"
    if name != "unicorn":
        return ""
    if mxcsr & _FLUSHING and _FLOATING.search(instruction.mnemonic):
        return "Unicorn keeps denormal numbers where FTZ or DAZ is set (vol. 1, 10.2.3)"
    for applies, why in LACKS:
        if applies(instruction):
            return why
    return next((row.why for row in WRONG if row.applies(instruction)), "")


def may_lack_fault(signal_number: int, fault_address: int) -> bool:
    """Whether Unicorn may go on where the processor raises an exception.

    It runs at privilege level 0, raises no floating-point exceptions, and checks neither alignment
    nor whether an address is canonical: it is only asked for page faults.
    """
    return signal_number != 11 or fault_address == 0
