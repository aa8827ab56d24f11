"""The counters of a session, as frozen values; their names come from the C struct alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, make_dataclass
from typing import TYPE_CHECKING, Any

from dbt._native import ffi
from dbt.tcache.arenas import ArenaUse


class _Counters:
    """What every Statistics can do, whatever counters the C struct has."""

    if TYPE_CHECKING:
        # The counters are fields made from dbt_statistics (csrc/core/session.h).
        def __getattr__(self, name: str) -> int: ...

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The counters' names, in the order of the C struct."""
        return _NAMES

    @classmethod
    def read(cls, struct: Any) -> Statistics:
        """Copies a dbt_statistics out of session memory.

        Args:
            struct: a cffi reference to the struct; it may be changing while it is read.
        """
        return Statistics(*(int(getattr(struct, name)) for name in _NAMES))

    @classmethod
    def sum(cls, parts: Iterable[Statistics]) -> Statistics:
        """Adds the counters of several processes."""
        return cls._sum([part.values() for part in parts])

    @classmethod
    def total(cls, structs: Iterable[Any]) -> Statistics:
        """Adds dbt_statistics of session memory; in place of `read` and `sum` it takes a tenth.

        Args:
            structs: cffi references.
        """
        return cls._sum([tuple(_numbers(ffi.addressof(struct))) for struct in structs])

    @staticmethod
    def _sum(rows: list[tuple[int, ...]]) -> Statistics:
        if not rows:
            return Statistics()
        columns = zip(_NAMES, zip(*rows, strict=True), strict=True)
        return Statistics(*(max(c) if name in _NO_COUNTS else sum(c) for name, c in columns))

    def values(self) -> tuple[int, ...]:
        """The counters, in the order of `names`."""
        return tuple(getattr(self, name) for name in _NAMES)

    def table(self) -> str:
        """All counters, one a line, names on the left."""
        width = max(map(len, _NAMES))
        rows = zip(_NAMES, self.values(), strict=True)
        return "\n".join(f"{name.replace('_', ' '):<{width}} {value:>20,}" for name, value in rows)

    def summary(self) -> str:
        """The counters that say most, in a few aligned lines for a terminal."""
        instructions = self.guest_instructions_translated
        exits = sum(
            value
            for name, value in zip(_NAMES, self.values(), strict=True)
            if name.startswith("exits_")
        )
        rows = [
            ("translated", f"{self.units_translated:,} units, {instructions:,} instructions"),
            ("", f"{_percent(self.instructions_ident, instructions)} emitted as they were"),
            ("code", f"{self.guest_bytes_translated:,} guest bytes to {self.host_bytes_emitted:,}"),
            ("", f"{self.tc_bytes_used:,} bytes of the translation cache in use"),
            ("links", f"{self.links_made:,} made, {self.links_broken:,} broken"),
            ("exits", f"{exits:,} to the VMM: {self.exits_continuation:,} continuations,"),
            ("", f"{self.exits_indirect_miss:,} indirect misses, {self.exits_syscall:,} syscalls,"),
            ("", f"{self.exits_callout:,} callouts, {self.exits_fault:,} faults,"),
            ("", f"{self.exits_signal:,} signals"),
        ]
        if self.evictions or self.units_invalidated:
            rows += [
                ("dropped", f"{self.evictions:,} evictions of {self.units_evicted:,} units,"),
                ("", f"{self.units_invalidated:,} units whose guest code changed"),
            ]
        if self.self_check_pages:
            rows += [
                ("changing", f"{self.self_check_pages:,} pages whose units check themselves:"),
                ("", f"{self.self_check_changes:,} changes found,"),
                ("", f"{self.self_check_pages_settled:,} pages settled"),
            ]
        return "\n".join(f"  {label:<11}{text}" for label, text in rows)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "0.0%"


#: An address: of several processes, one is shown.
_NO_COUNTS = frozenset({"limit_unit_pc"})

_NAMES: tuple[str, ...] = tuple(name for name, _ in ffi.typeof("dbt_statistics").fields)

def _numbers(pointer: Any) -> memoryview:
    """A dbt_statistics as numbers; the struct has 64-bit fields only."""
    return memoryview(ffi.buffer(pointer)).cast("Q")


if TYPE_CHECKING:

    class Statistics(_Counters):
        """The counters of one process, or the sum of several."""

        def __init__(self, *values: int) -> None: ...

else:
    Statistics = make_dataclass(
        "Statistics",
        [(name, int, 0) for name in _NAMES],
        bases=(_Counters,),
        frozen=True,
        namespace={"__doc__": "The counters of one process, or the sum of several."},
    )
    Statistics.__module__ = __name__


@dataclass(frozen=True)
class ThreadCharge:
    """What translating has cost on behalf of one guest thread.

    Attributes:
        tid: its thread id; of more than 31 threads of a process, the others are one charge, by the
            id of the first of them.
        guest_instructions: translated when the thread came to them.
        cycles: time-stamp counter ticks spent on that.
        units_invalidated: units that its writes into code made void.
    """

    tid: int
    guest_instructions: int
    cycles: int
    units_invalidated: int

    @classmethod
    def read(cls, charges: Any) -> tuple[ThreadCharge, ...]:
        """Copies the charges of a slab out of session memory."""
        return tuple(
            cls(charge.tid, charge.guest_instructions, charge.cycles, charge.units_invalidated)
            for charge in charges
            if charge.tid
        )


@dataclass(frozen=True)
class ProcessStatistics:
    """What one guest process counted.

    Attributes:
        pid: its process id.
        parent_pid: of the process that forked it, 0 for the first.
        name: its name as ps shows it.
        running: whether it had not ended when this was read.
        statistics: its counters since it started.
        threads: what translating cost, thread by thread.
        arenas: of the translation cache of its last program; none where it shares its parent's.
    """

    pid: int
    parent_pid: int
    name: str
    running: bool
    statistics: Statistics
    threads: tuple[ThreadCharge, ...] = ()
    arenas: tuple[ArenaUse, ...] = ()
