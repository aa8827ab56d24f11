"""`Translation`: guest code in the engine, translated on request and never run.

It is the same engine as in the VMM, in this process; what it emits can be read, linked and evicted.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

from dbt._native import check, ffi, lib
from dbt.decoder.instruction import REGISTER_NAMES, InstructionClass
from dbt.errors import ArgumentError, NotMappedError
from dbt.translator.rules import FACTS
from dbt.translator.templates import TEMPLATES
from dbt.translator.unit import (
    Entry,
    Exit,
    ExitKind,
    Item,
    State,
    TranslationUnit,
    Where,
    register_names,
)

_FLAGS = {1: "LIVE", 2: "TRANSIENT", 4: "THUNK", 8: "FALLS"}
_SCRATCH = {template.name: template.scratch for template in TEMPLATES}
_NONE = lib.DBT_LISTING_NONE


class Options(NamedTuple):
    """How to translate.

    Attributes:
        tc_size_bytes: room for emitted code, 64 KiB to 1 GiB.
        unit_cap: guest instructions in a unit, at most.
        chain: whether units are linked to each other.
        fall_through: whether a unit's untranslated fall-through is emitted straight after it.
        paired: whether calls and returns use host calls and returns.
        wide: whether paired returns use the larger table, by an instruction of BMI2.
        counted: whether units count their executions.
        plant: a bug to be made on purpose: its kind, DBT_PLANT_*, and guest address; (0, 0): none.
        check: whether units check at their entry that their source has not changed.
        tsc_callout: whether C reads the time-stamp counter for the guest.
    """

    tc_size_bytes: int = 1 << 20
    unit_cap: int = 32
    chain: bool = True
    fall_through: bool = True
    paired: bool = False
    wide: bool = False
    counted: bool = False
    plant: tuple[int, int] = (0, 0)
    check: bool = False
    tsc_callout: bool = False


def _configuration(options: Options) -> Any:
    configuration = ffi.new("dbt_configuration *")
    configuration.flags = (
        (lib.DBT_CONFIG_CHAIN if options.chain else 0)
        | (lib.DBT_CONFIG_FALL_THROUGH if options.fall_through else 0)
        | (lib.DBT_CONFIG_PAIRED if options.paired else 0)
        | (lib.DBT_CONFIG_WIDE_RETURNS if options.wide else 0)
        | (lib.DBT_CONFIG_COUNT if options.counted else 0)
        | (lib.DBT_CONFIG_CHECK_ALL if options.check else 0)
        | (lib.DBT_CONFIG_TSC_CALLOUT if options.tsc_callout else 0)
    )
    configuration.tc_size_bytes = options.tc_size_bytes
    configuration.unit_cap = options.unit_cap
    configuration.plant, configuration.plant_pc = options.plant
    configuration.chain_until = configuration.cap_after = 0xFFFF_FFFF
    return configuration


class Translation:
    """Guest code and what was emitted for it; a context manager that gives its memory back.

    Args:
        code: guest bytes.
        pc: guest address of the first byte.
        options: how to translate.

    Raises:
        ArgumentError: there are no bytes, they wrap around, or an option is out of its range.
    """

    def __init__(self, code: bytes, pc: int, options: Options | None = None) -> None:
        self.options = options = options or Options()
        self._ranges = [(pc, bytes(code))]
        self._items: dict[int, tuple[Any, ...]] = {}
        self._handle = lib.dbt_listing_create(code, len(code), pc, _configuration(options))
        if self._handle == ffi.NULL:
            raise ArgumentError(f"{len(code)} bytes at {pc:#x} cannot be translated with {options}")

    def add(self, code: bytes, pc: int) -> None:
        """Adds one more range of guest code, so that code may lie far apart.

        Raises:
            NoRoomError: there are four ranges already.
            ArgumentError: there are no bytes, or they wrap around.
        """
        check(lib.dbt_listing_add(self.handle, code, len(code), pc), f"code at {pc:#x}")
        self._ranges.append((pc, bytes(code)))

    @property
    def handle(self) -> Any:
        """The dbt_listing of csrc/ext/translate_api.h, for calls that have no method here."""
        if self._handle == ffi.NULL:
            raise ArgumentError("the translation is closed")
        return self._handle

    def close(self) -> None:
        """Gives all memory back; emitted code is gone."""
        handle, self._handle = self._handle, ffi.NULL
        lib.dbt_listing_destroy(handle)

    def __enter__(self) -> Translation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def guest_code(self, pc: int, size_bytes: int) -> bytes:
        """Guest bytes as they were given; fewer where the range ends."""
        for start, code in self._ranges:
            if start <= pc < start + len(code):
                return code[pc - start : pc - start + size_bytes]
        return b""

    def translate(self, pc: int, entry: Entry = Entry.BODY) -> tuple[int, ...]:
        """Translates the unit at a guest address, and those that it falls into.

        Args:
            pc: guest address.
            entry: how it will be entered.

        Returns:
            The numbers of the units that were emitted, the one asked for first; none when there is
            one already.

        Raises:
            NotMappedError: there is no whole instruction at the address.
        """
        out = ffi.new("uint32_t *")
        existed = self.lookup(pc, entry)
        status = lib.dbt_listing_translate(self.handle, pc, entry, out)
        if status == lib.DBT_ERROR_NOT_MAPPED:
            raise NotMappedError(f"{pc:#x}: there is no whole instruction there")
        check(status, f"translating {pc:#x}")
        if existed is not None:
            return ()
        emitted: dict[int, list[Any]] = {out[0]: []}
        for at in range(lib.dbt_listing_item_count(self.handle)):
            item = ffi.new("dbt_listing_item *")
            check(lib.dbt_listing_item_get(self.handle, at, item), "an item")
            emitted.setdefault(item.unit, []).append(item)
        self._items.update((number, tuple(items)) for number, items in emitted.items())
        return tuple(emitted)

    def lookup(self, pc: int, entry: Entry = Entry.BODY) -> int | None:
        """The number of the unit at a guest address that has that entry, or None."""
        number = lib.dbt_listing_lookup(self.handle, pc, entry)
        return None if number == _NONE else int(number)

    def _item(self, raw: Any) -> Item:
        template = ffi.string(lib.dbt_template_name(raw.template_)).decode()
        return Item(
            pc=raw.guest_pc,
            code=self.guest_code(raw.guest_pc, raw.guest_bytes),
            class_=InstructionClass(raw.class_),
            template=template,
            facts=frozenset(name for n, (name, _) in enumerate(FACTS) if raw.facts >> n & 1),
            scratch=tuple(REGISTER_NAMES[raw.scratch[n]] for n in range(_SCRATCH[template])),
            host_pc=raw.host_pc,
            host_code=self.host_code(raw.host_pc, raw.host_bytes),
        )

    def exit(self, number: int) -> Exit:
        """The exit of that number as it is now."""
        raw = ffi.new("dbt_listing_exit *")
        check(lib.dbt_listing_exit_get(self.handle, number, raw), f"exit {number}")
        return Exit(
            number=number,
            kind=ExitKind(raw.kind),
            entry=Entry(raw.entry),
            target=raw.guest_target,
            host_patch=raw.host_patch,
            host_stub=raw.host_stub,
            host_far=raw.host_far,
            linked=None if raw.linked == _NONE else raw.linked,
        )

    def unit(self, number: int) -> TranslationUnit:
        """The unit of that number as it is now; items only of units that `translate` answered."""
        raw = ffi.new("dbt_listing_unit *")
        check(lib.dbt_listing_unit_get(self.handle, number, raw), f"unit {number}")
        items = [self._item(item) for item in self._items.get(number, ())]
        return TranslationUnit(
            number=number,
            pc=raw.guest_pc,
            code=self.guest_code(raw.guest_pc, raw.guest_bytes),
            entry=Entry(raw.entry),
            host_start=raw.host_start,
            host_entry=raw.host_entry,
            host_body=raw.host_body,
            host_code=self.host_code(raw.host_start, raw.host_end - raw.host_start),
            items=tuple(item for item in items if item.code),
            inserted=tuple(item for item in items if not item.code),
            exits=tuple(self.exit(raw.first_exit + n) for n in range(raw.exit_count)),
            flags=frozenset(name for bit, name in _FLAGS.items() if raw.flags & bit),
        )

    def host_code(self, host_pc: int, size_bytes: int) -> bytes:
        """Reads emitted code, stubs or literals; the address must be inside the cache."""
        return bytes(ffi.buffer(ffi.cast("char *", host_pc), size_bytes))

    def link(self, exit_number: int, unit_number: int) -> None:
        """Links an exit to a unit, as the dispatcher does when the exit was taken.

        Raises:
            NoRoomError: it cannot be linked (chaining off, linked already, no room for a far jump).
        """
        status = lib.dbt_listing_link(self.handle, exit_number, unit_number)
        check(status, f"linking exit {exit_number} to unit {unit_number}")

    def fill_table(self, unit_number: int) -> None:
        """Enters a unit into its table of indirect targets, as the dispatcher does on a miss."""
        lib.dbt_listing_fill_table(self.handle, unit_number)

    def invalidate(self, start: int, end: int) -> None:
        """Drops the units translated from guest addresses in [start, end)."""
        lib.dbt_listing_invalidate(self.handle, start, end)

    def state_at(self, host_pc: int) -> State | None:
        """The guest state at a host pc, or None where no emitted code is."""
        raw = ffi.new("dbt_listing_state *")
        status = lib.dbt_listing_state_at(self.handle, host_pc, raw)
        if status == lib.DBT_ERROR_NOT_MAPPED:
            return None
        check(status, f"the state at host {host_pc:#x}")
        return State(
            pc=raw.guest_pc,
            guest_bytes=raw.guest_bytes,
            where=Where(raw.where),
            target=raw.target,
            spilled=register_names(raw.spilled_mask),
            low_bytes=raw.low_bytes,
            host_offset=raw.host_offset,
            flags_lost=bool(raw.flags_lost),
        )

    def table(self, entry: Entry) -> int:
        """The host address of the table of return or jump targets, 65536 entries of 8 bytes.

        For BODY: of the second-level table of both, pairs of 8 bytes (dbt_second in
        csrc/core/tcache.h).
        """
        return int(lib.dbt_listing_table(self.handle, entry))

    def arenas(self) -> tuple[tuple[int, int], ...]:
        """The arenas there are: host address and size in bytes."""
        uses = lib.dbt_listing_arenas(self.handle)
        arenas = uses.arenas[0 : uses.count]
        return tuple((int(arena.host_start), int(arena.size_bytes)) for arena in arenas)

    def statistics(self) -> dict[str, int]:
        """The engine's counters by name (dbt_statistics in csrc/core/session.h)."""
        raw = lib.dbt_listing_statistics(self.handle)
        return {name: getattr(raw, name) for name, _ in ffi.typeof("dbt_statistics").fields}
