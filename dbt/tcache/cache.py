"""`TranslationCache`: the units of a running process, found by guest or host address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import capstone

from dbt.tcache.arenas import ArenaUse

if TYPE_CHECKING:
    from dbt.translator.listing import Listing


@dataclass(frozen=True)
class CachedUnit:
    """A translation unit of a running process.

    Attributes:
        number: how many were translated before it in its process and those it was forked from.
        pc: guest address of its first instruction.
        code: its guest bytes.
        instructions: guest instructions in it.
        host_pc: address of its body.
        host_bytes: length of the body.
    """

    number: int
    pc: int
    code: bytes
    instructions: int
    host_pc: int
    host_bytes: int

    @property
    def host_end(self) -> int:
        """The address behind its body."""
        return self.host_pc + self.host_bytes


@dataclass(frozen=True)
class Branch:
    """A direct branch in a unit's emitted code.

    Attributes:
        host_pc: where it stands.
        target: the address it leads to.
        unit: the unit that begins there, or None: it leads to its stub, and so to the VMM.
    """

    host_pc: int
    target: int
    unit: CachedUnit | None


class TranslationCache:
    """The units of one process, as they lie in its cache now.

    A unit whose place was used again after an eviction is not among them; one that was invalidated
    stays until then.

    Args:
        units: all that were translated, in order.
        read_host: reads memory of the process: address, length.
        arenas: that they lie in, by address.

    Attributes:
        arenas: as given: what each of them holds.
    """

    def __init__(
        self,
        units: Iterable[CachedUnit],
        read_host: Callable[[int, int], bytes],
        arenas: tuple[ArenaUse, ...] = (),
    ) -> None:
        self._read_host = read_host
        self.arenas = arenas
        self._units = _standing(units)
        self._starts = [unit.host_pc for unit in self._units]
        self._by_host = {unit.host_pc: unit for unit in self._units}
        self._by_guest: dict[int, list[CachedUnit]] = {}
        for unit in sorted(self._units, key=lambda unit: unit.number):
            self._by_guest.setdefault(unit.pc, []).append(unit)

    def __iter__(self) -> Iterator[CachedUnit]:
        """The units in the order in which they lie."""
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)

    def at_guest(self, pc: int) -> CachedUnit | None:
        """The newest unit that begins at a guest address, or else one that holds it; or None."""
        if pc in self._by_guest:
            return self._by_guest[pc][-1]
        holding = (unit for unit in self._units if unit.pc < pc < unit.pc + len(unit.code))
        return max(holding, key=lambda unit: unit.number, default=None)

    def at_host(self, host_pc: int) -> CachedUnit | None:
        """The unit whose body holds a host address, or None."""
        at = bisect_right(self._starts, host_pc) - 1
        if at < 0 or host_pc >= self._units[at].host_end:
            return None
        return self._units[at]

    def arena_of(self, host_pc: int) -> ArenaUse | None:
        """The arena that holds a host address, or None."""
        holding = (arena for arena in self.arenas if arena.host_start <= host_pc < arena.host_end)
        return next(holding, None)

    def host_code(self, unit: CachedUnit) -> bytes:
        """A unit's emitted code, as it is now.

        Raises:
            OSError: the process has ended, or may not be looked at.
        """
        return self._read_host(unit.host_pc, unit.host_bytes)

    def links(self, unit: CachedUnit) -> tuple[Branch, ...]:
        """The direct branches of a unit, and where each leads now.

        Raises:
            OSError: as for `host_code`.
        """
        found = []
        for instruction in self._disassemble(unit):
            leads = instruction.group(capstone.CS_GRP_JUMP) or instruction.group(
                capstone.CS_GRP_CALL
            )
            operand = instruction.operands[0] if leads and instruction.operands else None
            if operand is not None and operand.type == capstone.CS_OP_IMM:
                target = operand.imm & 0xFFFF_FFFF_FFFF_FFFF
                if not unit.host_pc <= target < unit.host_end or target == unit.host_pc:
                    branch = Branch(instruction.address, target, self._by_host.get(target))
                    found.append(branch)
        return tuple(found)

    def disassemble(self, unit: CachedUnit) -> str:
        """A unit's emitted code as text, a line for each host instruction.

        Raises:
            OSError: as for `host_code`.
        """
        return "\n".join(
            f"{one.address:#x}  {one.bytes.hex(' '):<30}  {one.mnemonic} {one.op_str}".rstrip()
            for one in self._disassemble(unit)
        )

    def _disassemble(self, unit: CachedUnit) -> list[capstone.CsInsn]:
        reader = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        reader.detail = True
        return list(reader.disasm(self.host_code(unit), unit.host_pc))

    def listing(self, unit: CachedUnit) -> Listing:
        """Guest code, classes, and what is emitted for them, translated anew and alone."""
        from dbt.translator.listing import of_bytes

        return of_bytes(unit.code, unit.pc)


def _standing(units: Iterable[CachedUnit]) -> list[CachedUnit]:
    """Those units that no later one lies on, by address."""
    standing: dict[int, CachedUnit] = {}
    # From the newest on: what overlaps one that is there already is gone.
    taken: list[tuple[int, int]] = []
    for unit in sorted(units, key=lambda unit: unit.number, reverse=True):
        follower = standing.get(unit.number + 1)
        if unit.host_bytes == 0 and follower is not None and follower.host_pc == unit.host_pc:
            standing[unit.number] = unit  # a jump that was left out: it runs on into that one
            continue
        at = bisect_right(taken, (unit.host_pc, 1 << 64))
        before = at and taken[at - 1][1] > unit.host_pc
        behind = at < len(taken) and taken[at][0] < unit.host_end
        if not before and not behind:
            taken.insert(at, (unit.host_pc, unit.host_end))
            standing[unit.number] = unit
    return sorted(standing.values(), key=lambda unit: (unit.host_pc, unit.host_end))
