"""A profile as text: the summary that `dbt profile` prints, the full report, and a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from signal import Signals

from dbt.profiler.model import Figures, Function, Module, Profile, SourceLine, Unit

_PLACES = (
    ("tc", "translated code"),
    ("lookup", "on the way between units"),
    ("translate", "translating"),
    ("vmm", "in the VMM otherwise"),
    ("kernel", "in system calls"),
)
_REASONS = (
    ("continuation", "continuations"),
    ("indirect_miss", "indirect misses"),
    ("syscall", "system calls"),
    ("callout", "callouts"),
    ("signal", "signals"),
    ("fault", "faults"),
    ("code_write", "writes to code"),
)
_SUMMARY_ROWS = 8
_REPORT_ROWS = 30
_TARGET_ROWS = 4


def summary(profile: Profile) -> str:
    """What `dbt profile` prints at the program's end."""
    return "\n".join([*_head(profile), *_figures(profile), *_hot(profile, _SUMMARY_ROWS)])


def report(profile: Profile) -> str:
    """All of it: figures, hot places, system calls, processes."""
    lines = [*_head(profile), *_figures(profile), *_hot(profile, _REPORT_ROWS)]
    lines += _units(profile.units[:_REPORT_ROWS], profile)
    lines += _branches(profile)
    lines += _calls(profile)
    lines += _arenas(profile)
    lines += _mix(profile)
    if any(len(process.threads) > 1 for process in profile.processes[:1]) or profile.processes[1:]:
        lines += _processes(profile)
    return "\n".join(lines)


def compare(before: Profile, after: Profile) -> str:
    """Two profiles' figures side by side, and the functions whose share changed most."""
    lines = [f"{'':<50} {'first':>16} {'second':>16} {'ratio':>8}"]
    rows: list[tuple[str, float | None, float | None]] = [
        ("duration_s", before.duration_s, after.duration_s)
    ]
    rows += [
        (item.name, getattr(before.figures, item.name), getattr(after.figures, item.name))
        for item in fields(Figures)
    ]
    rows += _named_dispatches(before, after)
    for name, one, other in rows:
        if one is None and other is None:
            continue
        ratio = f"{other / one:.3f}" if one and other is not None else ""
        lines.append(f"{_cut(name, 50):<50} {_number(one):>16} {_number(other):>16} {ratio:>8}")
    lines += ["", f"{'share of samples':<50} {'first':>16} {'second':>16} {'change':>8}"]
    one_shares, other_shares = _shares(before), _shares(after)
    names = {*one_shares, *other_shares}
    changes = {name: other_shares.get(name, 0.0) - one_shares.get(name, 0.0) for name in names}
    for name in sorted(names, key=lambda name: -abs(changes[name]))[:_REPORT_ROWS]:
        if changes[name]:
            lines.append(
                f"{_cut(name, 50):<50} {one_shares.get(name, 0.0):>15.2%} "
                f"{other_shares.get(name, 0.0):>16.2%} {100 * changes[name]:>+8.2f}"
            )
    return "\n".join(lines)


def _named_dispatches(
    before: Profile, after: Profile
) -> list[tuple[str, float | None, float | None]]:
    """Callouts by class and system calls by name: per thousand unit entries, else how many."""
    counted = before.exact and after.exact
    columns: list[dict[tuple[str, str], float]] = [
        {
            (row.reason, row.name): (row.per_thousand_entries or 0.0 if counted else row.dispatches)
            for row in profile.dispatches
            if row.name
        }
        for profile in (before, after)
    ]
    one, other = columns
    keys = sorted({*one, *other}, key=lambda key: -max(one.get(key, 0), other.get(key, 0)))
    return [
        (
            f"{reason} {name}" + (" per thousand entries" if counted else ""),
            one.get((reason, name), 0),
            other.get((reason, name), 0),
        )
        for reason, name in keys[:_REPORT_ROWS]
    ]


def _shares(profile: Profile) -> dict[str, float]:
    whole = profile.figures.samples or 1
    shares: dict[str, float] = {}
    for function in profile.functions:
        shares[function.name] = shares.get(function.name, 0.0) + function.samples / whole
    return shares


def _head(profile: Profile) -> list[str]:
    how = "counted" if profile.exact else "sampled"
    ending = (
        f"exit status {profile.exit_status}"
        if profile.signal is None
        else f"ended by {_signal(profile.signal)}"
    )
    count = len(profile.processes)
    lines = [
        f"dbt profile: {' '.join(profile.command)}",
        f"  {how}; {count} process{'' if count == 1 else 'es'}, {ending}; "
        f"{profile.duration_s:.2f} s by the clock, "
        f"{profile.user_s:.2f} s user, {profile.system_s:.2f} s system",
    ]
    return lines + [f"  missing: {text}" for text in profile.missing]


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def _figures(profile: Profile) -> list[str]:
    f = profile.figures
    rows: list[tuple[str, str]] = []
    if f.samples:
        parts = [
            f"{getattr(f, f'time_share_{place}'):.1%} {text}"
            for place, text in _PLACES
            if getattr(f, f"time_share_{place}")
        ]
        rows.append(("time", ", ".join(parts[:3])))
        if parts[3:]:
            rows.append(("", ", ".join(parts[3:])))
    if f.guest_instructions_executed is not None:
        rows.append(
            (
                "executed",
                f"{f.guest_instructions_executed:,} instructions in "
                f"{f.tu_entries or 0:,} unit entries; "
                f"{_percent(f.ident_share_executed)} as they were",
            )
        )
        rows.append(
            (
                "cache",
                f"{_percent(f.tc_hit_rate, 4)} of entries needed no translation; "
                f"{_percent(f.chained_share, 4)} of direct transfers went by links;",
            )
        )
        rows.append(
            ("", f"{_percent(f.indirect_in_cache_share, 4)} of indirect branches stayed inside:")
        )
        rows.append(
            (
                "",
                f"{_percent(f.indirect_first_probe_share, 4)} by the first probe, "
                f"{_percent(f.indirect_collision_share, 4)} by the second level",
            )
        )
        rows.append(
            (
                "expansion",
                f"{_ratio(f.code_expansion_instructions_executed)} host instructions for a guest "
                f"instruction, {_ratio(f.code_expansion_bytes_executed)} bytes for a byte",
            )
        )
    rows.append(
        (
            "translated",
            f"{f.units_translated:,} units{again(f)}, "
            f"{f.guest_instructions_translated:,} instructions, "
            f"{_percent(f.ident_share_translated)} as they were;",
        )
    )
    rows.append(
        (
            "",
            f"{_ratio(f.translation_cycles_per_instruction, 0)} cycles an instruction, "
            f"{_ratio(f.code_expansion_bytes)} bytes for a byte",
        )
    )
    per = f.dispatches_per_thousand_entries
    rows.append(
        (
            "dispatches",
            f"{f.dispatches:,} to the VMM"
            + (f", {per:.3f} per thousand unit entries" if per is not None else "")
            + ":",
        )
    )
    reasons = [
        (
            getattr(f, f"dispatches_{reason}"),
            getattr(f, f"dispatches_{reason}_per_thousand_entries"),
            text,
        )
        for reason, text in _REASONS
    ]
    told = [
        f"{count:,} {text}" + (f" ({rate:.4f})" if rate is not None else "")
        for count, rate, text in sorted(reasons, key=lambda row: -row[0])
        if count
    ]
    most = 3 if profile.exact else 4
    rows += [("", ", ".join(told[at : at + most])) for at in range(0, len(told), most)]
    dropped = f"{f.evictions:,} evictions of {f.units_evicted:,} units"
    rows.append(
        (
            "occupancy",
            f"{f.tc_bytes_used:,} bytes, {f.chunks_live:,} chunks of {f.arenas:,} arenas "
            f"with {f.tc_bytes_reserved:,} bytes;",
        )
    )
    cost = f", {f.eviction_cycles:,} cycles" if f.evictions else ""
    rows.append(("", f"{dropped}{cost}, {f.invalidations:,} units invalidated"))
    if f.invalidations:
        causes = f"{f.invalidations_write:,} by writes, {f.invalidations_map:,} by mappings"
        rows.append(("", f"of them {causes}"))
    if f.self_check_pages:
        rows.append(
            (
                "changing",
                f"{f.self_check_pages:,} pages whose units check themselves, "
                f"{f.self_check_pages_settled:,} settled; {f.self_check_changes:,} changes found",
            )
        )
    return [f"  {label:<11} {text}" for label, text in rows]


def _hot(profile: Profile, most: int) -> list[str]:
    lines = []
    sections: list[tuple[str, Sequence[Function | Module | SourceLine]]] = [
        ("functions", profile.functions),
        ("modules", profile.modules),
        ("source lines", profile.lines),
    ]
    for title, found in sections:
        if found:
            lines += ["", f"  hottest {title}", *_rows(found[:most], profile)]
    return lines


def _rows(rows: Iterable[Function | Module | SourceLine], profile: Profile) -> list[str]:
    lines = []
    samples = profile.figures.samples
    executed = profile.figures.guest_instructions_executed
    for row in rows:
        columns = f"  {_percent(row.samples / samples if samples else None):>7}"
        if profile.exact:
            of_all = (row.instructions or 0) / executed if executed else None
            columns += f"  {_percent(of_all):>7} {row.instructions or 0:>16,}"
        if isinstance(row, Function):
            if profile.exact:
                columns += f" {row.calls or 0:>12,} calls"
            module = row.module.rpartition("/")[2]
            text = f"{_cut(row.name, 60)}  {module}"
            if row.source is not None:
                text += f"  {row.source.rpartition('/')[2]}:{row.line}"
        elif isinstance(row, Module):
            text = row.path or "[no file]"
        else:
            text = f"{row.source}:{row.line}  {_cut(row.function, 40)}"
        lines.append(f"{columns}  {text}")
    return lines


def _units(units: Sequence[Unit], profile: Profile) -> list[str]:
    if not units:
        return []
    lines = ["", "  hottest units"]
    samples = profile.figures.samples
    for unit in units:
        columns = f"  {_percent(unit.samples / samples if samples else None):>7}"
        if unit.executions is not None:
            columns += f" {unit.executions:>16,} times"
        module = unit.module.rpartition("/")[2] or "[no file]"
        lines.append(
            f"{columns}  {unit.pc:#x}  {_cut(unit.function, 50)}  {module}+{unit.offset:#x}  "
            f"{unit.instructions} instructions"
        )
    return lines


def _branches(profile: Profile) -> list[str]:
    """Indirect jumps and calls; where returns go, the calls tell."""
    lines = []
    told = [branch for branch in profile.branches if branch.kind != "return"]
    for branch in told[:_REPORT_ROWS]:
        module = branch.module.rpartition("/")[2] or "[no file]"
        more = "" if branch.targets_seen == 1 else f" to {branch.targets_seen:,} targets"
        lines.append(
            f"  {branch.executions:>16,} {branch.kind:<5} {branch.pc:#x}  "
            f"{_cut(branch.function, 50)}  {module}+{branch.offset:#x}{more}"
        )
        for target in branch.targets[:_TARGET_ROWS]:
            of_all = _percent(target.executions / branch.executions)
            lines.append(f"  {'':>16} {of_all:>8} {target.pc:#x}  {_cut(target.function, 50)}")
    return ["", "  hottest indirect jumps and calls", *lines] if lines else []


def _calls(profile: Profile) -> list[str]:
    lines = []
    for title, reason in (("system calls", "syscall"), ("callouts", "callout")):
        rows = [row for row in profile.dispatches if row.reason == reason][:_REPORT_ROWS]
        if rows:
            lines += ["", f"  {title}" + (", and per thousand unit entries" * profile.exact)]
        for row in rows:
            rate = row.per_thousand_entries
            shown = f" {rate:>12,.4f}" if rate is not None else ""
            lines.append(f"  {row.dispatches:>12,}{shown}  {row.name}")
    return lines


def _arenas(profile: Profile) -> list[str]:
    lines = []
    for arena in profile.arenas[:_REPORT_ROWS]:
        lines.append(
            f"  {arena.pid:>8} {arena.host_start:#014x} {arena.bytes_used:>12,} of "
            f"{arena.bytes_reserved:,} bytes, {arena.chunks_live:,} chunks, {arena.units:,} units, "
            f"for {arena.guest_start:#x} to {arena.guest_end:#x}  {arena.path.rpartition('/')[2]}"
        )
    return ["", "  arenas of the translation cache", *lines] if lines else []


def _mix(profile: Profile) -> list[str]:
    lines = []
    for title, mix in (
        ("classes of executed instructions", profile.mix_class),
        ("extensions of executed instructions", profile.mix_extension),
    ):
        whole = sum(row.instructions for row in mix)
        if mix:
            lines += ["", f"  {title}"]
            lines += [
                f"  {_percent(row.instructions / whole):>7} {row.instructions:>16,}  {row.name}"
                for row in mix
            ]
    return lines


def _processes(profile: Profile) -> list[str]:
    lines = ["", "  processes"]
    for process in profile.processes:
        f = process.figures
        lines.append(
            f"  {process.pid:>8} {process.name:<16} {f.samples:>8,} samples "
            f"{f.units_translated:>9,} units {f.dispatches:>10,} dispatches  {process.path}"
        )
        if len(process.threads) > 1:
            lines += [
                f"  {'':>8} thread {thread.tid:<9} {thread.samples:>8,} samples"
                for thread in process.threads
            ]
    return lines


def again(figures: Figures) -> str:
    """How many units were translated again, in parentheses; empty where it is not known."""
    known = figures.units_retranslated
    return "" if known is None else f" ({known:,} again)"


def _percent(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}%}"


def _ratio(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
