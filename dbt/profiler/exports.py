"""Profiles in the formats of other tools, and which there are."""

from __future__ import annotations

import json
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from dbt.errors import DbtError, UsageError
from dbt.profiler.inclusive import shared_costs
from dbt.profiler.model import Call, Coverage, Function, Profile, encoded
from dbt.profiler.page import page
from dbt.profiler.symbols import ObjectFile

_DRCOV_BLOCK = struct.Struct("<IHH")
_DRCOV_BLOCK_MOST = 0xFFFF


def callgrind(profile: Profile) -> bytes:
    """For KCachegrind and callgrind_annotate: costs of lines, and calls.

    Source: Valgrind manual, Callgrind Format Specification.
    """
    events = ("Ir", "Samples") if profile.exact else ("Samples",)
    executed = profile.figures.guest_instructions_executed or 0
    lines = [
        "# callgrind format",
        "version: 1",
        f"creator: dbt {profile.dbt_version}",
        f"cmd: {' '.join(profile.command)}",
        "positions: line",
        f"events: {' '.join(events)}",
        f"summary: {_cost(profile, profile.figures.samples, executed)}",
    ]
    calls = _calls_by_caller(profile)
    by_function = defaultdict(list)
    for row in profile.lines:
        by_function[row.function].append(row)
    for number, function in enumerate(profile.functions):
        lines += ["", f"ob={function.module or '???'}", f"fl={function.source or '???'}"]
        lines.append(f"fn={function.name}")
        samples, instructions = function.samples, function.instructions or 0
        for row in by_function.pop(function.name, []):
            if row.source != function.source:
                lines.append(f"fi={row.source}")
            lines.append(f"{row.line} {_cost(profile, row.samples, row.instructions or 0)}")
            if row.source != function.source:
                lines.append(f"fe={function.source or '???'}")
            samples -= row.samples
            instructions -= row.instructions or 0
        # What no line tells, or too few of the hottest lines.
        if samples > 0 or instructions > 0:
            rest = _cost(profile, max(samples, 0), max(instructions, 0))
            lines.append(f"{function.line or 0} {rest}")
        for call, cost in calls[number]:
            callee = profile.functions[call.callee]
            if call.source is not None and call.source != function.source:
                lines.append(f"fi={call.source}")
            lines += [f"cob={callee.module or '???'}", f"cfi={callee.source or '???'}"]
            lines += [f"cfn={callee.name}", f"calls={call.calls} {callee.line or 0}"]
            lines.append(f"{call.line or 0} {cost}")
            if call.source is not None and call.source != function.source:
                lines.append(f"fe={function.source or '???'}")
    return encoded("\n".join(lines) + "\n")


def _calls_by_caller(profile: Profile) -> dict[int, list[tuple[Call, str]]]:
    """A function's calls by its place in the list, each with its cost, callees included."""
    edges = [(call.caller, call.callee, call.calls) for call in profile.calls]
    executed = shared_costs([row.instructions or 0 for row in profile.functions], edges)
    sampled = shared_costs([row.samples for row in profile.functions], edges)
    found: dict[int, list[tuple[Call, str]]] = defaultdict(list)
    for call, instructions, samples in zip(profile.calls, executed, sampled, strict=True):
        cost = _cost(profile, round(samples), round(instructions))
        found[call.caller].append((call, cost))
    return found


def _cost(profile: Profile, samples: int, instructions: int) -> str:
    return f"{instructions} {samples}" if profile.exact else str(samples)


def speedscope(profile: Profile) -> bytes:
    """For https://www.speedscope.app: the stacks of all samples, hottest first.

    Source: speedscope's file-format-schema.json.
    """
    frames: dict[str, int] = {}
    samples = []
    weights = []
    for stack in profile.stacks:
        samples.append([frames.setdefault(name, len(frames)) for name in stack.frames])
        weights.append(stack.samples)
    tree = {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": " ".join(profile.command),
        "exporter": f"dbt {profile.dbt_version}",
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": " ".join(profile.command),
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return json.dumps(tree).encode()


def perf_map(profile: Profile) -> bytes:
    """For perf, as /tmp/perf-PID.map: names of the first process's translated code.

    Source: Linux, tools/perf/Documentation/jit-interface.txt.
    """
    if not profile.host_code:
        return b""
    code = profile.host_code[0]
    rows = (
        f"{host:x} {size:x} {code.names[name]} [guest {pc:#x}]"
        for host, size, pc, name in sorted(code.blocks)
    )
    return encoded("\n".join(rows) + "\n")


def drcov(profile: Profile) -> bytes:
    """For Lighthouse and others: the blocks of every module, in DynamoRIO's version 2.

    Raises:
        DbtError: a block lies before its module, or 4 GiB behind its start.

    Source: DynamoRIO, drcov's drcov.h and utils/modules.c.
    """
    modules = profile.coverage
    head = [
        "DRCOV VERSION: 2",
        "DRCOV FLAVOR: drcov",
        f"Module Table: version 2, count {len(modules)}",
        "Columns: id, base, end, entry, checksum, timestamp, path",
    ]
    head += [
        f"{number:3}, {module.start:#018x}, {module.end:#018x}, {0:#018x}, "
        f"{0:#010x}, {0:#010x}, {module.path}"
        for number, module in enumerate(modules)
    ]
    try:
        blocks = [
            _DRCOV_BLOCK.pack(address - module.start, min(size, _DRCOV_BLOCK_MOST), number)
            for number, module in enumerate(modules)
            for address, size, _ in module.blocks
        ]
    except struct.error:
        raise DbtError("drcov cannot tell a block that lies outside of its module") from None
    head.append(f"BB Table: {len(blocks)} bbs")
    return encoded("\n".join(head) + "\n") + b"".join(blocks)


def lcov(profile: Profile) -> bytes:
    """For genhtml and others: how often each line was executed, of files that have DWARF.

    Raises:
        UsageError: executions were not counted.
        DbtError: no file has DWARF.

    Source: geninfo(1), Tracefile format.
    """
    if not profile.exact:
        raise UsageError("lcov tells executions: this profile was not made with --exact")
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    functions: dict[str, list[Function]] = defaultdict(list)
    files = {module.path: ObjectFile(module.path) for module in profile.coverage}
    for module in profile.coverage:
        file = files[module.path]
        if file.has_lines:
            count_at = _counter(module)
            executed = (address for address, _, _ in module.blocks)
            for line, addresses in file.lines(executed).items():
                count = max(map(count_at, addresses))
                found = counts[line.source]
                found[line.line] = max(found.get(line.line, 0), count)
    for function in profile.functions:
        if function.start and function.module in files and files[function.module].has_lines:
            place = files[function.module].line_at(function.start)
            if place is not None:
                functions[place.source].append(replace(function, line=place.line))
    if not counts:
        raise DbtError(
            "lcov tells source lines: no program or library of this profile has DWARF now, "
            "in itself or in a debug file"
        )
    rows: list[str] = []
    for source in sorted(counts):
        rows += _lcov_record(source, counts[source], functions[source])
    return encoded("\n".join(rows) + "\n")


def _counter(module: Coverage) -> Callable[[int], int]:
    """Executions of the instruction at an address: the sum over the blocks that hold it."""
    changes: dict[int, int] = defaultdict(int)
    for address, size, count in module.blocks:
        changes[address] += count
        changes[address + size] -= count
    starts = sorted(changes)
    totals = []
    total = 0
    for start in starts:
        total += changes[start]
        totals.append(total)

    def count_at(address: int) -> int:
        at = bisect_right(starts, address) - 1
        return totals[at] if at >= 0 else 0

    return count_at


def _lcov_record(source: str, counts: dict[int, int], functions: list[Function]) -> Iterator[str]:
    yield f"SF:{source}"
    for function in functions:
        yield f"FN:{function.line},{function.name}"
    for function in functions:
        yield f"FNDA:{function.calls or counts.get(function.line or 0, 0)},{function.name}"
    yield f"FNF:{len(functions)}"
    yield f"FNH:{len(functions)}"
    for line in sorted(counts):
        yield f"DA:{line},{counts[line]}"
    yield f"LF:{len(counts)}"
    yield f"LH:{sum(map(bool, counts.values()))}"
    yield "end_of_record"


#: By the name that `dbt report --format` takes.
EXPORTS: dict[str, Callable[[Profile], bytes]] = {
    "html": lambda profile: encoded(page(profile)),
    "callgrind": callgrind,
    "speedscope": speedscope,
    "perf-map": perf_map,
    "drcov": drcov,
    "lcov": lcov,
}
