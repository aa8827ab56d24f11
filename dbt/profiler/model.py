"""A profile as values: what `dbt.profile` returns and a profile file holds.

Every field is a plain number, text, or another of these values, so that the file is the same tree
as JSON. docs/profile.md defines each figure; None stands for one that this profile cannot give.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from dbt.tcache.arenas import ArenaUse

FORMAT = "dbt-profile"
VERSION = 4


@dataclass(frozen=True)
class Figures:
    """The figures of one process or of the whole session; docs/profile.md has the formulas."""

    guest_instructions_translated: int
    guest_instructions_executed: int | None
    units_translated: int
    units_retranslated: int | None
    translations: int
    tu_entries: int | None
    tc_hit_rate: float | None
    dispatches: int
    dispatches_continuation: int
    dispatches_indirect_miss: int
    dispatches_syscall: int
    dispatches_callout: int
    dispatches_signal: int
    dispatches_fault: int
    dispatches_code_write: int
    dispatches_per_thousand_entries: float | None
    dispatches_continuation_per_thousand_entries: float | None
    dispatches_indirect_miss_per_thousand_entries: float | None
    dispatches_syscall_per_thousand_entries: float | None
    dispatches_callout_per_thousand_entries: float | None
    dispatches_signal_per_thousand_entries: float | None
    dispatches_fault_per_thousand_entries: float | None
    dispatches_code_write_per_thousand_entries: float | None
    direct_transfers_executed: int | None
    chained_share: float | None
    indirect_branches_executed: int | None
    indirect_in_cache_share: float | None
    indirect_first_probe_share: float | None
    indirect_collision_share: float | None
    indirect_cold_share: float | None
    ident_share_translated: float | None
    ident_share_executed: float | None
    code_expansion_bytes: float | None
    code_expansion_bytes_executed: float | None
    code_expansion_instructions_executed: float | None
    translation_cycles: int
    translation_cycles_per_instruction: float | None
    links_made: int
    links_broken: int
    tc_bytes_used: int
    tc_bytes_reserved: int
    arenas: int
    chunks_live: int
    evictions: int
    units_evicted: int
    eviction_cycles: int
    invalidations: int
    invalidations_write: int
    invalidations_map: int
    code_pages_protected: int
    self_check_pages: int
    self_check_pages_settled: int
    self_check_changes: int
    samples: int
    time_share_tc: float | None
    time_share_lookup: float | None
    time_share_translate: float | None
    time_share_vmm: float | None
    time_share_kernel: float | None


@dataclass(frozen=True)
class Dispatches:
    """Dispatches to the VMM for one reason, of the whole session.

    Attributes:
        reason: as the figure is called: continuation, indirect_miss, syscall, callout …
        name: of the system call, or the class of the instructions; else empty.
        dispatches: how many.
        per_thousand_entries: of units; None unless exact.
    """

    reason: str
    name: str
    dispatches: int
    per_thousand_entries: float | None


@dataclass(frozen=True)
class _OfProgram:
    """Whose a row is.

    Attributes:
        pid: of the process.
        path: of the program.
    """

    pid: int
    path: str


@dataclass(frozen=True)
class Arena(ArenaUse, _OfProgram):
    """An arena of one program's translation cache, as it was at the program's end."""


@dataclass(frozen=True)
class Thread:
    """One thread's samples, by where they found it."""

    tid: int
    samples: int
    tc: int
    lookup: int
    translate: int
    vmm: int
    kernel: int


@dataclass(frozen=True)
class Process:
    """One process of the session.

    Attributes:
        pid: its process id.
        parent_pid: of who started it.
        name: as ps showed it last.
        path: of its last program.
        figures: of this process alone.
        syscalls: system calls by name.
        callouts: instructions that C carried out, by class.
        threads: those that were sampled at least once.
        threads_started: all there were; one that executes another program is the same thread.
    """

    pid: int
    parent_pid: int
    name: str
    path: str
    figures: Figures
    syscalls: dict[str, int]
    callouts: dict[str, int]
    threads: tuple[Thread, ...]
    threads_started: int


@dataclass(frozen=True)
class Function:
    """A function of the guest.

    Attributes:
        name: demangled; a made-up one for a function that has none.
        module: the file's path; empty for code that lies in no file.
        start: address in the file, as it was linked.
        samples: in it, callees left out.
        instructions: executed in it, likewise; None unless exact.
        calls: how often it was called; None unless exact.
        source: file and line of its hottest place, where debug information tells.
        line: likewise.
    """

    name: str
    module: str
    start: int
    samples: int
    instructions: int | None
    calls: int | None
    source: str | None
    line: int | None


@dataclass(frozen=True)
class SourceLine:
    """A source line, with the samples and the executed instructions of its code."""

    source: str
    line: int
    function: str
    samples: int
    instructions: int | None


@dataclass(frozen=True)
class Module:
    """A file that guest code lay in; the empty path stands for code that lay in none."""

    path: str
    samples: int
    instructions: int | None


@dataclass(frozen=True)
class Unit:
    """A translation unit that was hot.

    Attributes:
        pid: of the process that translated it.
        pc: guest address.
        module: path of the file it was mapped from, or empty.
        offset: in that file; the guest address where there is none.
        function: the function that it lies in, or empty.
        source: of its first instruction, or None.
        line: likewise.
        samples: in its body.
        executions: how often it was entered; None unless exact.
        instructions: guest instructions in it.
        guest_bytes: their length.
        host_bytes: of its body.
        host_instructions: of its body.
        code: the guest bytes, in hex digits.
    """

    pid: int
    pc: int
    module: str
    offset: int
    function: str
    source: str | None
    line: int | None
    samples: int
    executions: int | None
    instructions: int
    guest_bytes: int
    host_bytes: int
    host_instructions: int
    code: str


@dataclass(frozen=True)
class Call:
    """Calls of one function by another, from one source line.

    Attributes:
        caller: its place in the profile's functions.
        callee: likewise.
        calls: how many, jumps to the beginning of another function included.
        source: of the call, or None.
        line: likewise.
    """

    caller: int
    callee: int
    calls: int
    source: str | None
    line: int | None


@dataclass(frozen=True)
class BranchTarget:
    """Where an indirect branch went, and how often; offset is in the module, as in `Unit`."""

    pc: int
    module: str
    offset: int
    function: str
    executions: int


@dataclass(frozen=True)
class Branch:
    """An indirect branch that was hot.

    Attributes:
        pid: of the process.
        pc: guest address of the instruction.
        kind: "return", "jump" or "call".
        module: path of the file it was mapped from, or empty.
        offset: in that file; the guest address where there is none.
        function: the function that it lies in, or empty.
        source: of the instruction, or None.
        line: likewise.
        executions: how often it was executed.
        targets_seen: to how many targets it went.
        targets: the most frequent of them.
    """

    pid: int
    pc: int
    kind: str
    module: str
    offset: int
    function: str
    source: str | None
    line: int | None
    executions: int
    targets_seen: int
    targets: tuple[BranchTarget, ...]


@dataclass(frozen=True)
class CoursePoint:
    """The session at one moment: counters so far, and samples since the point before."""

    time_s: float
    tu_entries: int | None
    units_translated: int
    translations: int
    dispatches: int
    tc_bytes_used: int
    evictions: int
    samples_tc: int
    samples_lookup: int
    samples_translate: int
    samples_vmm: int
    samples_kernel: int


@dataclass(frozen=True)
class Stack:
    """Samples with the same stack: frames from the outermost to the innermost."""

    frames: tuple[str, ...]
    samples: int


@dataclass(frozen=True)
class Coverage:
    """Stretches of one module that were translated, or executed where counts are exact.

    Attributes:
        path: of the file.
        start: lowest address of the file, as it was linked.
        end: behind its highest.
        blocks: address as linked, length in bytes, executions (1 where not counted).
    """

    path: str
    start: int
    end: int
    blocks: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class HostCode:
    """Where the units of one process lay in its translation cache.

    Attributes:
        pid: of the process.
        names: of functions.
        blocks: host address of the body, host bytes, guest address, index of the function's name.
    """

    pid: int
    names: tuple[str, ...]
    blocks: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True)
class Mix:
    """Executed (exact) or translated guest instructions of one kind."""

    name: str
    instructions: int


@dataclass(frozen=True)
class Profile:
    """What a profiled run told.

    Attributes:
        format: always "dbt-profile".
        version: of this layout; a reader of another version refuses.
        dbt_version: of the program that wrote it.
        command: the program and its arguments.
        exact: whether executions were counted (`--exact`), and not only sampled.
        interval_us: processor time between samples of a thread.
        duration_s: from the start to the end of the first process.
        user_s: processor time in user mode, of all processes that have been waited for.
        system_s: in the kernel, likewise.
        exit_status: of the first process, or None when a signal ended it.
        signal: that signal's number, or None.
        missing: what the figures leave out, a sentence each; empty: nothing.
        figures: of the whole session.
        dispatches: by reason, system call and class; those that happened.
        arenas: of all programs, in the order they started.
        processes: in the order they started.
        course: in order of time.
        modules, functions, lines, units: hottest first; units and lines only the hottest.
        calls: by caller, callee and line, most frequent first; empty unless exact.
        branches: the hottest indirect branches with their targets; empty unless exact.
        stacks: for flame graphs.
        mix_class: by class of the translator.
        mix_extension: by extension of the instruction set.
        coverage: by module.
        host_code: by process, for perf.
    """

    format: str
    version: int
    dbt_version: str
    command: tuple[str, ...]
    exact: bool
    interval_us: int
    duration_s: float
    user_s: float
    system_s: float
    exit_status: int | None
    signal: int | None
    missing: tuple[str, ...]
    figures: Figures
    dispatches: tuple[Dispatches, ...]
    arenas: tuple[Arena, ...]
    processes: tuple[Process, ...]
    course: tuple[CoursePoint, ...]
    modules: tuple[Module, ...]
    functions: tuple[Function, ...]
    lines: tuple[SourceLine, ...]
    units: tuple[Unit, ...]
    calls: tuple[Call, ...]
    branches: tuple[Branch, ...]
    stacks: tuple[Stack, ...]
    mix_class: tuple[Mix, ...]
    mix_extension: tuple[Mix, ...]
    coverage: tuple[Coverage, ...]
    host_code: tuple[HostCode, ...]

    def table(self, what: str = "functions") -> list[dict[str, Any]]:
        """One of the lists as rows for `pandas.DataFrame`.

        Args:
            what: the field's name: functions, modules, lines, units, course, processes …

        Raises:
            ValueError: there is no such list.
        """
        if what not in _LISTS:
            raise ValueError(f"{what!r} is no table of a profile; there are {', '.join(_LISTS)}")
        return [_flat(row) for row in getattr(self, what)]

    def to_dict(self) -> dict[str, Any]:
        """The profile as the tree of its JSON file."""
        return asdict(self)


_LISTS = (
    *("dispatches", "arenas", "course", "modules", "functions", "lines", "units", "calls"),
    *("mix_class", "mix_extension", "branches", "processes", "stacks", "coverage"),
)


def _flat(row: Any) -> dict[str, Any]:
    """A row without nested values: a process's figures become columns of it."""
    flat: dict[str, Any] = {}
    for name, value in asdict(row).items():
        if name == "figures":
            flat.update(value)
        elif not isinstance(value, (dict, list, tuple)) or name == "frames":
            flat[name] = value
    return flat


def share(part: float, whole: float) -> float | None:
    """A quotient; None where there is nothing to divide by."""
    return part / whole if whole else None


def hottest(rows: Iterable[Any], most: int) -> list[Any]:
    """The rows with most instructions (where counted), else most samples; at most so many."""
    ordered = sorted(rows, key=lambda row: (row.instructions or 0, row.samples), reverse=True)
    return ordered[:most]


def encoded(text: str) -> bytes:
    """Text for a file or a terminal; names that are no UTF-8 keep the bytes that they have."""
    return text.encode(errors="surrogateescape")
