"""The figures' formulas, one place each; docs/profile.md says them in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from dbt._native import lib
from dbt.profiler.model import Arena, Figures, share

if TYPE_CHECKING:
    from dbt.tcache.statistics import Statistics

_INDIRECT = frozenset((lib.DBT_CLASS_RET, lib.DBT_CLASS_IJMP, lib.DBT_CLASS_ICALL))
# A unit that ends so goes on by way of the VMM always; any other not indirect goes on directly.
_LEAVING = frozenset(
    (
        lib.DBT_CLASS_SYSCALL,
        lib.DBT_CLASS_CPUID,
        lib.DBT_CLASS_GSBASE,
        lib.DBT_CLASS_FAR,
        lib.DBT_CLASS_SYSENTER,
        lib.DBT_CLASS_INVALID,
        lib.DBT_CLASS_TRAP,
        lib.DBT_CLASS_PRIVILEGED,
        lib.DBT_CLASS_SENSITIVE,
    )
)

_LOOKUPS = ("indirect_first_probe_share", "indirect_collision_share", "indirect_cold_share")


class Executed(NamedTuple):
    """What counters of units add up to.

    Attributes:
        entries: executions of units.
        instructions: guest instructions, less those that faults and signals left undone.
        ident: of them, those that were emitted as they are.
        guest_bytes: of the instructions executed.
        host_bytes: of the bodies executed.
        host_instructions: likewise.
        direct: units that went on directly.
        indirect: units that ended in an indirect branch or a return.
        second_lookups: of those branches, looked up in the second level of the tables.
    """

    entries: int = 0
    instructions: int = 0
    ident: int = 0
    guest_bytes: int = 0
    host_bytes: int = 0
    host_instructions: int = 0
    direct: int = 0
    indirect: int = 0
    second_lookups: int = 0

    def plus(self, other: Executed) -> Executed:
        """The sum of two."""
        return Executed(*(a + b for a, b in zip(self, other, strict=True)))

    @classmethod
    def of(cls, unit: Any, count: int) -> Executed:
        """Of one unit.

        Args:
            unit: a dbt_profile_unit.
            count: its executions.
        """
        ends: int = unit.ends
        indirect = ends in _INDIRECT
        return cls(
            entries=count,
            instructions=count * unit.instructions,
            ident=count * unit.ident,
            guest_bytes=count * unit.guest_bytes,
            host_bytes=count * unit.host_bytes,
            host_instructions=count * unit.host_instructions,
            direct=0 if indirect or ends in _LEAVING else count,
            indirect=count if indirect else 0,
        )


def dispatches_by_reason(counted: Statistics) -> dict[str, int]:
    """Returns from translated code to the VMM, by why."""
    return {
        "continuation": counted.exits_continuation,
        "indirect_miss": counted.exits_indirect_miss,
        "syscall": counted.exits_syscall,
        "callout": counted.exits_callout,
        "signal": counted.exits_signal,
        "fault": counted.exits_fault,
        "code_write": counted.code_page_write_faults,
    }


def per_thousand(dispatches: int, entries: int | None) -> float | None:
    """Dispatches per thousand unit entries; None where entries are not counted."""
    return 1000 * dispatches / entries if entries else None


def figures(
    counted: Statistics,
    executed: Executed | None,
    retranslated: int | None,
    samples: dict[str, int],
    arenas: Sequence[Arena],
) -> Figures:
    """Computes the figures of one process, or of all.

    Args:
        counted: the always-on counters.
        executed: the sums of exact counters, or None.
        retranslated: units at a guest address that had been translated before; None: not known.
        samples: by place.
        arenas: of the same processes.
    """
    reasons = dispatches_by_reason(counted)
    dispatches = sum(reasons.values())
    whole = sum(samples.values())
    entries = executed.entries if executed else None
    instructions = executed.instructions if executed else None
    return Figures(
        guest_instructions_translated=counted.guest_instructions_translated,
        guest_instructions_executed=instructions,
        units_translated=counted.units_translated,
        units_retranslated=retranslated,
        translations=counted.translations,
        tu_entries=entries,
        tc_hit_rate=1 - counted.translations / entries if entries else None,
        dispatches=dispatches,
        dispatches_continuation=reasons["continuation"],
        dispatches_indirect_miss=reasons["indirect_miss"],
        dispatches_syscall=reasons["syscall"],
        dispatches_callout=reasons["callout"],
        dispatches_signal=reasons["signal"],
        dispatches_fault=reasons["fault"],
        dispatches_code_write=reasons["code_write"],
        dispatches_per_thousand_entries=per_thousand(dispatches, entries),
        **_rates(reasons, entries),
        direct_transfers_executed=executed.direct if executed else None,
        chained_share=_complement(reasons["continuation"], executed.direct) if executed else None,
        indirect_branches_executed=executed.indirect if executed else None,
        indirect_in_cache_share=(
            _complement(reasons["indirect_miss"], executed.indirect) if executed else None
        ),
        **_lookups(reasons["indirect_miss"], executed),
        ident_share_translated=share(
            counted.instructions_ident, counted.guest_instructions_translated
        ),
        ident_share_executed=share(executed.ident, executed.instructions) if executed else None,
        code_expansion_bytes=share(counted.host_bytes_emitted, counted.guest_bytes_translated),
        code_expansion_bytes_executed=(
            share(executed.host_bytes, executed.guest_bytes) if executed else None
        ),
        code_expansion_instructions_executed=(
            share(executed.host_instructions, executed.instructions) if executed else None
        ),
        translation_cycles=counted.translation_cycles,
        translation_cycles_per_instruction=share(
            counted.translation_cycles, counted.guest_instructions_translated
        ),
        links_made=counted.links_made,
        links_broken=counted.links_broken,
        tc_bytes_used=counted.tc_bytes_used,
        tc_bytes_reserved=sum(arena.bytes_reserved for arena in arenas),
        arenas=len(arenas),
        chunks_live=sum(arena.chunks_live for arena in arenas),
        evictions=counted.evictions,
        units_evicted=counted.units_evicted,
        eviction_cycles=counted.eviction_cycles,
        invalidations=counted.units_invalidated,
        invalidations_write=counted.units_invalidated_write,
        invalidations_map=counted.units_invalidated_map,
        code_pages_protected=counted.code_pages_protected,
        self_check_pages=counted.self_check_pages,
        self_check_pages_settled=counted.self_check_pages_settled,
        self_check_changes=counted.self_check_changes,
        samples=whole,
        time_share_tc=share(samples.get("tc", 0), whole),
        time_share_lookup=share(samples.get("lookup", 0), whole),
        time_share_translate=share(samples.get("translate", 0), whole),
        time_share_vmm=share(samples.get("vmm", 0), whole),
        time_share_kernel=share(samples.get("kernel", 0), whole),
    )


def _rates(reasons: dict[str, int], entries: int | None) -> dict[str, float | None]:
    """Dispatches per thousand unit entries, by the figures' names."""
    return {
        f"dispatches_{reason}_per_thousand_entries": per_thousand(count, entries)
        for reason, count in reasons.items()
    }


def _lookups(cold: int, executed: Executed | None) -> dict[str, float | None]:
    """Indirect branches by the level that knew their target; the three add up to 1."""
    if executed is None:
        return dict.fromkeys(_LOOKUPS)
    second = executed.second_lookups
    shares = (
        _complement(second, executed.indirect),
        share(max(second - cold, 0), executed.indirect),
        share(cold, executed.indirect),
    )
    return dict(zip(_LOOKUPS, shares, strict=True))


def _complement(part: int, whole: int) -> float | None:
    return max(0.0, 1 - part / whole) if whole else None
