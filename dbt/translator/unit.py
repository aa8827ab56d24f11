"""`TranslationUnit` and its parts: what was emitted for a stretch of guest code, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from dbt.decoder.instruction import REGISTER_NAMES, InstructionClass


class Entry(IntEnum):
    """How a unit is entered, which says whether a prologue stands before its body."""

    BODY = 0
    RETURN = 1
    JUMP = 2
    CALL = 3


class Where(IntEnum):
    """Where the guest's pc is while a host instruction is the next to run (csrc/core/emit.h)."""

    THIS = 0
    NEXT = 1
    TARGET = 2
    KEY = 3
    STACK = 4


class ExitKind(IntEnum):
    """Why a unit is left (csrc/core/engine.h); TABLE stays inside, on its way to the table.

    CHECK is the way out of a unit that found its source changed.
    """

    CONTINUATION = 0
    SYSCALL = 2
    CALLOUT = 3
    UNSUPPORTED = 4
    TABLE = 9
    CHECK = 13


@dataclass(frozen=True)
class State:
    """The guest state at a host pc.

    ``pc`` is the guest instruction that the host pc belongs to, ``guest_bytes`` its length;
    ``where`` says whether it counts as done, and where the guest's pc then is; ``target`` is that
    pc where ``where`` is TARGET. ``spilled`` are the registers whose values wait in spill slots.
    ``low_bytes`` is how much lower rsp is than the guest's. ``host_offset`` is 0 at the start of a
    host instruction. ``flags_lost`` says that the guest instruction is the next to run and
    overwrites the flags, which are not the guest's any more: recovering carries it out.
    """

    pc: int
    guest_bytes: int
    where: Where
    target: int
    spilled: tuple[str, ...]
    low_bytes: int
    host_offset: int
    flags_lost: bool = False

    @property
    def guest_pc(self) -> int | None:
        """The guest's pc, or None when it waits in the context's key or on the stack."""
        known = {
            Where.THIS: self.pc,
            Where.NEXT: self.pc + self.guest_bytes,
            Where.TARGET: self.target,
        }
        return known.get(self.where)

    def __str__(self) -> str:
        low = f" low {self.low_bytes}" if self.low_bytes else ""
        lost = " flags lost" if self.flags_lost else ""
        return f"{self.where.name.lower()} {{{' '.join(self.spilled)}}}{low}{lost}"


@dataclass(frozen=True)
class Item:
    """One guest instruction of a unit, and the host code that stands for it.

    ``code`` are the guest's bytes at ``pc``, ``host_code`` the emitted ones at ``host_pc`` (padding
    before the instruction included). ``facts`` are those of ``dbt.translator.rules.FACTS``;
    ``scratch`` names the registers that the engine chose for the template.
    """

    pc: int
    code: bytes
    class_: InstructionClass
    template: str
    facts: frozenset[str]
    scratch: tuple[str, ...]
    host_pc: int
    host_code: bytes

    @property
    def next_pc(self) -> int:
        """The guest address behind the instruction."""
        return self.pc + len(self.code)

    @property
    def host_end(self) -> int:
        """The host address behind the emitted code."""
        return self.host_pc + len(self.host_code)


@dataclass(frozen=True)
class Exit:
    """One way out of a unit.

    ``target`` is the guest address it leads to, or for what is not a continuation the guest
    instruction to carry out; ``entry`` is how it arrives there. ``host_patch`` is the address of
    the rel32 that linking rewrites (0: none), ``host_stub`` that of the code that enters the VMM,
    ``host_far`` that of the far jump (0: none). ``linked`` is the number of the unit it is linked
    to, or None.
    """

    number: int
    kind: ExitKind
    entry: Entry
    target: int
    host_patch: int
    host_stub: int
    host_far: int
    linked: int | None


@dataclass(frozen=True)
class TranslationUnit:
    """A stretch of guest code and the host code emitted for it.

    ``pc`` and ``code`` are the guest's; ``host_code`` stands at ``host_start``, its prologue (if
    ``entry`` has one) before ``host_body``, entered at ``host_entry``. ``items`` are its guest
    instructions, ``inserted`` what was put in between them. ``flags`` are of LIVE, TRANSIENT, THUNK
    and FALLS: in the last case the unit runs into the one emitted after it.
    """

    number: int
    pc: int
    code: bytes
    entry: Entry
    host_start: int
    host_entry: int
    host_body: int
    host_code: bytes
    items: tuple[Item, ...]
    inserted: tuple[Item, ...]
    exits: tuple[Exit, ...]
    flags: frozenset[str]

    @property
    def next_pc(self) -> int:
        """The guest address behind the unit's last instruction."""
        return self.pc + len(self.code)

    @property
    def host_end(self) -> int:
        """The host address behind the emitted code."""
        return self.host_start + len(self.host_code)

    def part(self, start: int, end: int) -> bytes:
        """The host code between two host addresses."""
        return self.host_code[start - self.host_start : end - self.host_start]

    @property
    def prologue(self) -> bytes:
        """The code before the body, which verifies the address of an indirect branch."""
        return self.part(self.host_start, self.host_body)

    @property
    def head(self) -> bytes:
        """The code before the first item: it checks the source."""
        starts = [item.host_pc for item in (*self.items, *self.inserted)]
        return self.part(self.host_body, min(starts, default=self.host_body))

    @property
    def tail(self) -> bytes:
        """The code behind the last item: the jump that ends a unit without a control transfer."""
        return self.part(self.items[-1].host_end if self.items else self.host_body, self.host_end)


def register_names(mask: int) -> tuple[str, ...]:
    """The registers of a bit mask, in the order of their numbers."""
    return tuple(name for number, name in enumerate(REGISTER_NAMES) if mask >> number & 1)
