"""Who called whom, and where indirect branches went, from counted executions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from dbt._native import lib
from dbt.decoder import decode
from dbt.errors import DbtError
from dbt.profiler import model
from dbt.profiler.names import Names, Place
from dbt.profiler.places import place_key

if TYPE_CHECKING:
    from dbt.profiler.collect import Mapping
    from dbt.profiler.symbols import Line

BRANCHES_MOST = 200
TARGETS_MOST = 16
# Of the calls: reading the line tables of the rest takes longer than it tells.
_LINES_SHARE = 0.9995
_KINDS = {
    lib.DBT_CLASS_RET: "return",
    lib.DBT_CLASS_IJMP: "jump",
    lib.DBT_CLASS_ICALL: "call",
}

Key = tuple[str, str, int]


class Site(NamedTuple):
    """A unit that ends in a branch.

    Attributes:
        region: of its list.
        pid: of its process.
        row: a dbt_profile_unit.
        code: its guest bytes.
    """

    region: int
    pid: int
    row: Any
    code: bytes

    @property
    def last_byte(self) -> int:
        """Guest address of the last byte of the branch."""
        return int(self.row.guest_pc + self.row.guest_bytes - 1)


class Calls:
    """The sums; add everything, then ask for the lists.

    Args:
        names: of addresses.
        mapping: gives the mapping of a region's process that holds a guest address.
    """

    def __init__(self, names: Names, mapping: Callable[[int, int], Mapping | None]) -> None:
        self._names = names
        self._mapping = mapping
        self._calls: Counter[tuple[Key, Key, tuple[int, int]]] = Counter()
        self._targets: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        self._sites: dict[tuple[int, int], Site] = {}

    def add_direct(self, site: Site, executions: int) -> None:
        """Adds the executions of a unit that may end in a direct call or jump."""
        if site.row.ends == lib.DBT_CLASS_CALL:
            offset = int.from_bytes(site.code[-4:], "little", signed=True)
            self._add(site, site.last_byte + 1 + offset, executions, is_call=True)
        elif site.row.ends == lib.DBT_CLASS_JMP:
            target = _jump_target(site)
            if target is not None:
                self._add(site, target, executions, is_call=False)

    def add_indirect(self, site: Site, target: int, executions: int) -> None:
        """Adds executions of an indirect branch that went to one target.

        Args:
            site: the unit that ends in it; several may.
            target: guest address.
            executions: how many.
        """
        key = site.region, site.last_byte
        self._sites[key] = site
        self._targets[key][target] += executions
        if site.row.ends != lib.DBT_CLASS_RET:
            self._add(site, target, executions, is_call=site.row.ends == lib.DBT_CLASS_ICALL)

    def _place(self, region: int, pc: int) -> Place:
        return self._names.place(self._mapping(region, pc), pc)

    def _add(self, site: Site, target: int, executions: int, is_call: bool) -> None:
        caller = self._place(site.region, site.row.guest_pc)
        callee = self._place(site.region, target)
        if not is_call:
            # A jump calls when it leads to the beginning of another function.
            address = self._names.file(callee.module).address(callee.offset)
            begins = callee.start != 0 and address == callee.start
            if not begins or place_key(caller) == place_key(callee):
                return
        place = site.region, site.last_byte
        self._calls[place_key(caller), place_key(callee), place] += executions

    def totals(self) -> Counter[Key]:
        """How often each function was called."""
        found: Counter[Key] = Counter()
        for (_, callee, _), count in self._calls.items():
            found[callee] += count
        return found

    def calls(self, functions: list[model.Function]) -> list[model.Call]:
        """Calls by caller, callee and source line, most frequent first.

        Args:
            functions: in the order of the profile's list.
        """
        index = {(row.module, row.name, row.start): at for at, row in enumerate(functions)}
        sums: Counter[tuple[int, int, Line | None]] = Counter()
        left = _LINES_SHARE * self._calls.total()
        for (caller, callee, (region, pc)), count in self._calls.most_common():
            if caller in index and callee in index:
                line = self._names.line(self._mapping(region, pc), pc) if left > 0 else None
                sums[index[caller], index[callee], line] += count
            left -= count
        return [
            model.Call(caller, callee, count, line.source if line else None,
                       line.line if line else None)
            for (caller, callee, line), count in sums.most_common()
        ]  # fmt: skip

    def branches(self) -> Iterator[model.Branch]:
        """The hottest indirect branches with their targets."""
        totals = Counter({key: found.total() for key, found in self._targets.items()})
        for key, executions in totals.most_common(BRANCHES_MOST):
            site, targets = self._sites[key], self._targets[key]
            place = self._place(site.region, site.row.guest_pc)
            mapping = self._mapping(site.region, site.last_byte)
            line = self._names.line(mapping, site.last_byte)
            pc = _branch_pc(site)
            yield model.Branch(
                pid=site.pid,
                pc=pc,
                kind=_KINDS.get(site.row.ends, "jump"),
                module=place.module,
                offset=place.offset + pc - site.row.guest_pc,
                function=place.function,
                source=line.source if line else None,
                line=line.line if line else None,
                executions=executions,
                targets_seen=len(targets),
                targets=tuple(
                    self._target(site.region, target, count)
                    for target, count in targets.most_common(TARGETS_MOST)
                ),
            )

    def _target(self, region: int, pc: int, executions: int) -> model.BranchTarget:
        place = self._place(region, pc)
        return model.BranchTarget(pc, place.module, place.offset, place.function, executions)


def _jump_target(site: Site) -> int | None:
    try:
        return decode(site.code, site.row.guest_pc)[-1].target
    except DbtError:
        return None


def _branch_pc(site: Site) -> int:
    try:
        return decode(site.code, site.row.guest_pc)[-1].pc
    except DbtError:
        return int(site.row.guest_pc)
