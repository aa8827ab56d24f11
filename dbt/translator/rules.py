"""Rules: which template stands for which guest instruction.

Rules are ordered rows of (class, facts that must hold, facts that must not, template); the first
row that fits is taken. Facts are one closed enumeration, computed for an instruction by one C
function (``facts_of`` in csrc/core/items.c). The last row of every class has no
conditions.

Class names are those of ``dbt_class`` in csrc/core/decode.h.
"""

from __future__ import annotations

from dataclasses import dataclass

FACTS: tuple[tuple[str, str], ...] = (
    ("GS", "the effective segment of an accessed memory operand is gs"),
    ("GS_OPAQUE", "a gs access that base substitution cannot express"),
    ("GS_STACK", "a gs operand whose address uses rsp in an instruction that moves rsp"),
    ("RIP_RELATIVE", "the ModRM operand is RIP-relative"),
    ("NEAR", "the RIP-relative operand is in reach of the arena that serves this pc"),
    ("LOW_NEXT", "the next guest address fits in a sign-extended 32-bit immediate"),
    ("POPS", "a return that pops arguments"),
    ("SELECTOR_GS", "a selector instruction on gs"),
    ("TOO_LONG", "invalid bytes that do not end within 15: another exception"),
    ("WIDE", "with PAIRED: the table of returns is indexed by 18 bits, not 16"),
    ("PAIRED", "setting: calls and returns use host calls and returns, for the return predictor"),
    ("COUNTER", "setting: the time-stamp counter is read by C; an instruction that reads it"),
)
"""The closed enumeration of facts: name and meaning; bit n is row n."""


@dataclass(frozen=True)
class Rule:
    """One row: class name, facts required, facts excluded, template name."""

    class_: str
    require: tuple[str, ...]
    exclude: tuple[str, ...]
    template: str


def _rule(class_: str, template: str, require: str = "", exclude: str = "") -> Rule:
    return Rule(class_, tuple(require.split()), tuple(exclude.split()), template)


def _memory_rows(class_: str) -> tuple[Rule, ...]:
    """Rows for a class whose instructions are copied, memory operands apart."""
    return (
        _rule(class_, "ident", "", "GS RIP_RELATIVE"),
        _rule(class_, "pcrel_near", "RIP_RELATIVE NEAR", "GS"),
        _rule(class_, "pcrel_far", "RIP_RELATIVE", "GS"),
        _rule(class_, "unsupported", "GS_STACK"),
        _rule(class_, "pcrel_gs", "RIP_RELATIVE", "GS_OPAQUE"),
        _rule(class_, "gs_swapped", "GS_OPAQUE", "RIP_RELATIVE"),
        _rule(class_, "unsupported", "GS_OPAQUE"),
        _rule(class_, "gs_operand"),
    )


def _indirect_rows(class_: str, template: str, low: str) -> tuple[Rule, ...]:
    """Rows for indirect jumps and calls; ``low`` is the suffix where LOW_NEXT helps."""
    rows = []
    for require, suffix in (
        ("GS", "_gs"),
        ("RIP_RELATIVE NEAR", "_near"),
        ("RIP_RELATIVE", "_far"),
        ("", ""),
    ):
        if suffix == "_gs":
            rows.append(_rule(class_, "unsupported", "GS RIP_RELATIVE"))
            rows.append(_rule(class_, "unsupported", "GS GS_OPAQUE"))
        if low:
            rows.append(
                _rule(class_, f"{template}{suffix}_paired{low}", f"{require} PAIRED LOW_NEXT")
            )
            rows.append(_rule(class_, f"{template}{suffix}_paired", f"{require} PAIRED"))
            rows.append(_rule(class_, f"{template}{suffix}{low}", f"{require} LOW_NEXT"))
        rows.append(_rule(class_, f"{template}{suffix}", require))
    return tuple(rows)


RULES: tuple[Rule, ...] = (
    *_memory_rows("IDENT"),
    *_memory_rows("PCREL"),
    _rule("JCC", "jcc"),
    _rule("LOOP", "loop"),
    _rule("JMP", "jmp"),
    _rule("CALL", "call_paired_low", "PAIRED LOW_NEXT"),
    _rule("CALL", "call_paired", "PAIRED"),
    _rule("CALL", "call_low", "LOW_NEXT"),
    _rule("CALL", "call"),
    _rule("RET", "ret_imm", "POPS"),
    _rule("RET", "ret_paired_wide", "PAIRED WIDE"),
    _rule("RET", "ret_paired", "PAIRED"),
    _rule("RET", "ret"),
    *_indirect_rows("IJMP", "ijmp", ""),
    *_indirect_rows("ICALL", "icall", "_low"),
    _rule("FAR", "unsupported"),
    _rule("SYSCALL", "syscall"),
    _rule("SYSENTER", "unsupported"),
    *_memory_rows("TRAP"),
    _rule("CPUID", "callout"),
    _rule("GSBASE", "callout"),
    _rule("SEGMENT", "callout", "SELECTOR_GS"),
    *_memory_rows("SEGMENT"),
    _rule("POPF", "popf"),
    _rule("XBEGIN", "callout"),
    *_memory_rows("PRIVILEGED"),
    _rule("SENSITIVE", "callout", "COUNTER"),
    *_memory_rows("SENSITIVE"),
    _rule("INVALID", "too_long", "TOO_LONG"),
    _rule("INVALID", "invalid"),
)
"""All rules of the user-mode personalities, first fit wins."""
