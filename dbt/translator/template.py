"""The template language: host code for a guest instruction, as assembly text with holes.

A template is what a rule chooses. Its body is written for GNU ``as`` (Intel syntax), one host
instruction a line, and rendered once, at build time, into bytes, holes and a state map. The C
engine copies the bytes and fills the holes; it never assembles.

Scratch registers are named ``{s0}``, ``{s0d}`` (32 bits), ``{s0w}`` (16 bits). The engine chooses
them among rax, rcx, rdx, rbx, rsi and rdi so that the guest instruction does not use them, and
emits the spills before the body and the reloads after it: a template never spills. ``fixed`` names
registers that the body needs by name; they are spilled in the same way.

Context slots (the block at gs base) are written ``gs:[KEY]`` with the names of core/context.h less
their prefix. Holes are symbols that start with ``hole_``:

=====================  =====================================================================
``hole_next``          32-bit immediate: the guest address after the instruction
``hole_miss_point``    rel8 of the nearest way to the miss routine for returns
``hole_next_literal``  rel32 of an 8-byte literal that holds that address
``hole_key``           32-bit: minus bits 16 to 47 of the unit's guest address
``hole_returns``       disp32: the table of return targets
``hole_jumps``         disp32: the table of indirect jump and call targets
``hole_second``        disp32: the second-level table of both
``hole_exit``          32-bit immediate: the number of the exit being emitted
``hole_pop``           32-bit: 8 plus the immediate of ``ret imm16``
``hole_counter``       disp32: the unit's counter, from gs
``hole_site``          32-bit immediate: the number of the unit being emitted, plus 1
``hole_operand``       64-bit immediate: the address of a RIP-relative operand
``hole_word``          64-bit immediate: the guest address of the unit, or of a piece of it
``hole_minus_value``   64-bit immediate: minus what was there; ``hole_minus_value_low``: 32-bit
=====================  =====================================================================

Lines that start with a dot are not assembled but carried out by the engine:

``.guest``             the guest instruction as it is
``.guest near``        the same with its RIP-relative displacement moved
``.guest base s0``     the same with its memory operand based on s0 instead, without its gs override
``.load``              ``mov rcx, operand`` for the guest's 64-bit register or memory operand
``.load_moved``        the same, a RIP-relative displacement moved
``.load_base s0``      the same, the operand based on s0
``.add_base s0``       ``lea s0, [s0 + base]`` with the operand's base register; nothing without one
``.jcc``               the guest's condition as ``jcc rel32`` to the taken exit
``.short``             the guest's loop or jrcxz over the next host instruction
``.jump next``         ``jmp rel32`` to the exit for the fall-through; left out when it follows
``.jump taken``        ``jmp rel32`` to the exit for the branch target; left out when it follows
``.call``              ``call rel32`` to the exit for the branch target, by its call entry
``.call_table``        ``call rel32`` to a table_stub of its own
``.island``            makes sure that a miss jump is in reach of the prologue behind this call
``.leave``             ``jmp rel32`` to the unit's check_stub
``.low N``, ``.high``  from here on rsp is N (128 or 136) lower than the guest's, or no longer
``.exit KIND``         leave for the VMM: exit of that kind for this instruction
``.reload``            reload the spilled registers here (else at the end)
``.reload_but_rcx``    the same for all but rcx
``.commit WHERE``      from here on the guest instruction counts as done, and the guest's pc is:
                       ``next``, ``target``, ``key`` (context slot KEY) or ``stack`` ([rsp-8])
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Template:
    """One template: its name, body lines and declarations.

    ``scratch`` is the number of scratch registers, ``fixed`` the registers used by name.
    ``keeps_spilled`` says that nothing is reloaded at the end: the body has done it, or ends in a
    jump whose target does.
    ``entry_spilled`` names those of ``fixed`` that are spilled already when the body begins.
    ``ends`` says that nothing follows the body: control never falls out of it.
    ``costs_flags`` says that it changes status flags: it stands only before a guest instruction
    that overwrites them.
    """

    name: str
    body: tuple[str, ...]
    scratch: int = 0
    fixed: tuple[str, ...] = ()
    keeps_spilled: bool = False
    entry_spilled: tuple[str, ...] = ()
    entry_where: str = "this"
    ends: bool = False
    costs_flags: bool = False
    guest: str = field(default="")
    host: str = field(default="")
    why: str = field(default="")


def lines(text: str) -> tuple[str, ...]:
    """The lines of a body, without what only lays it out."""
    return tuple(line.strip() for line in text.strip().splitlines() if line.strip())


class Collector:
    """Collects templates in the order in which it is called for them."""

    def __init__(self) -> None:
        self.templates: list[Template] = []

    def __call__(
        self,
        name: str,
        body: str,
        *,
        guest: str,
        host: str,
        why: str,
        scratch: int = 0,
        fixed: tuple[str, ...] = (),
        keeps_spilled: bool = False,
        entry_spilled: tuple[str, ...] = (),
        entry_where: str = "this",
        ends: bool = False,
        costs_flags: bool = False,
    ) -> None:
        """Adds a template; the arguments are the fields of `Template`, the body still one text."""
        self.templates.append(
            Template(
                name,
                lines(body),
                scratch,
                fixed,
                keeps_spilled,
                entry_spilled,
                entry_where,
                ends,
                costs_flags,
                guest,
                host,
                why,
            )
        )
